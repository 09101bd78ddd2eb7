-- Whether marks at a venue count at the one that holds it, where the operator says so for this one (0 or 1).
alter table venue_version add column marks_reach_parent integer;
-- A trend asks for the cases of one area: those that name it or one inside, and those that only say where.
create index case_report_area on case_report (area, hour);
create index case_report_place on case_report (lat, lng, hour) where lat is not null;
