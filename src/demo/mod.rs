//! Floor 6: a generated outbreak.
