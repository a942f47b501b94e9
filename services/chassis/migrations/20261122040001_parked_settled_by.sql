-- migrate:up

-- Who decided: the name a person was signed in with, or `operator` for the operator's token.
alter table parked add column settled_by text;

-- migrate:down
