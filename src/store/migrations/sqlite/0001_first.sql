-- The first schema. Times are seconds, hours or local days since 1970-01-01; coordinates degrees
-- (EPSG:4326); shapes are WKB; enumerations are the codes of `store/codes.rs`.
--
-- Every accepted event has a position: one sequence over all kinds, without gaps. An event's
-- dedupe key is (hour, id_hash), hour first: new keys land at the end of the index, where
-- randomly ordered keys would touch all of it. `part` spreads the rows over 64 parts of the map.

create table meta (
    one integer primary key check (one = 1),
    position integer not null,
    retired integer not null,
    sealed_before integer not null,
    utc_offset integer not null
);

create table venue (
    ix integer primary key,
    id text not null unique,
    part integer not null
);

create table venue_version (
    venue integer not null references venue (ix),
    valid_from integer not null,
    name text not null,
    kind text not null,
    lng double precision not null,
    lat double precision not null,
    area text,
    parent text,
    floor_area_m2 double precision,
    volume_m3 double precision,
    ventilation_ach double precision,
    capacity integer,
    hours text,
    primary key (venue, valid_from)
);

create table area_version (
    code text not null,
    valid_from integer not null,
    valid_to integer,
    level text not null,
    parent text,
    name text not null,
    population integer,
    approximate integer not null,
    adults_one_dose_percent double precision,
    elderly_full_dose_percent double precision,
    care_ready integer,
    geometry blob not null,
    primary key (code, valid_from)
);

-- No foreign key to venue: the store resolves the id before it writes, `check` counts orphans,
-- and a look-up for each row would be the dearest part of an insert.
create table check_in (
    position integer primary key,
    hour integer not null,
    id_hash integer not null,
    content integer not null,
    part integer not null,
    day integer not null,
    venue integer not null,
    person blob,
    at integer not null,
    direction integer not null,
    method integer not null,
    party_size integer not null
);
create unique index check_in_key on check_in (hour, id_hash);
-- The hour stands in both for the sake of writing: a stream is at home in a few hours, whose part of each
-- index stays at hand and is written in few pages; with days first, a day of ten million rows would be walked
-- at random for each. Whoever looks for a day asks for its 24 hours.
create index check_in_venue on check_in (day, hour, venue);
create index check_in_person on check_in (day, hour, person) where person is not null;

create table declaration (
    position integer primary key,
    hour integer not null,
    id_hash integer not null,
    content integer not null,
    part integer not null,
    day integer not null,
    id text not null,
    at integer not null,
    kind integer not null,
    person blob,
    home_area text,
    home_venue text,
    home_lng double precision,
    home_lat double precision,
    symptoms text not null,
    exposures text not null,
    places text not null,
    entry text
);
create unique index declaration_key on declaration (hour, id_hash);
create index declaration_person on declaration (day, person) where person is not null;

create table contact (
    position integer primary key,
    hour integer not null,
    id_hash integer not null,
    content integer not null,
    part integer not null,
    day integer not null,
    id text not null,
    at integer not null,
    until integer not null,
    a_person blob,
    a_rotating blob,
    b_person blob,
    b_rotating blob,
    rssi_dbm text not null,
    attenuation_db text not null
);
create unique index contact_key on contact (hour, id_hash);
create index contact_a on contact (day, a_person) where a_person is not null;
create index contact_b on contact (day, b_person) where b_person is not null;

create table assessment (
    position integer primary key,
    hour integer not null,
    id_hash integer not null,
    content integer not null,
    part integer not null,
    day integer not null,
    id text not null,
    at integer not null,
    venue integer not null,
    instrument text not null,
    author integer not null,
    answers text not null
);
create unique index assessment_key on assessment (hour, id_hash);
create index assessment_latest on assessment (venue, author, at, position);

create table case_report (
    position integer primary key,
    hour integer not null,
    id_hash integer not null,
    content integer not null,
    part integer not null,
    day integer not null,
    id text not null,
    at integer not null,
    area text,
    lng double precision,
    lat double precision,
    onset integer,
    sampled integer,
    kind integer not null,
    status integer not null,
    symptoms text not null
);
create unique index case_report_key on case_report (hour, id_hash);
create index case_report_id on case_report (id);

-- A case's pseudonym of each day of its look-back: what tracing joins with check-ins.
create table case_person (
    position integer not null references case_report (position),
    day integer not null,
    person blob not null,
    primary key (position, day)
);
create index case_person_day on case_person (day, person);

create table mark (
    id text primary key,
    case_id text not null,
    venue text not null,
    arrived integer not null,
    departed integer not null,
    days_since_onset integer not null,
    state integer not null,
    changed_at integer not null,
    changed_by text
);
create index mark_departed on mark (departed);
create index mark_case on mark (case_id);

create table history_cell (
    day integer not null,
    hour integer not null,
    cell integer not null,
    visits integer not null,
    people integer not null,
    cases integer not null,
    declarations integer not null,
    symptomatic integer not null,
    primary key (hour, cell)
);
create index history_cell_day on history_cell (day);

create table history_venue (
    day integer not null,
    hour integer not null,
    venue integer not null references venue (ix),
    visits integer not null,
    people integer not null,
    primary key (hour, venue)
);
create index history_venue_day on history_venue (day);

create table zone_version (
    id text not null,
    version integer not null,
    name text not null,
    kind text not null,
    state text not null,
    decision text,
    issuer text,
    reason text,
    starts_at integer not null,
    planned_end integer,
    lifted_at integer,
    written_at integer not null,
    written_by text,
    geometry blob not null,
    primary key (id, version)
);

create table release (
    measure text not null,
    bucket_from integer not null,
    bucket_to integer not null,
    seq integer not null,
    made_at integer not null,
    body blob not null,
    primary key (measure, bucket_from, bucket_to, seq)
);
create index release_bucket on release (bucket_to);

create table access_key (
    id text primary key,
    secret_sha256 blob not null,
    role text not null,
    areas text not null,
    name text not null,
    created_at integer not null,
    expires_at integer,
    revoked_at integer
);

create table idempotency (
    key_id text not null,
    idem_key text not null,
    body_hash blob not null,
    status integer not null,
    answer blob not null,
    made_at integer not null,
    primary key (key_id, idem_key)
);
create index idempotency_made on idempotency (made_at);

create table audit (
    seq integer primary key,
    at integer not null,
    actor text not null,
    action text not null,
    subject text not null,
    reason text,
    hash blob not null
);
