-- What was reported of an area for a day: one report each, replaced as a whole. `findings` is a JSON list of ids: an
-- empty one says that nothing of the kind holds, null says nothing. `published` is 0 or 1: only what is published
-- elsewhere may stand behind what the public sees.
create table area_report (
    area text not null,
    day integer not null,
    adults_one_dose_percent double precision,
    elderly_full_dose_percent double precision,
    population_full_dose_percent double precision,
    at_risk_full_dose_percent double precision,
    test_positivity_percent double precision,
    tests_7d_per_100k double precision,
    oxygen_7d_per_100k double precision,
    deaths_7d_per_100k double precision,
    admissions_7d_per_100k double precision,
    covid_beds_percent double precision,
    care_ready integer,
    findings text,
    published integer not null,
    source text,
    received_at integer not null,
    received_from text not null,
    primary key (area, day)
);
