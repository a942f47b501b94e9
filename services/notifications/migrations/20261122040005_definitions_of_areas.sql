-- migrate:up

-- An area is defined anew from a day on. Table `area` stays for replicas of 0.2.0, which still write there while they are
-- replaced: what it says is known from no day.
create table area_definition (
    area_id text not null,
    valid_from date not null,
    name text not null,
    source text not null,
    event_id text not null,
    sequence bigint,
    occurred_at timestamptz not null,
    primary key (area_id, valid_from)
);

-- migrate:down
