-- What every mark was, and from when on: a question about a past instant counts what was approved then.
-- `earlier_unknown` marks what was first seen after somebody had changed it: what it was before is lost.
create table mark_version (
    seq integer primary key,
    mark text not null,
    case_id text not null,
    venue text not null,
    arrived integer not null,
    departed integer not null,
    days_since_onset integer not null,
    state integer not null,
    written_at integer not null,
    earlier_unknown integer not null
);
create index mark_version_mark on mark_version (mark, seq);
create index mark_version_venue on mark_version (venue, departed);

insert into mark_version (seq, mark, case_id, venue, arrived, departed, days_since_onset, state, written_at, earlier_unknown)
select row_number() over (order by changed_at, id), id, case_id, venue, arrived, departed, days_since_onset, state,
    changed_at, case when changed_by is null then 0 else 1 end
from mark;
