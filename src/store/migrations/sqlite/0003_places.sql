-- Where a venue stood before it moved: events up to the position `until` (and after that of the
-- venue's row before) happened in `cell`. Written in one transaction with the registry's change, so
-- that a replay counts every event where it was counted when it came.
create table venue_moved (
    venue integer not null references venue (ix),
    until integer not null,
    cell integer not null,
    primary key (venue, until)
);
create index venue_moved_until on venue_moved (until);

-- Counts the writes to areas: sums made of cases under another number are made again.
alter table meta add column areas_version integer not null default 0;
