use crate::ingest::record::{Fault, Record};
use crate::ingest::records::area::shape;
use crate::ingest::records::maker::Maker;
use crate::ingest::schema::{FieldSpec, Schema};
use crate::ingest::values::INSTANT;
use crate::model::{Zone, ZoneId, ZoneKind, ZoneState};

pub(in crate::ingest) static SCHEMA: Schema = Schema {
    name: "zones",
    fields: &[
        FieldSpec::required("id"),
        FieldSpec {
            name: "name",
            required: true,
            private: true,
        },
        FieldSpec::required("kind"),
        FieldSpec::required("starts_at"),
        FieldSpec::required("geometry"),
        FieldSpec::optional("state"),
        FieldSpec::optional("decision"),
        FieldSpec::optional("issuer"),
        FieldSpec::optional("reason"),
        FieldSpec::optional("planned_end"),
        FieldSpec::optional("lifted_at"),
    ],
    geometry: Some(GEOMETRY),
};

const ID: usize = 0;
const NAME: usize = 1;
const KIND: usize = 2;
const STARTS_AT: usize = 3;
const GEOMETRY: usize = 4;
const STATE: usize = 5;
const DECISION: usize = 6;
const ISSUER: usize = 7;
const REASON: usize = 8;
const PLANNED_END: usize = 9;
const LIFTED_AT: usize = 10;

const ID_EXPECTED: &str = "1 to 64 bytes without control characters";
const NAME_EXPECTED: &str = "a name of 1 to 200 bytes";

/// A zone in its first version; the store numbers later ones. Without a state it is a draft.
pub(in crate::ingest) fn zone(record: &Record<'_>, maker: &mut Maker<'_>) -> Result<Zone, Fault> {
    let id_value = record.value(ID).required(ID_EXPECTED)?;
    let id = id_value
        .id(ZoneId::new)?
        .ok_or_else(|| id_value.fault("is missing", ID_EXPECTED))?;
    let name_value = record.value(NAME).required(NAME_EXPECTED)?;
    let name = name_value
        .words(200)?
        .ok_or_else(|| name_value.fault("is missing", NAME_EXPECTED))?;
    let kinds = ZoneKind::ALL.map(|kind| (kind.as_str(), kind));
    let kind_value = record.value(KIND);
    let kind = kind_value
        .choice(&kinds)?
        .ok_or_else(|| kind_value.fault("is missing", "one of lockdown, quarantine, watch"))?;
    let states = ZoneState::ALL.map(|state| (state.as_str(), state));
    let state_value = record.value(STATE);
    let lifted_value = record.value(LIFTED_AT);
    let lifted_at = lifted_value.instant()?;
    let state = state_value.choice(&states)?.unwrap_or(ZoneState::Draft);
    if lifted_at.is_some() != (state == ZoneState::Lifted) {
        return Err(lifted_value.fault(
            "does not fit the state",
            "an instant where `state` is lifted, and only there",
        ));
    }
    let starts_value = record.value(STARTS_AT);
    let starts_at = starts_value
        .instant()?
        .ok_or_else(|| starts_value.fault("is missing", INSTANT))?;
    let end_value = record.value(PLANNED_END);
    let planned_end = end_value.instant()?;
    if planned_end.is_some_and(|end| end <= starts_at) {
        return Err(end_value.fault("is not after `starts_at`", "an instant after `starts_at`"));
    }
    if lifted_at.is_some_and(|lifted| lifted < starts_at) {
        return Err(lifted_value.fault("is before `starts_at`", "an instant not before `starts_at`"));
    }
    Ok(Zone {
        id,
        version: 1,
        name,
        kind,
        state,
        decision: record.value(DECISION).words(200)?,
        issuer: record.value(ISSUER).words(200)?,
        reason: record.value(REASON).words(2000)?,
        starts_at,
        planned_end,
        lifted_at,
        geometry: shape(record.value(GEOMETRY), maker)?,
        written_at: maker.door.now,
        written_by: None,
    })
}
