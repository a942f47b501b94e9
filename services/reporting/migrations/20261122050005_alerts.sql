-- migrate:up

-- What is known between two looks of a rule and what it is about ('' where it has no area or other dimension).
-- turned_at: since when it has been other than its alert says. Only what may still lead to something has a row.
create table alert_watch (
    rule text not null,
    goal text not null,
    measure text not null,
    period text not null,
    area text not null,
    dimension text not null,
    value text not null,
    turned_at timestamptz,
    raised boolean not null,
    episode integer not null,
    primary key (rule, goal, measure, period, area, dimension, value)
);

-- Every alert there has been. The id is made of all that names it: two replicas can't raise the same one.
create table alert (
    alert text primary key,
    rule text not null,
    goal text not null,
    measure text not null,
    period text not null,
    area text not null,
    dimension text not null,
    value text not null,
    raised_at timestamptz not null,
    cleared_at timestamptz
);
create index alert_latest on alert (raised_at desc, alert);

-- migrate:down
