use crate::model::{Timestamp, UtcOffset};

/// The local time of the generated province.
pub const OFFSET: UtcOffset = UtcOffset::VIETNAM;

/// What to generate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoConfig {
    /// Equal seeds give equal worlds.
    pub seed: u64,
    /// Simulated people who use the app; at least 100.
    pub people: u32,
    /// Venues; at least 200.
    pub venues: u32,
    /// Days of history before `end`; at least 1.
    pub days: u32,
    /// Where history ends and the living map begins.
    pub end: Timestamp,
}

impl Default for DemoConfig {
    /// The province as `vungxanh demo` shows it: three weeks that end on Monday, 22 November 2021, 07:00.
    fn default() -> Self {
        Self {
            seed: 3,
            people: 60_000,
            venues: 20_000,
            days: 21,
            end: Timestamp(1_637_539_200),
        }
    }
}
