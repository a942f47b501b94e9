-- migrate:up

-- Who may publish, and what was agreed with them. Their sources are the rows of source_owner.
create table publisher (
    name text primary key,
    -- the organisation unit, and a mailbox of a function there; null: not told yet
    owner text,
    contact text,
    -- event types, or {all}
    allow text[] not null,
    -- ISO 8601 as PublisherRegistered has it, such as P1D; null: nobody waits for it
    expected_interval text,
    -- events a minute; null: the gateway's own limit
    rate_limit integer check (rate_limit > 0),
    -- writes to a topic of its own, inbound.<name>
    kafka boolean not null default false,
    registered_at timestamptz not null,
    -- silence is reckoned from here at the earliest
    awaited_from timestamptz not null,
    retired_at timestamptz
);

-- Whoever had a key or a source before there was a register, with an owner that an operator has to tell.
insert into publisher (name, allow, registered_at, awaited_from)
select name, coalesce(array_agg(distinct type order by type) filter (where type is not null), '{}'), min(since), now()
from (
    select publisher as name, type, created_at as since
    from publisher_key left join unnest(allow) as type on revoked_at is null
    union all
    select publisher, null, claimed_at from source_owner
) as known
group by name;

alter table publisher_key
    add column kind text not null default 'live' check (kind in ('live', 'test')),
    -- a key that another has taken over from works until then
    add column ends_at timestamptz;

alter table source_owner
    -- the last time something live was let in, as far as it has been folded
    add column heard_at timestamptz,
    -- when it was noticed that it has fallen silent; null while it is heard
    add column silent_since timestamptz;

-- Identities of test events: apart, so that the same source and id sent live is no repetition and no conflict.
create table test_identity (like identity including all);

-- What became of what was sent, a row for each kind of outcome in a request: added without waiting for anybody, and
-- folded into the tally of its day.
create table publisher_noted (
    id bigint generated always as identity primary key,
    publisher text not null,
    "on" date not null,
    road text not null,
    test boolean not null,
    -- of the catalogue, or ''
    type text not null,
    -- one of the publisher's own, or ''
    source text not null,
    outcome text not null check (outcome in ('accepted', 'duplicate', 'refused')),
    -- of a refusal, or ''
    reason text not null,
    count bigint not null,
    last_at timestamptz not null
);
create index publisher_noted_publisher on publisher_noted (publisher);

create table publisher_tally (
    publisher text not null,
    "on" date not null,
    road text not null,
    test boolean not null,
    type text not null,
    source text not null,
    outcome text not null,
    reason text not null,
    count bigint not null,
    last_at timestamptz not null,
    primary key (publisher, "on", road, test, type, source, outcome, reason)
);
create index publisher_tally_day on publisher_tally ("on");

create view publisher_count as
select publisher, "on", road, test, type, source, outcome, reason, count, last_at from publisher_tally
union all
select publisher, "on", road, test, type, source, outcome, reason, count, last_at from publisher_noted;

-- The last refusals of each publisher, without a value of what was sent.
create table publisher_refusal (
    id bigint generated always as identity primary key,
    publisher text not null,
    at timestamptz not null,
    road text not null,
    test boolean not null,
    -- the event's place in its request, from 0; null: the request as a whole
    place integer,
    event_id text,
    source text,
    type text,
    reason text not null,
    -- [{field, expected, got}]
    errors jsonb not null
);
create index publisher_refusal_last on publisher_refusal (publisher, id);

-- How much of its minute a publisher has used: a bucket that empties at its rate. Not worth keeping over a crash.
create unlogged table publisher_pace (
    publisher text not null,
    -- what is tried out with a test key takes nothing of the pace of what is live
    test boolean not null default false,
    level double precision not null,
    at timestamptz not null,
    -- seconds until the last request would have fitted; 0: it did
    wait double precision not null,
    primary key (publisher, test)
);

-- migrate:down
