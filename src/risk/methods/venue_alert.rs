/// What the visitors of a venue are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VenueMessage {
    /// That somebody infectious was there (M1 of the NHS app).
    Inform,
    /// And that they may book a test (M2).
    BookTest,
}

/// When a venue was risky, seconds: the end does not belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RiskyWindow {
    /// First second.
    pub from_s: i64,
    /// First second after.
    pub to_s: i64,
    /// What its visitors are told.
    pub message: VenueMessage,
}

/// What a visit from one second to another is told: the gravest message of the windows that it overlaps
/// (`VenueMatchFinder` and the order of risky venues in the NHS app).
#[must_use]
pub fn venue_alert(visit_s: (i64, i64), windows: &[RiskyWindow]) -> Option<VenueMessage> {
    windows
        .iter()
        .filter(|window| visit_s.0 < window.to_s && window.from_s < visit_s.1)
        .map(|window| window.message)
        .max()
}

/// Whether a test may still be booked so many days after the visit, where that is offered for `offered_days`: the day of
/// the visit is the first of them (`optionToBookATest` of the NHS risky-venue configuration).
#[must_use]
pub fn may_book_test(days_since_visit: i32, offered_days: i32) -> bool {
    (0..offered_days).contains(&days_since_visit)
}
