//! Floor 3: SQL.
