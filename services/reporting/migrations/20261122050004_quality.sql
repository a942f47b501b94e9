-- migrate:up

-- What was found in an event that could be read all the same (domain/quality.py). Written when the event is projected;
-- what has been mended since is left out when it is shown.
create table finding (
    source text not null,
    event_id text not null,
    kind text not null,
    field text not null,
    said text not null,
    type text not null,
    topic text not null,
    subject text not null,
    received timestamptz not null,
    primary key (source, event_id, kind, field)
);
create index finding_received on finding (received);

-- What each source has told of, and where: how many events, and when the first and the last came. area '': of none.
create table heard_of (
    source text not null,
    type text not null,
    area text not null,
    events bigint not null,
    first timestamptz not null,
    last timestamptz not null,
    primary key (source, type, area)
);

-- Who may publish, among all facts.
create index fact_register on fact (subject)
    where type in ('se.vatterhem.PublisherRegistered.v1', 'se.vatterhem.PublisherRetired.v1');

-- migrate:down
