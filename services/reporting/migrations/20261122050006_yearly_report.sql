-- migrate:up

-- What staff write in a year's report: about a goal (its id) or first in the report ('introduction'). Every version is
-- kept; the greatest stands. An empty one says that nothing is to stand there any more.
create table report_text (
    period text not null,
    about text not null,
    language text not null check (language in ('sv', 'en')),
    version integer not null check (version > 0),
    body text not null,
    written_by text not null,
    written_at timestamptz not null,
    primary key (period, about, language, version)
);

-- A report as it was handed over. A new edition never replaces an older one.
create table report_edition (
    report_id text primary key,
    kind text not null check (kind in ('yearly', 'sustainability')),
    period text not null,
    recipient text not null check (recipient in ('owner', 'board', 'public', 'staff')),
    edition integer not null check (edition > 0),
    published_on date not null,
    published_at timestamptz not null,
    published_by text not null,
    unique (kind, period, recipient, edition)
);

-- Its files, byte for byte. 'json' is the content that the others were made of; digest is the SHA-256 of the bytes.
create table report_file (
    report_id text not null references report_edition,
    language text not null check (language in ('sv', 'en')),
    format text not null check (format in ('json', 'html', 'pdf')),
    digest bytea not null,
    content bytea not null,
    primary key (report_id, language, format)
);
alter table report_file alter column content set storage external;

-- migrate:down
