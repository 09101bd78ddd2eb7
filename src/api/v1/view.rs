use std::sync::Arc;

use axum::{http::HeaderMap, response::Response};
use serde::Serialize;

use crate::api::edge::{ApiError, BBOX_EXPECTED, Caller, Freshness, Query, answer, present_place};
use crate::api::state::ApiState;
use crate::geo::{BBox, Cell, LngLat, Resolution};
use crate::index::Snapshot;
use crate::model::{AreaCode, Day, Timestamp, UtcOffset, Window};
use crate::risk::Audience;
use crate::store::AuditEntry;
use crate::tiles::LIVE_WINDOW_HOURS;

/// Cells that a box may hold before a list of them is even begun.
const LIST_CELLS: f64 = 1_000_000.0;
/// The look-back after which no late event comes any more, seconds.
const LOOK_BACK_S: i64 = 22 * 86_400;

/// One snapshot as one caller may see it, at one time. Everything that a read answers goes through this.
#[derive(Clone)]
pub struct View {
    /// What is known.
    pub snapshot: Arc<Snapshot>,
    /// Who asks.
    pub caller: Caller,
    /// The instant asked for.
    pub at: Timestamp,
    /// The buckets asked for, ending with that of `at`.
    pub window: Window,
    /// Local time.
    pub offset: UtcOffset,
    /// Now.
    pub now: Timestamp,
    live_max_age_s: u32,
}

impl View {
    /// Reads `at` and `window` and takes the present snapshot.
    ///
    /// # Errors
    /// 400 when one of them cannot be read.
    pub fn new(state: &ApiState, caller: Caller, query: &Query) -> Result<Self, ApiError> {
        let now = state.now();
        let at = query.at()?.unwrap_or(now);
        let hours = query.window_hours()?.unwrap_or(LIVE_WINDOW_HOURS);
        Ok(Self {
            snapshot: state.snapshot(),
            caller,
            at,
            window: Window::ending(at, hours),
            offset: state.pipeline.offset(),
            now,
            live_max_age_s: state.config.live_max_age_s,
        })
    }

    /// Whether an instant before now is asked for: then the answer rests on what counted then.
    #[must_use]
    pub fn is_past(&self) -> bool {
        self.at < self.now
    }

    /// The local day of `at`.
    #[must_use]
    pub fn day(&self) -> Day {
        Day::of(self.at, self.offset)
    }

    /// The seven days that end with the bucket of `at`: what rates and levels look at.
    #[must_use]
    pub fn week(&self) -> Window {
        Window::ending(self.at, 7 * 24)
    }

    /// When the figures were last brought up to date.
    #[must_use]
    pub fn as_of(&self) -> String {
        self.time(self.snapshot.as_of())
    }

    /// An instant in local time.
    #[must_use]
    pub fn time(&self, at: Timestamp) -> String {
        at.to_rfc3339(self.offset)
    }

    /// A bucket span as two instants.
    #[must_use]
    pub fn span(&self, window: Window) -> Span {
        Span {
            from: self.time(window.from.start()),
            to: self.time(window.to.start()),
        }
    }

    /// How long the answer may be kept: not at all where a key shows more, an hour where only a backfill or a
    /// correction can change it.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        if self.caller.key.is_some() {
            Freshness::Private
        } else if self.at.plus_s(LOOK_BACK_S) < self.now {
            Freshness::Live(3600)
        } else {
            Freshness::Live(self.live_max_age_s)
        }
    }

    /// Whether the caller sees exact figures of what lies in those areas.
    pub fn sees_exact<'a>(&self, codes: impl Iterator<Item = &'a AreaCode>) -> bool {
        self.caller.reads_exact() && self.caller.covers(codes)
    }

    /// Whether the caller sees exact figures of a cell: one with areas sees them only where the centre and
    /// every corner lie in its areas, for a cell across their edge also counts people outside.
    #[must_use]
    pub fn sees_exact_cell(&self, cell: Cell) -> bool {
        self.caller.reads_exact()
            && (self.caller.areas.is_empty()
                || (self.covers_point(cell.centre())
                    && cell
                        .boundary()
                        .into_iter()
                        .all(|corner| self.covers_point(corner))))
    }

    /// Whether a place lies in the caller's areas.
    #[must_use]
    pub fn covers_point(&self, at: LngLat) -> bool {
        self.caller
            .covers_point(at, |at| codes_at(&self.snapshot, at, self.day()))
    }

    /// Who the figures are for.
    #[must_use]
    pub const fn audience(is_exact: bool) -> Audience {
        if is_exact {
            Audience::Official
        } else {
            Audience::Public
        }
    }

    /// Writes one object.
    ///
    /// # Errors
    /// 500 when it cannot be written.
    pub fn write<T: Serialize>(&self, headers: &HeaderMap, body: &T) -> Result<Response, ApiError> {
        let bytes = serde_json::to_vec(body).map_err(ApiError::internal)?;
        Ok(answer(headers, "application/json", self.freshness(), bytes))
    }
}

