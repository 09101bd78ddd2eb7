//! Floor 3: wire formats in.
