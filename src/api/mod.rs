//! Floor 5: HTTP.

pub mod pages;
