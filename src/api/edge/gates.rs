use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::edge::ApiError;

/// A kind of work that cannot starve the others: each has its own number of places and its own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Health, metrics, documents. Never shed.
    Ops,
    /// Vector tiles.
    Tiles,
    /// Figures and registries.
    Read,
    /// Small writes by officials.
    Write,
    /// Event batches.
    Ingest,
    /// Event streams out; they last.
    Stream,
}

/// How many of each class may be under way.
#[derive(Clone, Copy, Debug)]
pub struct ClassLimits {
    /// Tiles.
    pub tiles: usize,
    /// Reads.
    pub read: usize,
    /// Small writes.
    pub write: usize,
    /// Event batches.
    pub ingest: usize,
    /// Streams out.
    pub stream: usize,
    /// Pictures of the map that are drawn; who finds no place waits a moment before being shed.
    pub pictures: usize,
}

impl Default for ClassLimits {
    fn default() -> Self {
        Self {
            tiles: 256,
            read: 64,
            write: 16,
            ingest: 16,
            stream: 1000,
            pictures: 2,
        }
    }
}

/// A place at a gate; the last of those who share it gives it back.
pub type Place = Arc<OwnedSemaphorePermit>;

tokio::task_local! {
    /// The place of the request that this task works on.
    static PLACE: Option<Place>;
}

/// Works on a request that holds a place.
pub async fn holding<T>(place: Option<OwnedSemaphorePermit>, work: impl Future<Output = T>) -> T {
    PLACE.scope(place.map(Arc::new), work).await
}

/// The place of the request under way. Work that goes on when its client left (a blocking thread cannot be
/// stopped) keeps it, so that gates count what is computed, not who still waits.
#[must_use]
pub fn present_place() -> Option<Place> {
    PLACE.try_with(Clone::clone).ok().flatten()
}

/// The places of each class. Nobody queues: a full class sheds at once, with 503 (event batches: 429) and `Retry-After`,
/// because a queue that is longer than the client's patience only burns work.
#[derive(Debug)]
pub struct Gates {
    tiles: Arc<Semaphore>,
    read: Arc<Semaphore>,
    write: Arc<Semaphore>,
    ingest: Arc<Semaphore>,
    stream: Arc<Semaphore>,
}

impl Gates {
    /// Gates with that many places.
    #[must_use]
    pub fn new(limits: ClassLimits) -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self {
            tiles: places(limits.tiles),
            read: places(limits.read),
            write: places(limits.write),
            ingest: places(limits.ingest),
            stream: places(limits.stream),
        }
    }

    /// A place, held until dropped; `None` for what is never shed.
    ///
    /// # Errors
    /// 503 when the class is full; 429 for event batches, whose producers are told to slow down.
    pub fn enter(&self, class: Class) -> Result<Option<OwnedSemaphorePermit>, ApiError> {
        let gate = match class {
            Class::Ops => return Ok(None),
            Class::Tiles => &self.tiles,
            Class::Read => &self.read,
            Class::Write => &self.write,
            Class::Ingest => &self.ingest,
            Class::Stream => &self.stream,
        };
        Arc::clone(gate).try_acquire_owned().map(Some).map_err(|_full| {
            metrics::counter!("vungxanh_shed_total", "class" => class.name()).increment(1);
            let reason = format!("too many requests of the class `{}` at once", class.name());
            match class {
                Class::Ingest => ApiError::TooMany {
                    retry_after_s: 1,
                    reason,
                },
                _ => ApiError::Busy {
                    retry_after_s: 1,
                    reason,
                },
            }
        })
    }
}

impl Class {
    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ops => "ops",
            Self::Tiles => "tiles",
            Self::Read => "read",
            Self::Write => "write",
            Self::Ingest => "ingest",
            Self::Stream => "stream",
        }
    }

    /// The longest a request may take before its answer begins.
    #[must_use]
    pub const fn timeout(self) -> Duration {
        Duration::from_secs(match self {
            Self::Ops | Self::Stream => 5,
            Self::Tiles | Self::Read => 15,
            Self::Write => 30,
            Self::Ingest => 600,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_class_sheds_and_leaves_the_others_alone() {
        let gates = Gates::new(ClassLimits {
            read: 1,
            ..ClassLimits::default()
        });
        let held = gates.enter(Class::Read).unwrap();
        assert!(matches!(gates.enter(Class::Read), Err(ApiError::Busy { .. })));
        assert!(gates.enter(Class::Tiles).is_ok());
        drop(held);
        assert!(gates.enter(Class::Read).is_ok());
    }
}
