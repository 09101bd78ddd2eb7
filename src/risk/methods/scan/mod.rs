//! Kulldorff's scan statistics: where, and when, cases stand closer together than chance puts them. Circles around each
//! place (and times) are compared by their likelihood; chance is asked by throwing the same cases anew.

mod likelihood;
mod options;
mod poisson;
mod space_time;
mod windows;

pub use options::{InvalidScan, Location, ScanOptions};
pub use poisson::{Cluster, scan_poisson};
pub use space_time::{SpaceTimeCluster, SpaceTimeOptions, scan_space_time};