/// A span of time, half open.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Span {
    /// First instant inside, RFC 3339.
    pub from: String,
    /// First instant after, RFC 3339.
    pub to: String,
}

/// The codes of the areas at a point, finest first.
#[must_use]
pub fn codes_at(snapshot: &Snapshot, at: LngLat, day: Day) -> Vec<AreaCode> {
    snapshot.areas().chain_of(at, None, day).to_vec()
}

/// Refuses a box that holds more cells than a list may show: before anything is computed.
///
/// # Errors
/// 400 with the coarser resolution that would do.
pub fn check_extent(bbox: &BBox, resolution: Resolution) -> Result<(), ApiError> {
    let cells = |resolution: u8| area_km2(bbox) / (4_357_449.4 / 7_f64.powi(i32::from(resolution)));
    if cells(resolution.get()) <= LIST_CELLS {
        return Ok(());
    }
    let coarser = (0..resolution.get())
        .rev()
        .find(|coarser| cells(*coarser) <= LIST_CELLS);
    Err(ApiError::invalid(
        "bbox",
        &format!(
            "{},{},{},{}",
            bbox.min_lng, bbox.min_lat, bbox.max_lng, bbox.max_lat
        ),
        format!(
            "holds about {:.0} cells of resolution {}",
            cells(resolution.get()),
            resolution.get()
        ),
        format!(
            "{BBOX_EXPECTED} of a smaller box, or resolution={} or coarser",
            coarser.unwrap_or(0)
        ),
    ))
}

/// Area of a box on the sphere, km².
fn area_km2(bbox: &BBox) -> f64 {
    const RADIUS_KM: f64 = 6371.0088;
    bbox.parts()
        .iter()
        .map(|part| {
            let width = (part.max_lng - part.min_lng).to_radians();
            let height = part.max_lat.to_radians().sin() - part.min_lat.to_radians().sin();
            RADIUS_KM * RADIUS_KM * width * height
        })
        .sum()
}

/// Runs CPU-bound work on the blocking pool, so that one long list does not hold up the others. It keeps the
/// request's place at its gate until it is done, also when the client has left.
///
/// # Errors
/// Those of the work; 500 when it panicked.
pub async fn compute_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let place = present_place();
    let held = move || {
        let _place = place;
        work()
    };
    tokio::task::spawn_blocking(held)
        .await
        .map_err(|panic| ApiError::internal(format!("computing an answer: {panic}")))?
}

/// Writes an act or a look-up into the audit log. It comes first: what cannot be written down is not done.
///
/// # Errors
/// Those of the store.
pub async fn audit(
    state: &ApiState,
    caller: &Caller,
    action: &str,
    subject: &str,
    reason: Option<&str>,
) -> Result<(), ApiError> {
    let entry = AuditEntry {
        at: state.now(),
        actor: caller.actor().to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        reason: reason.map(|text| text.chars().take(500).collect()),
    };
    state.pipeline.store().append_audit(&entry).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::edge::{Class, ClassLimits, Gates, holding};

    #[tokio::test]
    async fn work_whose_client_left_keeps_its_place() {
        let gates = Gates::new(ClassLimits {
            read: 1,
            ..ClassLimits::default()
        });
        let place = gates.enter(Class::Read).unwrap();
        let (begun, has_begun) = tokio::sync::oneshot::channel::<()>();
        let (finish, to_finish) = std::sync::mpsc::channel::<()>();
        let request = tokio::spawn(holding(
            place,
            compute_blocking(move || {
                begun.send(()).unwrap();
                to_finish.recv().map_err(ApiError::internal)
            }),
        ));
        has_begun.await.unwrap();
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        assert!(gates.enter(Class::Read).is_err());
        finish.send(()).unwrap();
        while gates.enter(Class::Read).is_err() {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn a_question_for_the_world_at_the_finest_resolution_is_refused_with_a_way_out() {
        let fine = Resolution::new(9).unwrap();
        let Err(ApiError::Invalid(errors)) = check_extent(&BBox::WORLD, fine) else {
            panic!("accepted");
        };
        assert!(
            errors[0].expected.contains("resolution=4"),
            "{}",
            errors[0].expected
        );
        assert!(check_extent(&BBox::WORLD, Resolution::new(4).unwrap()).is_ok());
        let town = BBox::parse("105.7,21.5,105.9,21.7").unwrap();
        assert!(check_extent(&town, fine).is_ok());
    }

    #[test]
    fn the_world_has_its_area() {
        assert!((area_km2(&BBox::WORLD) - 510_065_621.0).abs() < 50_000.0);
    }
}
