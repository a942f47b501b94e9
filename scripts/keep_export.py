"""Keeps a small export of this version's data, so that later versions can test upgrading from it.

    .venv/bin/python -m scripts.keep_export tests/upgrades/0.1.0

Runs a Hem in a folder of its own, plays a small made-up landlord, and writes what an upgrade would meet: a dump of each
service's database, its SQL, every record of every topic, the keys they are sealed with, and the figures of the day. Everything
in it is made up, the keys included.
"""

import asyncio
import base64
import gzip
import json
import os
import re
import sys
import tempfile
from pathlib import Path

from hem.routing import SERVICES
from hem.stack.postgres import Postgres, find_binaries
from schemas.topics import TOPICS
from tests.architecture.test_statements import statements
from tests.flows.door import settled
from tests.flows.landlord import Landlord, batches
from tests.flows.stack import HemUp, hem_up

HOUSEHOLDS = 40
NOT_EXPLAINED = re.compile(r"\s*(truncate|create temporary)|.*\bstaged\b", re.IGNORECASE | re.DOTALL)


async def main(target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="hem-export-") as folder:
        async with hem_up(Path(folder) / "home") as hem:
            landlord = Landlord(seed=1)
            for batch in batches(landlord.year(HOUSEHOLDS), 20):
                await hem.publish(batch)
            await settled(hem, landlord.made)
            await keep_topics(hem, target / "topics.ndjson.gz")
            figures = (await hem.client.get("/api/goals", params={"period": "2019"})).json()
            write(target / "figures.json", json.dumps(figures, indent=1, ensure_ascii=False))
            keys = {service: hem.home.master_key(service) for service in SERVICES}
            write(target / "master-keys.json", json.dumps(keys, indent=1))
            await hem.stop()
        keep_statements(target / "statements.json")
        await keep_databases(Path(folder) / "home", target)


async def keep_topics(hem: HemUp, file: Path) -> None:
    """One line a record, in the order of each partition: topic, partition, key, headers, value (base64)."""
    lines = []
    for topic in TOPICS:
        for record in await hem.bus.records(topic):
            headers = [[name, encode(value)] for name, value in record.headers]
            lines.append(json.dumps([topic, record.partition, encode(record.key), headers, encode(record.value)]))
    write(file, "\n".join(lines) + "\n")


def keep_statements(file: Path) -> None:
    """By service, all its SQL constants: what replicas of this version ask of the next one's schema."""
    found = {
        name: sorted({" ".join(sql.split()) for _, sql in statements(name) if not NOT_EXPLAINED.match(sql)})
        for name in ("chassis", *SERVICES)
    }
    write(file, json.dumps(found, indent=1, ensure_ascii=False) + "\n")


async def keep_databases(home: Path, target: Path) -> None:
    password = (home / "secrets" / "postgres-superuser").read_text().strip()
    postgres = Postgres(home / "postgres", password=password)
    await postgres.start()
    try:
        for service in SERVICES:
            dump = await asyncio.create_subprocess_exec(
                str(find_binaries() / "pg_dump"), "--no-owner", "--no-privileges", "--dbname",
                f"{postgres.dsn.rpartition('/')[0]}/hem_{service}", stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            out, _ = await dump.communicate()
            if dump.returncode != 0:
                sys.exit(f"pg_dump of {service} failed")
            write(target / f"{service}.sql.gz", out.decode())
    finally:
        await postgres.stop()


def encode(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def write(file: Path, text: str) -> None:
    file.write_bytes(gzip.compress(text.encode(), mtime=0) if file.suffix == ".gz" else text.encode())


if __name__ == "__main__":
    os.umask(0o077)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    asyncio.run(main(folder))
