-- migrate:up

-- An area is defined anew from a day on, and keeps what it was before. What stood here, and what replicas of 0.2.0 write
-- while they are replaced, is known from no day.
alter table area drop constraint area_pkey;
alter table area add column valid_from date not null default '1900-01-01';
alter table area add primary key (area, valid_from);

-- migrate:down
