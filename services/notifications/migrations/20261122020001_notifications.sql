-- migrate:up

-- What has been heard, kept as it was told: which of several holds is decided when it is read, so that the order of
-- arrival never matters and a withdrawn event gives way to the one before it.
create table move_in (
    source text not null,
    event_id text not null,
    sequence bigint,
    occurred_at timestamptz not null,
    tenancy_id text not null,
    household text not null,
    area_id text not null,
    moved_in_on date not null,
    contact_rule text not null check (contact_rule in ('any', 'letter_only')),
    history boolean not null,
    received_at timestamptz not null,
    primary key (source, event_id)
);
create index move_in_tenancy on move_in (tenancy_id);
create index move_in_household on move_in (household);
create index move_in_area on move_in (area_id) where not history;

create table move_in_cancelled (
    source text not null,
    event_id text not null,
    tenancy_id text not null,
    primary key (source, event_id)
);
create index move_in_cancelled_tenancy on move_in_cancelled (tenancy_id);

create table programme_round (
    source text not null,
    event_id text not null,
    programme text not null,
    area_id text not null,
    -- the first day of a round where it begins, the last where it ends
    day date not null,
    begins boolean not null,
    primary key (source, event_id)
);
create index programme_round_area on programme_round (programme, area_id);

create table withdrawn (
    source text not null,
    event_id text not null,
    primary key (source, event_id)
);

create table area (
    area_id text primary key,
    name text not null,
    source text not null,
    event_id text not null,
    sequence bigint,
    occurred_at timestamptz not null
);

-- One contact per household, sealed under the household's own key.
create table contact (
    household text primary key,
    source text not null,
    event_id text not null,
    sequence bigint,
    occurred_at timestamptz not null,
    sealed bytea not null,
    -- a mail server has said that this address takes no mail
    refused boolean not null,
    received_at timestamptz not null
);

-- Tenancies to think about again, because something about them, their household or their area has changed.
create table reconsider (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('tenancy', 'household', 'area')),
    ref text not null,
    due_at timestamptz not null,
    -- W3C trace context of the event that asks for it
    traceparent text
);

create table message (
    message_id text primary key,
    occasion text not null,
    subject text not null,
    version integer not null,
    state text not null check (state in ('queued', 'sent', 'failed', 'suppressed', 'dropped')),
    -- the event that told the contact it is queued for, or failed with
    contact_event text,
    queued_at timestamptz not null,
    -- not before this; a sender that takes the message sets it to the end of its lease
    due_at timestamptz not null,
    -- when the mail server first said not now, and how often it has
    first_tried_at timestamptz,
    postponed integer not null default 0,
    -- W3C trace context of the event that led here
    traceparent text,
    settled_at timestamptz,
    unique (occasion, subject, version)
);
create index message_due on message (due_at) where state = 'queued';

create table offer (
    tenancy_id text not null,
    occasion text not null,
    channel text not null,
    offered_on date not null,
    primary key (tenancy_id, occasion)
);

create table todo (
    tenancy_id text primary key,
    area_id text not null,
    moved_in_on date not null,
    opened_at timestamptz not null,
    due_on date not null,
    state text not null check (state in ('open', 'offered', 'closed')),
    offered_on date
);
create index todo_listed on todo (state, due_on, tenancy_id);

-- migrate:down
