//! Floor 5: the running flow.
