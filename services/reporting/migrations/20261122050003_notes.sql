-- migrate:up

-- What staff say of a figure, shown to everybody: what happened on a day, drawn on the curve, and why the figure is as it
-- is. area: none for the goal everywhere. action: what is done about it, as in ActionPlanned. role: as whom it was written;
-- no name is kept. withdrawn_at: taken back, and can be put back.
create table note (
    id uuid primary key,
    goal text not null,
    area text,
    day date not null,
    text text not null,
    action text,
    role text not null,
    written_at timestamptz not null,
    withdrawn_at timestamptz
);
create index note_goal on note (goal, day);
create index fact_action on fact (time) where topic = 'surveys.events' and type like 'se.vatterhem.Action%';

-- migrate:down
