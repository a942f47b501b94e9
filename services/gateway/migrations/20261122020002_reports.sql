-- migrate:up

-- What staff have reported on a form, to be corrected or withdrawn: written in the transaction that lets the event in.
create table staff_report (
    -- of the role, and the event's id, as in identity
    source text not null,
    id text not null,
    publisher text not null,
    type text not null,
    subject text not null,
    -- the event's time: when it was first sent
    time timestamptz not null,
    -- null: personal, and kept nowhere but with whoever meets the person
    data jsonb,
    -- the id of the report that this one corrects or withdraws
    replaces text,
    -- keyed hash of the session's name, for "my latest reports"; null once that is old
    session bytea check (octet_length(session) = 32),
    primary key (source, id)
);
create index staff_report_replaces on staff_report (source, replaces) where replaces is not null;
create index staff_report_time on staff_report (time);

-- What events that passed the door tell of things that reports are about: forms offer these by name.
create table known_fact (
    kind text not null,
    thing text not null,
    source text not null,
    event_id text not null,
    -- -1 where the event has none: what holds is the greatest (sequence, time, event_id), as everywhere
    sequence bigint not null,
    time timestamptz not null,
    name text,
    code text,
    area text,
    ended_on date,
    -- tells that it ended, and not that there is one
    ends boolean not null,
    primary key (kind, thing, source, event_id)
);
create index known_fact_event on known_fact (source, event_id);

-- The topics that have been read from their beginning, for what passed the door before there was this table.
create table known_read (topic text primary key, read_at timestamptz not null);

-- migrate:down
