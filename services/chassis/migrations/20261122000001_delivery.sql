-- migrate:up

-- One row per aggregate: its lock orders the events of one key, its counter numbers them without gaps.
create table aggregate (
    topic text not null,
    key text not null,
    seq bigint not null,
    primary key (topic, key)
);

-- Events waiting for Kafka, written in the transaction of the change they tell of.
create table outbox (
    id bigint generated always as identity primary key,
    event_id text not null,
    topic text not null,
    key text not null,
    seq bigint not null,
    shard smallint not null,
    headers jsonb not null,
    -- null is a tombstone; sealed under the person's key on personal topics
    payload bytea check (octet_length(payload) <= 524288),
    -- sealed while it waits, deleted when acknowledged
    personal boolean not null default false,
    created_at timestamptz not null default now(),
    sent_at timestamptz,
    unique (topic, key, seq)
);
-- By id alone: the relay reads in this order, and the shards it doesn't hold are few among what waits.
create index outbox_unsent on outbox (id) where sent_at is null;
create index outbox_sent on outbox (sent_at) where sent_at is not null;

create table inbox (
    consumer text not null,
    source text not null,
    event_id text not null,
    received_at timestamptz not null default now(),
    primary key (consumer, source, event_id)
);
create index inbox_age on inbox (received_at);

-- Records that could not be handled. Bytes are kept as they came, sealed where they are a person's.
create table parked (
    id bigint generated always as identity primary key,
    consumer text not null,
    topic text not null,
    partition integer not null,
    "offset" bigint not null,
    key bytea,
    headers jsonb not null,
    payload bytea,
    sealed boolean not null default false,
    reason text not null,
    detail text not null,
    parked_at timestamptz not null,
    state text not null default 'open' check (state in ('open', 'replayed', 'discarded')),
    settled_at timestamptz,
    unique (consumer, topic, partition, "offset")
);
-- Of the key's hash: a key may be longer than an index takes.
create index parked_open on parked (consumer, topic, sha256(key)) where state = 'open';

-- A key per person, itself sealed by the master key. No key and an erased_at: refused for ever.
create table person_key (
    person text primary key,
    wrapped bytea,
    created_at timestamptz not null default now(),
    erased_at timestamptz,
    check ((wrapped is null) = (erased_at is not null))
);

create table used_sign_in (
    nonce text primary key,
    used_at timestamptz not null default now()
);

-- migrate:down
