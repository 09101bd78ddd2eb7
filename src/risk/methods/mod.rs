//! Published methods on plain numbers: rates, hot spots, clusters, reproduction numbers, reporting delays, aerosols
//! and visits. They know nothing of cells, venues or wires, and read neither clock nor chance: a seed comes in.

mod aerosol;
mod delay;
mod hot_spots;
mod rates;
mod reproduction;
mod scan;
mod shares;
mod visits;

pub use aerosol::{
    Emission, RandomMeeting, Room, infection_probability_by_dose, infection_probability_by_quanta,
    viral_decay_per_h,
};
pub use delay::{DelayDistribution, InvalidTriangle, ReportingTriangle, ZeroRule};
pub use hot_spots::{Neighbours, Weights, getis_ord, significant_at, two_sided_p};
pub use rates::{Counted, empirical_bayes, excess_risk, spatial_empirical_bayes, spatial_rates};
pub use reproduction::{Reproduction, cori, discrete_serial_interval, doubling_days, growth_per_day, rki_r7};
pub use scan::{
    Cluster, InvalidScan, Location, ScanOptions, SpaceTimeCluster, SpaceTimeOptions, scan_poisson,
    scan_space_time,
};
pub use shares::shrunk_shares;
pub use visits::{
    PlaceHour, dwell_correction, expected_infections, infection_rate, occupancy, someone_infectious,
};
