//! Floor 6: configuration.
