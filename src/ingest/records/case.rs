use crate::ingest::record::{Fault, Record};
use crate::ingest::records::maker::{Maker, event_id, identity};
use crate::ingest::schema::{FieldSpec, Schema};
use crate::ingest::values::point;
use crate::ingest::{LOOK_BACK_DAYS, Purpose};
use crate::model::{Case, CaseKind, CaseStatus, Day, Event};

pub(in crate::ingest) static SCHEMA: Schema = Schema {
    name: "cases",
    fields: &[
        FieldSpec::required("id"),
        FieldSpec::required("reported"),
        FieldSpec::required("kind"),
        FieldSpec::required("status"),
        FieldSpec::private("person"),
        FieldSpec::private("phone"),
        FieldSpec::private("card"),
        FieldSpec::optional("area"),
        FieldSpec::private("lng"),
        FieldSpec::private("lat"),
        FieldSpec::optional("onset"),
        FieldSpec::optional("sampled"),
        FieldSpec::private("symptoms"),
    ],
    geometry: None,
};

const ID: usize = 0;
const REPORTED: usize = 1;
const KIND: usize = 2;
const STATUS: usize = 3;
const PERSON: usize = 4;
const PHONE: usize = 5;
const CARD: usize = 6;
const AREA: usize = 7;
const LNG: usize = 8;
const LAT: usize = 9;
const ONSET: usize = 10;
const SAMPLED: usize = 11;
const SYMPTOMS: usize = 12;

const KINDS: [(&str, CaseKind); 3] = [
    ("community", CaseKind::Community),
    ("imported", CaseKind::Imported),
    ("quarantined", CaseKind::Quarantined),
];
const STATUSES: [(&str, CaseStatus); 4] = [
    ("suspected", CaseStatus::Suspected),
    ("confirmed", CaseStatus::Confirmed),
    ("recovered", CaseStatus::Recovered),
    ("died", CaseStatus::Died),
];

/// A case. Whoever it names is turned into the check-in pseudonyms of the look-back's days.
pub(in crate::ingest) fn case(record: &Record<'_>, maker: &mut Maker<'_>) -> Result<Event<Case>, Fault> {
    let door = maker.door;
    let id = event_id(record, ID)?;
    let at = record.value(REPORTED).event_time(door)?;
    let today = Day::of(at, door.offset);
    let kind = record
        .value(KIND)
        .required("one of community, imported, quarantined")?;
    let kind = kind.choice(&KINDS)?.unwrap_or(CaseKind::Community);
    let status = record
        .value(STATUS)
        .required("one of suspected, confirmed, recovered, died")?;
    let status = status.choice(&STATUSES)?.unwrap_or(CaseStatus::Suspected);
    let who = identity(
        record.value(PERSON),
        record.value(PHONE),
        Some(record.value(CARD)),
    )?;
    let area = record.value(AREA).known_area(door)?;
    let location = point(record.value(LNG), record.value(LAT), door)
        // Where a patient lives is not quoted.
        .map_err(Fault::unquoted)?;
    if area.is_none() && location.is_none() {
        return Err(record
            .value(AREA)
            .fault("is missing", "an area's code, or lng and lat"));
    }
    let onset = record.value(ONSET).day()?;
    if onset.is_some_and(|onset| onset > today) {
        return Err(record
            .value(ONSET)
            .fault("is after the report", "a day not after `reported`"));
    }
    let sampled = record.value(SAMPLED).instant()?;
    if sampled.is_some_and(|sampled| sampled > at.plus_s(door.future_tolerance_s)) {
        return Err(record
            .value(SAMPLED)
            .fault("is after the report", "an instant not after `reported`"));
    }
    let symptoms = record.value(SYMPTOMS).codes("symptoms")?;
    let first_kept = door.keys.first_kept();
    let person_days = match &who {
        None => Vec::new(),
        Some(who) => (0..LOOK_BACK_DAYS)
            .map(|back| Day(today.0 - back))
            // A day whose key is gone has no check-ins any more, and no pseudonym that could find them.
            .take_while(|day| first_kept.is_none_or(|first| *day >= first))
            .map(|day| (day, maker.pseudonym(Purpose::CheckIn, day, who)))
            .collect(),
    };

    let content = &mut maker.content;
    content.begin("case");
    content.whole(1, at.0);
    content.whole(2, kind as i64);
    content.whole(3, status as i64);
    content.person(4, person_days.first().map(|(_, person)| *person));
    content.optional(5, area.as_ref().map(crate::model::AreaCode::as_str));
    if let Some(at) = location {
        content.number(6, at.lng());
        content.number(6, at.lat());
    }
    if let Some(onset) = onset {
        content.whole(7, i64::from(onset.0));
    }
    if let Some(sampled) = sampled {
        content.whole(8, sampled.0);
    }
    content.texts(9, &symptoms);
    let record = Case {
        person_days,
        area,
        location,
        onset,
        sampled,
        kind,
        status,
        symptoms,
    };
    Ok(maker.event(id, at, record))
}
