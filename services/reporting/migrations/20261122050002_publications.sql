-- migrate:up

-- What has been made public of a period, and when. number: 1 for the first of its period. by and role: who published, as
-- their session names them. reason: why the figures of a closed period were changed.
create table publication (
    id bigint generated always as identity primary key,
    period text not null,
    year integer not null,
    number integer not null,
    as_of timestamptz not null,
    published_at timestamptz not null,
    by text not null,
    role text not null,
    reason text,
    unique (period, number)
);
create index publication_year on publication (year);

-- A figure of a publication, never changed. counted_…: what stood in the rollup then. told_…: what the publication tells,
-- where it is shown; of a hidden one, what it would have told. They differ where a change is too small to be told alone.
-- content: the rest of the figure as it was, JSON.
create table published_figure (
    publication bigint not null references publication,
    position integer not null,
    goal text not null,
    measure text not null,
    area text,
    dimension text,
    member text,
    shown boolean not null,
    counted_numerator bigint not null,
    counted_denominator bigint not null,
    told_numerator bigint not null,
    told_denominator bigint not null,
    content jsonb not null,
    primary key (publication, position)
);

-- How many events of a type and source stand behind a published figure of the company; none where it may not be told.
create table published_lineage (
    publication bigint not null references publication,
    goal text not null,
    measure text not null,
    role text not null,
    type text not null,
    source text not null,
    events integer,
    primary key (publication, goal, measure, role, type, source)
);

-- Who stands behind a publication's figures. by and role as the session names them.
create table approval (
    publication bigint primary key references publication,
    by text not null,
    role text not null,
    approved_at timestamptz not null
);

-- Periods whose figures are kept as they are: what changes afterwards is a restatement.
create table closed_period (
    period text primary key,
    by text not null,
    role text not null,
    closed_at timestamptz not null
);

-- migrate:down
