use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::model::{InvalidTime, Timestamp};

/// Where 'now' comes from: the system, a fixed instant, or a simulated clock that runs
/// `speed` times as fast as the machine's, so that a past outbreak can be replayed.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    System,
    Fixed(Timestamp),
    Simulated {
        start: Timestamp,
        speed: f64,
        /// Unset while the clock is held at its start.
        since: Arc<OnceLock<Instant>>,
    },
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Kind::System)
    }

    /// A clock that stands still.
    #[must_use]
    pub const fn fixed(at: Timestamp) -> Self {
        Self(Kind::Fixed(at))
    }

    /// Starts at `start` now and runs `speed` times as fast as the machine's.
    #[must_use]
    pub fn simulated(start: Timestamp, speed: f64) -> Self {
        let clock = Self::held(start, speed);
        clock.release();
        clock
    }

    /// Stands at `start` until [`Clock::release`], then runs `speed` times as fast as the machine's.
    #[must_use]
    pub fn held(start: Timestamp, speed: f64) -> Self {
        Self(Kind::Simulated {
            start,
            speed,
            since: Arc::default(),
        })
    }

    /// Lets a held clock, and every clone of it, run. Other clocks take no notice.
    pub fn release(&self) {
        if let Kind::Simulated { since, .. } = &self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place that reads the machine's monotonic clock"
            )]
            since.get_or_init(Instant::now);
        }
    }

    /// Reads `2021-05-07T08:00:00+07:00` (fixed) or the same with `x60` behind it (simulated).
    ///
    /// # Errors
    /// [`InvalidTime`] when the instant or the speed (0 < speed ≤ 100,000) cannot be read.
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        let Some((start, speed)) = text.rsplit_once('x') else {
            return Timestamp::parse(text).map(Self::fixed);
        };
        let refuse = || InvalidTime {
            reason: format!("speed `{speed}` is not a number above 0 and up to 100000"),
            expected: "an instant with `x` and a speed behind it, such as 2021-05-07T08:00:00+07:00x60",
        };
        let speed: f64 = speed.parse().map_err(|_source| refuse())?;
        if speed > 0.0 && speed <= 100_000.0 {
            Ok(Self::simulated(Timestamp::parse(start)?, speed))
        } else {
            Err(refuse())
        }
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place that reads the machine's wall clock"
            )]
            Kind::System => {
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                Timestamp(since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(0)))
            }
            Kind::Fixed(at) => *at,
            Kind::Simulated { start, speed, since } => {
                let elapsed = since.get().map_or(0.0, |since| since.elapsed().as_secs_f64());
                start.plus_s((elapsed * speed) as i64)
            }
        }
    }

    /// How many seconds of this clock pass in one of the machine's (0 when it stands still).
    #[must_use]
    pub fn speed(&self) -> f64 {
        match &self.0 {
            Kind::System => 1.0,
            Kind::Fixed(_) => 0.0,
            Kind::Simulated { speed, .. } => *speed,
        }
    }
}
