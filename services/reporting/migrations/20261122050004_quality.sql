-- migrate:up

-- What was found in an event that could be read all the same (domain/quality.py). Written when the event is projected;
-- what has been mended since is left out when it is shown.
create table finding (
    source text not null,
    event_id text not null,
    kind text not null,
    field text not null,
    said text not null,
    type text not null,
    topic text not null,
    subject text not null,
    received timestamptz not null,
    primary key (source, event_id, kind, field)
);
create index finding_received on finding (received);

-- What each source has told of, and where: how many events, and when the first and the last came. area '': of none.
create table heard_of (
    source text not null,
    type text not null,
    area text not null,
    events bigint not null,
    first timestamptz not null,
    last timestamptz not null,
    primary key (source, type, area)
);

-- Who may publish, among all facts.
create index fact_register on fact (subject)
    where type in ('se.vatterhem.PublisherRegistered.v1', 'se.vatterhem.PublisherRetired.v1');

-- What was projected before this was looked for.
insert into heard_of
select source, type, coalesce(convert_from(payload, 'UTF8')::jsonb ->> 'area_id', ''), count(*),
    min(coalesce(recordedtime, time)), max(coalesce(recordedtime, time))
from fact group by 1, 2, 3;
insert into finding
select source, event_id, 'clock_ahead', 'time', time::text, type, topic, subject, recordedtime
from fact where time - recordedtime > interval '5 minutes'
    and (date_trunc('hour', time) <> time
        or (time at time zone 'Europe/Stockholm')::date <> (recordedtime at time zone 'Europe/Stockholm')::date)
union all
select f.source, f.event_id, 'impossible_date', d.key, d.value, f.type, f.topic, f.subject,
    coalesce(f.recordedtime, f.time)
from fact f
cross join lateral jsonb_each_text(convert_from(f.payload, 'UTF8')::jsonb) d
where d.value ~ '^\d{4}-\d\d-\d\d$' and d.key not in (
        'planned_start_on', 'due_on', 'opens_on', 'closes_on', 'window_from', 'window_to', 'valid_from', 'valid_to',
        'from')
    and (d.value < '1950' or d.value > to_char(coalesce(f.recordedtime, f.time) + interval '400 days', 'YYYY-MM-DD'));

-- migrate:down
