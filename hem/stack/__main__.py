"""`python -m hem.stack kafka|postgres FOLDER [--port N] [--scratch]`: one part by itself until SIGTERM, SIGINT or our parent's end.

Prints one line when ready: the bootstrap address or the DSN. `--scratch` gives up durability for speed (tests).
"""

import argparse
import asyncio
import ctypes
import os
import signal
import sys
from pathlib import Path

from hem.stack.child import PR_SET_PDEATHSIG
from hem.stack.errors import StackError
from hem.stack.kafka import Kafka
from hem.stack.postgres import Postgres

SCRATCH = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


async def serve(part: Kafka | Postgres) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await part.start()
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    print(part.servers if isinstance(part, Kafka) else part.dsn, flush=True)
    ended, asked = asyncio.ensure_future(part.wait()), asyncio.ensure_future(stop.wait())
    await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    await part.stop()
    return 0 if stop.is_set() else 1


def main() -> int:
    os.umask(0o077)
    parser = argparse.ArgumentParser(prog="python -m hem.stack")
    parser.add_argument("part", choices=["kafka", "postgres"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int)
    parser.add_argument("--scratch", action="store_true")
    given = parser.parse_args()
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if given.part == "kafka":
        return asyncio.run(serve(Kafka(given.folder, port=given.port)))
    return asyncio.run(serve(Postgres(given.folder, port=given.port, settings=SCRATCH if given.scratch else None)))


if __name__ == "__main__":
    sys.exit(main())
