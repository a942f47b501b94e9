"""FastStream, one message a transaction: an inbox against duplicates, the fact, what stands for the tenancy, the tally.

`python naive.py SERVERS DSN GROUP TOPIC…`, in the benchmark's own environment. Eight workers.
"""

import asyncio
import json
import sys
from datetime import date, datetime
from typing import Any

import asyncpg
from faststream import FastStream
from faststream.kafka import KafkaBroker, KafkaMessage

WORKERS = 8
MOVED_IN, OFFERED = "se.vatterhem.TenantMovedIn.v1", "se.vatterhem.HousingIntroductionOffered.v1"
ADD_FACT = """
    insert into peer_fact values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing returning true
"""
ADD_SUBJECT = "insert into peer_subject (subject) values ($1) on conflict do nothing"
LOCK = "select area, day, entered, offered from peer_subject where subject = $1 for update"
UPDATE = "update peer_subject set area = $2, day = $3, entered = $4, offered = $5 where subject = $1"
ADD = """
    insert into peer_tally as t values ($1, $2, $3, $4) on conflict (area, day)
    do update set numerator = t.numerator + $3, denominator = t.denominator + $4
"""

servers, dsn, group, *topics = sys.argv[1:]
broker = KafkaBroker(servers)
app = FastStream(broker)
pools: list[Any] = []


@app.on_startup
async def connect() -> None:
    pools.append(await asyncpg.create_pool(dsn, min_size=WORKERS, max_size=WORKERS))


@broker.subscriber(*topics, group_id=group, auto_offset_reset="earliest", max_workers=WORKERS)
async def handle(message: KafkaMessage) -> None:
    async with pools[0].acquire() as connection, connection.transaction():
        await apply(connection, message.raw_message)


async def apply(connection: Any, record: Any) -> None:
    said = {name: value.decode() for name, value in record.headers}
    data, subject = json.loads(record.value), record.key.decode()
    sequence, time = int(said.get("ce_sequence", -1)), datetime.fromisoformat(said["ce_time"])
    new = await connection.fetchval(
        ADD_FACT, said["ce_source"], said["ce_id"], said["ce_type"], record.topic, record.partition, record.offset,
        subject, time, sequence, record.value,
    )  # fmt: skip
    if not new or said["ce_type"] not in (MOVED_IN, OFFERED):
        return
    await connection.execute(ADD_SUBJECT, subject)
    area, day, entered, offered = await connection.fetchrow(LOCK, subject)
    version = [f"{sequence:012}", time.isoformat(), said["ce_id"], said["ce_source"]]
    before = (area, day, bool(offered)) if entered else None
    if said["ce_type"] == MOVED_IN and (entered is None or version > entered):
        area, day, entered = data["area_id"], date.fromisoformat(data["moved_in_on"]), version
    if said["ce_type"] == OFFERED and (offered is None or version > offered):
        offered = version
    await connection.execute(UPDATE, subject, area, day, entered, offered)
    after = (area, day, bool(offered)) if entered else None
    if before != after:
        for cell, sign in ((before, -1), (after, 1)):
            if cell:
                await connection.execute(ADD, cell[0], cell[1], sign * cell[2], sign)


if __name__ == "__main__":
    asyncio.run(app.run())
