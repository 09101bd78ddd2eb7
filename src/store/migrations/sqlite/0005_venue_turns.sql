-- Up to which instant versions of venues have begun to count. Until this step the latest version counted from the
-- day it was written, begun or not: as if all time had passed.
alter table meta add column venues_as_of integer not null default 9223372036854775807;
create index venue_version_from on venue_version (valid_from);
