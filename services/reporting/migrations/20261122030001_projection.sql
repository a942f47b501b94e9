-- migrate:up

-- Every event once, as it came. The key decides what is the same event; payload is the event's data, JSON in UTF-8.
create table fact (
    source text not null,
    event_id text not null,
    type text not null,
    topic text not null,
    part integer not null,
    "offset" bigint not null,
    subject text not null,
    time timestamptz not null,
    recordedtime timestamptz,
    sequence bigint,
    history boolean not null,
    payload bytea not null,
    primary key (source, event_id)
);
create index fact_subject on fact (subject);
create index fact_governance on fact (time) where topic = 'governance.events';

-- A fact that a goal counts for another subject than its own key, such as a failed message about a tenancy.
create table fact_link (
    subject text not null,
    source text not null,
    event_id text not null,
    primary key (subject, source, event_id)
);

-- Withdrawals of events that have not come yet: almost always empty.
create table early_withdrawal (
    topic text not null,
    subject text not null,
    source text not null,
    event_id text not null,
    primary key (topic, subject, source, event_id)
);

-- How far each partition is applied, in the same transaction as what was applied. cluster and fingerprint tell a topic
-- that was made anew: offsets of another log mean nothing.
create table projection_offset (
    topic text not null,
    part integer not null,
    next_offset bigint not null,
    cluster text not null,
    fingerprint bytea,
    primary key (topic, part)
);

-- What stands for each subject of a goal, merged order-free. area and day: where lineage lists the subject.
-- state: JSON in UTF-8, slot -> version as in domain.py. Only the projector reads it, so Postgres needn't parse it.
create table subject_state (
    goal text not null,
    subject text not null,
    area text,
    day date,
    state bytea not null,
    primary key (goal, subject)
) with (fillfactor = 70); -- room for the usual second event on the same page, so that no index is touched
create index subject_state_cohort on subject_state (goal, day, subject) where day is not null;

-- The sum of all subjects' contributions. day: of the cohort; since: the day from which the row counts.
create table rollup (
    goal text not null,
    measure text not null,
    area text not null,
    day date not null,
    since date not null,
    numerator bigint not null,
    denominator bigint not null,
    primary key (goal, measure, day, area, since)
);

create table area (
    area text primary key,
    name text not null
);

create table programme (
    programme text not null,
    area text not null,
    first date not null,
    last date,
    primary key (programme, area, first)
);

create table target (
    goal text not null,
    measure text,
    area text,
    comparison text not null,
    value numeric,
    unit text not null,
    valid_from date not null,
    valid_to date,
    document text not null,
    revises boolean not null
);

create table document (
    document text primary key,
    title text not null,
    adopted_by text not null,
    valid_from date not null,
    valid_to date,
    applies_until_replaced boolean not null,
    replaced_on date
);

-- One row: when figures were last rebuilt, and where each partition ended then, as [topic, part, offset]. Projectors
-- hold it in share mode while they apply a batch, so that a rebuild waits for them and they for it.
create table rebuild (
    single boolean primary key default true check (single),
    ends jsonb not null default '[]',
    started_at timestamptz
);
insert into rebuild default values;

-- migrate:down
