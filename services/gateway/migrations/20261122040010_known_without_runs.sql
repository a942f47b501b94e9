-- migrate:up

-- Rows about one thing are found before the first is published, and nothing else asked which run saw a thing last.
alter table connector_known drop column seen_in;

-- migrate:down
