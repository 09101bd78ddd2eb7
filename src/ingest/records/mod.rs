//! What each kind of record means: its fields, what they must hold, and the `model` type they make.
//! A record is judged field by field; the first fault names the field.

mod area;
mod area_report;
mod assessment;
mod case;
mod check_in;
mod contact;
mod content;
mod declaration;
mod maker;
mod venue;
mod zone;

pub(super) use maker::Maker;

pub(super) use area::{SCHEMA as AREAS, area};
pub(super) use area_report::{SCHEMA as AREA_REPORTS, area_report};
pub(super) use assessment::{SCHEMA as ASSESSMENTS, assessment};
pub(super) use case::{SCHEMA as CASES, case};
pub(super) use check_in::{SCHEMA as CHECK_INS, check_in};
pub(super) use contact::{SCHEMA as CONTACTS, contact};
pub(super) use declaration::{SCHEMA as DECLARATIONS, declaration};
pub(super) use venue::{SCHEMA as VENUES, venue};
pub(super) use zone::{SCHEMA as ZONES, zone};
