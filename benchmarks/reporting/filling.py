"""A goal added while events flow: seconds until it has been counted from all that was known before.

One `python -m services.reporting` with all other goals in force. The facts, move-ins and offers, are put in by SQL while
it runs; more of them come by Kafka all the time, 100 a second. Timed from when the goal's file is put into the folder
until it is ready; then its tallies are held beside a count over the facts, in one snapshot.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
from aiokafka import AIOKafkaProducer

from benchmarks.harness import Measured, new_database, write
from benchmarks.reporting.events import AREAS, Sent, cohort, governance
from benchmarks.reporting.projector import COHORT_GOAL, cpu_seconds, environment, fill, resident_mb
from hem.stack.kafka import Kafka
from hem.stack.postgres import Postgres
from schemas.kafka import to_record
from services.reporting.app import service
from services.reporting.definitions import load, shipped, texts_of

RATE, SECONDS_AT_MOST = 100, 240
WITHIN = 60
ADD_FACTS = """
    with household as (
        select n, lpad(to_hex(n), 32, '0')::uuid::text as tenancy, ($2::text[])[1 + n % 7] as area,
            '2018-01-01'::date + n % 730 as day
        from generate_series(1, $1::int) n
    ), said as (
        select 'urn:bench:history' as source, 'in-' || tenancy as id, 'se.vatterhem.TenantMovedIn.v1' as type,
            'tenancy.events' as topic, tenancy, n, day, null::bigint as sequence,
            jsonb_build_object('tenancy_id', tenancy, 'tenant_ref', tenancy, 'area_id', area, 'moved_in_on', day,
                'contact_rule', 'any') as data
        from household
        union all
        select 'urn:hem:notifications', 'offer-' || tenancy, 'se.vatterhem.HousingIntroductionOffered.v1',
            'notifications.events', tenancy, n, day + 2, 1,
            jsonb_build_object('tenancy_id', tenancy, 'area_id', area, 'offered_on', day + 2, 'channel', 'email')
        from household where n % 100 < 93
    )
    insert into fact (source, event_id, type, topic, part, "offset", subject, time, recordedtime, sequence, history, payload)
    select source, id, type, topic, 0, n, tenancy, day, day, sequence, false, convert_to(data::text, 'UTF8') from said
    order by n, type desc
"""
HEAR = """
    insert into heard (source, day, facts, late, last) select source, '2019-12-31', count(*), 0, max(time)
    from fact where event_id like 'in-%' or event_id like 'offer-%' group by 1
    on conflict (source, day) do update set facts = heard.facts + excluded.facts
"""
HAS_AREAS = "select count(*) >= 7 from area"
IS_READY = "select exists (select from goal_definition where goal = $1 and state = 'ready')"
COUNTED_TWICE = """
    select (select coalesce(sum(denominator), 0)::bigint from tally where goal = $1),
        (select coalesce(sum(numerator), 0)::bigint from tally where goal = $1),
        count(*) filter (where entered), count(*) filter (where entered and offered)
    from (
        select bool_or(type = 'se.vatterhem.TenantMovedIn.v1') as entered,
            bool_or(type = 'se.vatterhem.HousingIntroductionOffered.v1') as offered
        from fact where type in ('se.vatterhem.TenantMovedIn.v1', 'se.vatterhem.HousingIntroductionOffered.v1')
        group by subject
    ) subjects
"""


async def measure(facts: int) -> str:
    """Gives the section written to RESULTS.md."""
    with tempfile.TemporaryDirectory(prefix="hem-bench-") as folder:
        kafka, postgres = Kafka(Path(folder) / "kafka"), Postgres(Path(folder) / "postgres")
        await asyncio.gather(kafka.start(), postgres.start())
        try:
            return await _measure(kafka.servers, postgres.dsn, Path(folder) / "goals", facts)
        finally:
            await asyncio.gather(kafka.stop(), postgres.stop())


async def _measure(servers: str, dsn: str, folder: Path, facts: int) -> str:
    await asyncio.to_thread(folder.mkdir)
    await fill(servers, governance(), "f.")
    database = await new_database(dsn, "bench_filling", service.folder)
    connection = await asyncpg.connect(database)
    others = sorted(load().by_id.keys() - {COHORT_GOAL})
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.reporting.projecting", *others, stdout=asyncio.subprocess.DEVNULL,
        env={**environment(servers, database, "f."), "HEM_REPORTING_GOALS": str(folder)},
    )  # fmt: skip
    flowing = asyncio.create_task(_flow(servers, cohort(RATE * SECONDS_AT_MOST)))
    try:
        await _until(connection, 60, HAS_AREAS)
        await connection.execute(ADD_FACTS, facts * 100 // 193, AREAS)
        await connection.execute(HEAR)
        await connection.execute("vacuum analyze fact")
        before = await connection.fetchval("select count(*) from fact")
        print(f"{before:,} facts", flush=True)
        started, spent = time.perf_counter(), cpu_seconds(process.pid)
        (folder / f"{COHORT_GOAL}.yaml").write_text(texts_of(shipped())[f"{COHORT_GOAL}.yaml"], encoding="utf-8")
        await _until(connection, SECONDS_AT_MOST, IS_READY, COHORT_GOAL)
        taken, spent = time.perf_counter() - started, cpu_seconds(process.pid) - spent
        assert not flowing.done(), "events no longer flow"
        [(members, achieved, *truth)] = await connection.fetch(COUNTED_TWICE, COHORT_GOAL)
        assert [members, achieved] == truth, f"{members}, {achieved} tallied; {truth} by the facts"
        came = await connection.fetchval("select count(*) from fact") - before
        memory = resident_mb(process.pid)
    finally:
        flowing.cancel()
        await asyncio.wait([flowing])
        await connection.close()
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 30)
    return write(
        "reporting-filling",
        (__doc__ or "").partition("\n\n")[2].strip(),
        [
            Measured("a goal added: ready, and right", "s", [taken], f"≤ {WITHIN} s"),
            Measured("a goal added: facts counted", "facts/s", [before / taken]),
            Measured("processor of the service meanwhile", "s", [spent]),
            Measured("its memory at the end", "MB", [memory], "< 250 MB"),
        ],
        {"facts before": before, "events applied meanwhile": came, "households": members},
    )


async def _until(connection: "asyncpg.Connection[asyncpg.Record]", seconds: float, statement: str, *given: str) -> None:
    deadline = time.monotonic() + seconds
    while not await connection.fetchval(statement, *given):
        assert time.monotonic() < deadline, statement
        await asyncio.sleep(0.1)


async def _flow(servers: str, sent: list[Sent]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all")
    await producer.start()
    try:
        began = time.perf_counter()
        for number, (topic, event) in enumerate(sent):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            record = to_record(event)
            await producer.send("f." + topic, record.value, key=record.key, headers=record.headers)
    finally:
        await producer.stop()
