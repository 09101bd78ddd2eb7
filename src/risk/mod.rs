//! Floor 3: risk as pure functions over rules that are data.
