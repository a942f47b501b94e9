-- migrate:up

-- What stands for each subject of a ledger (the rule of a goal's measure), merged order-free. area and day: where lineage
-- lists the subject. state: JSON in UTF-8, slot -> version as in domain/states.py. Replicas of 0.3.0 go on writing
-- subject_state and rollup, which nothing reads any more; what they apply, the filling finds.
create table standing (
    ledger text not null,
    subject text not null,
    area text,
    day date,
    state bytea not null,
    primary key (ledger, subject)
) with (fillfactor = 70); -- room for the usual second event on the same page, so that no index is touched
create index standing_cohort on standing (ledger, day, subject) where day is not null;

-- The sum of all subjects' contributions. others: values of the goal's dimensions beside the area, in its order, with
-- U+001F between; day: of the cohort; since: the day from which the row counts; bucket: days, of a duration.
create table tally (
    goal text not null,
    measure text not null,
    area text not null,
    others text not null,
    day date not null,
    since date not null,
    bucket integer not null,
    numerator bigint not null,
    denominator bigint not null,
    primary key (goal, measure, day, area, others, since, bucket)
);

-- Which other thing bears on a subject: a match on its place. The first writer holds the ledger's lock.
create table look_up (
    ledger text not null,
    followed text not null,
    follower text not null,
    primary key (ledger, followed, follower)
);

-- Of each source and day of being recorded: how many facts, how many of them recorded long after they happened, and the
-- last of them.
create table heard (
    source text not null,
    day date not null,
    facts bigint not null,
    late bigint not null,
    last timestamptz not null,
    primary key (source, day)
);
insert into heard (source, day, facts, late, last)
select source, (coalesce(recordedtime, time) at time zone 'Europe/Stockholm')::date, count(*),
    count(*) filter (where not history and recordedtime - time > interval '1 day'), max(coalesce(recordedtime, time))
from fact group by 1, 2;

-- The definitions in force, as their files say; and every version that ever was.
create table goal_definition (
    goal text primary key,
    version integer not null,
    text text not null,
    state text not null check (state in ('filling', 'ready')),
    changed_at timestamptz not null,
    filled_at timestamptz
);
create table goal_version (
    goal text not null,
    version integer not null,
    text text not null,
    since timestamptz not null,
    primary key (goal, version)
);

-- Raised whenever a definition changes: a projector that worked by another reads them again.
alter table rebuild add column generation bigint not null default 0;

alter table target add column dimension text;

-- migrate:down
