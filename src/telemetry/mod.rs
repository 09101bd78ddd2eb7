//! Floor 6: logs and metrics.
