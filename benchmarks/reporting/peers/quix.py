"""Quix Streams with a sink of its own: what has come of a partition in one transaction, staged by COPY.

`python quix.py SERVERS DSN GROUP TOPIC…`, in the benchmark's own environment. A checkpoint every 5,000 messages.
"""

import json
import sys
from collections import defaultdict
from datetime import date, datetime
from typing import Any

import psycopg  # type: ignore[import-not-found]
from quixstreams import Application  # type: ignore[import-not-found]
from quixstreams.sinks.base import BatchingSink, SinkBatch  # type: ignore[import-not-found]

EVERY = 5_000
MOVED_IN, OFFERED = "se.vatterhem.TenantMovedIn.v1", "se.vatterhem.HousingIntroductionOffered.v1"
STAGE = "create temporary table staged (like peer_fact) on commit drop"
COPY = "copy staged from stdin"
ADD_FACTS = """
    insert into peer_fact select * from staged order by source, event_id on conflict do nothing returning source, event_id
"""
LOCK = """
    select subject, area, day, entered, offered from peer_subject where subject = any(%s) order by subject for update
"""
STAGE_SUBJECTS = "create temporary table subjects (like peer_subject) on commit drop"
COPY_SUBJECTS = "copy subjects from stdin"
PUT_SUBJECTS = """
    insert into peer_subject select * from subjects order by subject on conflict (subject)
    do update set area = excluded.area, day = excluded.day, entered = excluded.entered, offered = excluded.offered
"""
ADD = """
    insert into peer_tally as t select * from unnest(%s::text[], %s::date[], %s::bigint[], %s::bigint[]) order by 1, 2
    on conflict (area, day) do update set numerator = t.numerator + excluded.numerator,
        denominator = t.denominator + excluded.denominator
"""


class Cohort(BatchingSink):  # type: ignore[misc]
    """The cohort's facts, states and sums."""

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self._connection = psycopg.connect(dsn)

    def setup(self) -> None:
        """Nothing: the tables are there."""

    def write(self, batch: SinkBatch) -> None:
        rows = [_row(batch, item) for item in batch]
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(STAGE)
            with cursor.copy(COPY) as copy:
                for row in {row[:2]: row for row in rows}.values():
                    copy.write_row(row)
            cursor.execute(ADD_FACTS)
            new = set(cursor.fetchall())
            fold(cursor, [row for row in {row[:2]: row for row in rows}.values() if row[:2] in new])


def _row(batch: SinkBatch, item: Any) -> tuple[Any, ...]:
    said = {name: value.decode() for name, value in item.headers}
    sequence, time = int(said.get("ce_sequence", -1)), datetime.fromisoformat(said["ce_time"])
    return (
        said["ce_source"], said["ce_id"], said["ce_type"], batch.topic, batch.partition, item.offset,
        item.key.decode(), time, sequence, item.value,
    )  # fmt: skip


def fold(cursor: Any, rows: list[tuple[Any, ...]]) -> None:
    counted = [row for row in rows if row[2] in (MOVED_IN, OFFERED)]
    cursor.execute(LOCK, (sorted({row[6] for row in counted}),))
    states = {row[0]: list(row[1:]) for row in cursor.fetchall()}
    sums: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0])
    touched: dict[str, list[Any]] = {}
    for source, id, type, _, _, _, subject, time, sequence, value in counted:
        state = touched.setdefault(subject, states.get(subject, [None] * 4))
        version = [f"{sequence:012}", time.isoformat(), id, source]
        _add(sums, state, -1)
        if type == MOVED_IN and (state[2] is None or version > state[2]):
            data = json.loads(value)
            state[:3] = [data["area_id"], date.fromisoformat(data["moved_in_on"]), version]
        elif type == OFFERED and (state[3] is None or version > state[3]):
            state[3] = version
        _add(sums, state, 1)
    cursor.execute(STAGE_SUBJECTS)
    with cursor.copy(COPY_SUBJECTS) as copy:
        for subject, state in touched.items():
            copy.write_row((subject, *state))
    cursor.execute(PUT_SUBJECTS)
    changes = [(*cell, *change) for cell, change in sums.items() if any(change)]
    if changes:
        cursor.execute(ADD, [list(column) for column in zip(*changes, strict=True)])


def _add(sums: dict[tuple[str, date], list[int]], state: list[Any], sign: int) -> None:
    area, day, entered, offered = state
    if entered:
        sums[area, day][0] += sign * bool(offered)
        sums[area, day][1] += sign


def main() -> None:
    servers, dsn, group, *topics = sys.argv[1:]
    app = Application(
        servers, consumer_group=group, auto_offset_reset="earliest", commit_every=EVERY, loglevel="ERROR",
        auto_create_topics=False,
    )  # fmt: skip
    sink = Cohort(dsn)
    for topic in topics:
        app.dataframe(app.topic(topic, value_deserializer="bytes", key_deserializer="bytes")).sink(sink)
    app.run()


if __name__ == "__main__":
    main()
