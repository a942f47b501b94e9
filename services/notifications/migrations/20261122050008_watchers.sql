-- migrate:up

-- Who follows a goal by e-mail. The address, the language and the goal's name are sealed under a key of the watcher's own.
create table watcher (
    watcher text primary key, -- random
    goal_id text not null,
    -- a keyed hash: tells that the same address asks again, and can't be turned into one
    address bytea not null,
    sealed bytea not null,
    asked_at timestamptz not null,
    -- none until the address has been answered from
    confirmed_at timestamptz,
    unique (goal_id, address)
);
create index watcher_address on watcher (address);
create index watcher_waiting on watcher (asked_at) where confirmed_at is null;

-- One mail to one watcher about one thing, `what`: no replay of events makes another.
create table watcher_mail (
    message_id text primary key,
    watcher text not null references watcher on delete cascade,
    what text not null,
    kind text not null check (kind in ('confirm', 'figures', 'alert', 'alert_over')),
    -- of the event: what was measured, and the rule that was met
    period text,
    rule text,
    state text not null check (state in ('queued', 'sent', 'failed')),
    queued_at timestamptz not null,
    -- not before this; a sender that takes the mail sets it to the end of its lease
    due_at timestamptz not null,
    -- when the mail server first said not now, and how often it has
    first_tried_at timestamptz,
    postponed integer not null default 0,
    settled_at timestamptz,
    unique (watcher, what)
);
create index watcher_mail_due on watcher_mail (due_at) where state = 'queued';

-- migrate:down
