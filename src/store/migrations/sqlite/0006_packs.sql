-- Check-ins by the thousand. A row each, with its key and two indexes, is four places in four trees for every event,
-- three of them at random; packed, a transaction of 50,000 writes a few hundred rows one behind the other.
--
-- What must be looked up event by event stays a row: the key that tells repeats.
drop index check_in_key;
drop index check_in_venue;
drop index check_in_person;
create table check_in_key (
    hour integer not null,
    id_hash integer not null,
    content integer not null,
    primary key (hour, id_hash)
) without rowid;

-- The check-ins with positions position .. position + events - 1, all of one local day, in that order. `departures`
-- of them are scans at the exit. How a body is written: `store/packs.rs`. No part of the map stands here any more:
-- a check-in's is that of its venue.
alter table check_in rename to check_in_row;
create table check_in (
    position integer primary key,
    events integer not null,
    departures integer not null,
    day integer not null,
    body blob not null
);
create index check_in_day on check_in (day);

-- The scans of people once more, to be found: by venue, and by person. Each row holds those of one transaction and day
-- whose key (the venue's number; the first 32 bits of the pseudonym) begins with the same bits. `node` is a 1 and
-- these bits, so it says how many there are: who looks for a key asks for each node it can lie in.
create table check_in_venue (
    seq integer primary key,
    day integer not null,
    node integer not null,
    body blob not null
);
create index check_in_venue_node on check_in_venue (day, node);

create table check_in_person (
    seq integer primary key,
    day integer not null,
    node integer not null,
    body blob not null
);
create index check_in_person_node on check_in_person (day, node);
