//! Floor 3: batch and history analytics.
