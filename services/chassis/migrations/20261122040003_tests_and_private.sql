-- migrate:up

-- A test event, of which nothing comes: others never wait behind it.
alter table parked add column test boolean not null default false;
-- When what was parked from a private topic is forgotten: the topic doesn't keep it longer either.
alter table parked add column forget_at timestamptz;
create index parked_forgotten on parked (forget_at) where forget_at is not null;
-- Of a private topic: sealed under the service's own key while it waits, deleted when acknowledged.
alter table outbox add column private boolean not null default false;

-- migrate:down
