-- What of an area's registration levels and rates are computed with, from when on it was registered so: a week that is
-- closed goes on being told with what stood there then. What was registered before this step counts as from the first.
create table area_values (
    code text not null,
    valid_from integer not null,
    since integer not null,
    population bigint,
    adults_one_dose_percent double precision,
    elderly_full_dose_percent double precision,
    care_ready integer,
    primary key (code, valid_from, since)
);
insert into area_values (code, valid_from, since, population, adults_one_dose_percent, elderly_full_dose_percent, care_ready)
select code, valid_from, 0, population, adults_one_dose_percent, elderly_full_dose_percent, care_ready from area_version;
