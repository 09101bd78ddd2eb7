//! Published methods on plain numbers: rates, hot spots, clusters, reproduction numbers, reporting delays, aerosols
//! and visits. They know nothing of cells, venues or wires, and read neither clock nor chance: a seed comes in.

mod aerosol;
mod delay;
mod discrete_laplace;
mod exposure;
mod growth;
mod hot_spots;
mod rates;
mod reproduction;
mod respiratory;
mod scan;
mod serial_interval;
mod shares;
mod uncertain;
mod venue_alert;
mod visits;

pub use aerosol::{
    Emission, RandomMeeting, Room, Ventilation, infection_probability_by_dose,
    infection_probability_by_quanta, viral_decay_per_h,
};
pub use delay::{
    DelayDistribution, InvalidTriangle, ReportingTriangle, StillMissing, ZeroRule, still_missing,
};
pub use discrete_laplace::{DiscreteLaplace, RandomBits};
pub use exposure::{
    DayScore, ExposureRules, ExposureSummary, ExposureWindow, InfectiousDays, Infectiousness, MinutesFilter,
    Report, Sighting, Steps, Stretch, WindowFactor, WindowScore, attenuation_db, sightings_of_contact,
};
pub use growth::{Growth, NoGrowth, doubling_days, poisson_growth};
pub use hot_spots::{Neighbours, Weights, getis_ord, significant_at, two_sided_p};
pub use rates::{Counted, empirical_bayes, excess_risk, spatial_empirical_bayes, spatial_rates};
pub use reproduction::{MixedReproduction, REPRODUCTION_PRIOR, Reproduction, cori, cori_over, rki_r7};
pub use respiratory::{Expiration, SharedRoom, deposited_share, settling_per_h, viral_load_of_covid};
pub use scan::{
    Cluster, InvalidScan, Location, ScanOptions, SpaceTimeCluster, SpaceTimeOptions, scan_poisson,
    scan_space_time,
};
pub use serial_interval::{discrete_serial_interval, uncertain_serial_intervals};
pub use shares::{ShrunkShares, shrunk_shares};
pub use uncertain::Uncertain;
pub use venue_alert::{RiskyWindow, VenueMessage, may_book_test, venue_alert};
pub use visits::{
    PlaceHour, dwell_correction, expected_infections, infection_rate, occupancy, someone_infectious,
};
