-- The local day of a case's report where its onset is not known: the age of the stay is counted back from it, and
-- days_since_onset says nothing then. Marks of before keep the days that they were decided with.
alter table mark add column reported_day integer;
alter table mark_version add column reported_day integer;
