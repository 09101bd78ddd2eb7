//! Floor 6: composition.
