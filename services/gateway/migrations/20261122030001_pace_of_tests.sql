-- migrate:up

-- What is tried out with a test key takes nothing of the pace of what is live.
alter table publisher_pace
    add column test boolean not null default false,
    drop constraint publisher_pace_pkey,
    add primary key (publisher, test);

-- migrate:down
