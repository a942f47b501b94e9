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

-- A figure of a publication, never changed. people: it is about people, and disclosure control has looked at it.
-- told_…: how many, and how many of them achieved, as the publication tells it where it is shown; of a hidden figure, what
-- it would have told. content: the rest of the figure, JSON.
create table published_figure (
    publication bigint not null references publication,
    position integer not null,
    goal text not null,
    measure text not null,
    area text,
    dimension text,
    member text,
    people boolean not null,
    shown boolean not null,
    told_achieved bigint not null,
    told_members bigint not null,
    content jsonb not null,
    primary key (publication, position)
);

-- How many events of a type and source stand behind a published figure of the company, and whether that is told.
create table published_lineage (
    publication bigint not null references publication,
    goal text not null,
    measure text not null,
    role text not null,
    type text not null,
    source text not null,
    events integer not null,
    shown boolean not null,
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
