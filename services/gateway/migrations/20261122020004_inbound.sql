-- migrate:up

-- A record of a publisher's own Kafka topic that could not be let in. Its bytes are not kept, they may say anything about
-- anyone: whoever replays it reads it again from the topic, as long as that has it.
create table inbound_parked (
    id bigint generated always as identity primary key,
    publisher text not null,
    partition integer not null,
    "offset" bigint not null,
    -- the record's own time; none of one that the Kafka client can't decode, nor of records that were gone unread
    written_at timestamptz,
    event_id text,
    source text,
    reason text not null,
    detail text not null,
    errors jsonb not null,
    parked_at timestamptz not null,
    state text not null default 'open' check (state in ('open', 'replayed', 'discarded', 'gone')),
    settled_at timestamptz,
    settled_by text,
    -- with the time: a topic that was made anew begins again at 0
    unique nulls not distinct (publisher, partition, "offset", written_at)
);
create index inbound_parked_open on inbound_parked (publisher, reason, id) where state = 'open';
create index inbound_parked_age on inbound_parked (parked_at);

-- migrate:down
