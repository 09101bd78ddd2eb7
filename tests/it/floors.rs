//! Tests of this feature follow.
