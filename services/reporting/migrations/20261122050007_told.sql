-- migrate:up

-- How many subjects say something of a row, be it zero: a row that nobody does is as if it weren't there.
alter table tally add column told bigint not null default 1;

-- migrate:down
