-- Counts the days written into the history: a checkpoint that knows the same number holds all of them, and a start
-- from it need not read them.
alter table meta add column history_version integer not null default 0;
