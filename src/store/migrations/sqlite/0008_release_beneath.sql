-- What a release was made of, as far as its figures do not say it: the next edition of the same bucket is judged by it.
alter table release add column beneath blob;
