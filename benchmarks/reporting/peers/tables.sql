-- What both peers write: facts once, what stands for each tenancy, and the cohort's sums.
create table peer_fact (
    source text, event_id text, type text, topic text, part int, "offset" bigint, subject text, time timestamptz,
    sequence bigint, payload bytea, primary key (source, event_id)
);
create table peer_subject (
    subject text primary key, area text, day date, entered text[], offered text[]
);
create table peer_tally (
    area text, day date, numerator bigint, denominator bigint, primary key (area, day)
);
