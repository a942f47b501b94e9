-- migrate:up

-- A connector's work on one file: asked for, under way, ended. What it is about is in the connector's own file.
create table connector_run (
    id bigint generated always as identity primary key,
    connector text not null,
    cause text not null check (cause in ('schedule', 'operator')),
    -- shows what would be published, and publishes nothing
    dry boolean not null,
    -- as the operator named it; null: read from where the connector says
    filename text,
    state text not null check (state in ('waiting', 'running', 'held', 'done', 'failed', 'dropped')),
    -- whether the file has been read into a staging table
    staged boolean not null default false,
    -- somebody has looked at what was held, and says that it is right
    confirmed boolean not null default false,
    asked_at timestamptz not null,
    -- the moment that the file speaks of: when it was read
    as_of timestamptz,
    ended_at timestamptz,
    -- how many rows, events, refusals … there were, by name
    counts jsonb not null default '{}',
    -- of a dry run: the first events it would publish
    shown jsonb not null default '[]',
    -- why it failed or is held, and what to do about it
    why text,
    mend text,
    -- how the file was read
    notes text[] not null default '{}'
);
create index connector_run_last on connector_run (connector, id);
-- One at a time, however many replicas there are.
create unique index connector_run_open on connector_run (connector) where state in ('waiting', 'running');

-- Rows that said nothing. Never a value that stood in them.
create table connector_refused (
    run bigint not null references connector_run on delete cascade,
    row bigint not null,
    field text not null,
    expected text not null,
    got text not null
);
create index connector_refused_run on connector_refused (run, row);

-- A file that an operator sent, in pieces, each sealed under the connector's own key; gone when its run has ended.
create table connector_upload (
    run bigint not null references connector_run on delete cascade,
    piece integer not null,
    sealed bytea not null,
    primary key (run, piece)
);

-- What was published about each thing a file speaks of: fingerprints, so that nothing can be read from them.
create table connector_known (
    connector text not null,
    key bytea not null check (octet_length(key) = 32),
    content bytea not null check (octet_length(content) = 32),
    -- how many events have been published about it
    told integer not null,
    seen_in bigint not null,
    primary key (connector, key)
);

-- A household of a lease snapshot: its real number is only a fingerprint here, its reference is random.
create table lease_household (
    connector text not null,
    person bytea not null check (octet_length(person) = 32),
    tenant_ref text not null unique,
    -- how many events have been published about this reference
    told integer not null default 0,
    -- fingerprint of the contact that was published; null: none
    contact bytea,
    -- since when it has no lease
    gone_since date,
    primary key (connector, person)
);

-- References to be erased, and what was published about them before.
create table lease_erasure (
    tenant_ref text primary key,
    connector text not null,
    told integer not null
);
create index lease_erasure_connector on lease_erasure (connector);

create table lease (
    connector text not null,
    lease bytea not null check (octet_length(lease) = 32),
    -- null once the household is forgotten
    person bytea,
    tenancy_id text not null unique,
    -- the publisher's own number of the lease, sealed for the household: staff find the home of a tenancy by it
    number bytea,
    told integer not null default 0,
    -- 'new': not published yet
    state text not null default 'new' check (state in ('new', 'current', 'moved_out', 'cancelled')),
    ended_on date,
    ended_event text,
    -- as it was last published
    tenant_ref text,
    area_id text,
    building_id text,
    dwelling_id text,
    moved_in_on date,
    transferred_from text,
    contact_rule text,
    primary key (connector, lease)
);
create index lease_person on lease (connector, person);

-- The rows of the file that is being compared. Of those by letter only nothing is here that says why, or where.
create table lease_staged (
    connector text not null,
    row bigint not null,
    lease bytea not null,
    person bytea,
    -- a row that was refused: its lease is left as it is known
    refused boolean not null,
    by_letter boolean not null,
    area_id text,
    building_id text,
    dwelling_id text,
    moved_in_on date,
    moved_out_on date,
    transferred_from text,
    contact bytea,
    -- the lease's number and the contact, under the connector's own key
    sealed bytea,
    primary key (connector, row)
);
create index lease_staged_lease on lease_staged (connector, lease);
create index lease_staged_person on lease_staged (connector, person);

-- The households of those rows, each once: one lease by letter makes the household so.
create table lease_staged_household (
    connector text not null,
    person bytea not null,
    row bigint not null,
    by_letter boolean not null,
    contact bytea,
    sealed bytea,
    primary key (connector, person)
);
create index lease_staged_household_row on lease_staged_household (connector, row);

-- migrate:down
