-- migrate:up

-- What is said of an event that is still a draft. By whom, as a role or a publisher, and never a person.
create table event_comment (
    id bigint generated always as identity primary key,
    type text not null,
    -- role:coordinator or publisher:housing-system
    author text not null,
    said text not null check (length(said) between 1 and 2000),
    at timestamptz not null
);
create index event_comment_type on event_comment (type, id);

-- migrate:down
