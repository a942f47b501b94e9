-- migrate:up

-- An area is defined anew from a day on. What stood here is known from no day.
alter table area drop constraint area_pkey;
alter table area add column valid_from date not null default '1900-01-01';
alter table area alter column valid_from drop default;
alter table area add primary key (area_id, valid_from);

-- migrate:down
