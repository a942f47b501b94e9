-- migrate:up

-- A key is high-entropy, so its plain SHA-256 is safe to keep and quick to find; the key itself is shown once.
create table publisher_key (
    id bigint generated always as identity primary key,
    publisher text not null,
    hash bytea not null unique check (octet_length(hash) = 32),
    -- event types, or {all}: every type the gateway is a writer of
    allow text[] not null check (cardinality(allow) > 0),
    -- empty until the first accepted event binds the key to its source
    sources text[] not null,
    created_at timestamptz not null,
    last_used_on date,
    revoked_at timestamptz
);
create index publisher_key_publisher on publisher_key (publisher);

-- A source belongs to one publisher for ever, also after its keys are revoked.
create table source_owner (
    source text primary key,
    publisher text not null,
    claimed_at timestamptz not null
);

-- What identifies an event for ever (for as long as it is kept), and where it went: a withdrawal follows it there.
create table identity (
    source text not null,
    id text not null,
    fingerprint bytea not null check (octet_length(fingerprint) = 32),
    type text not null,
    topic text not null,
    subject text not null,
    accepted_at timestamptz not null,
    primary key (source, id)
);
create index identity_age on identity (accepted_at);

-- How often an erasure has been told again: a record of the relay's that was on its way when its process stopped can
-- reach Kafka after the tombstone, and compaction keeps the last.
create table erasure_retold (
    person text primary key,
    times smallint not null
);

-- migrate:down
