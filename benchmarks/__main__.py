"""python -m benchmarks [projector|stack|compose|leases|gateway] [--rounds N] [--events N]: measures, prints the table, writes RESULTS.md."""

import argparse
import asyncio

from benchmarks import compose, gateway, leases, stack
from benchmarks.reporting import projector


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument(
        "what", nargs="?", choices=["projector", "stack", "compose", "leases", "gateway", "all"], default="projector"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=200_000, help="projector: events a round")
    parser.add_argument("--seconds", type=int, default=30, help="stack: how long to send 100 events/s")
    parser.add_argument("--rows", type=int, default=100_000, help="leases: rows of the snapshot")
    given = parser.parse_args()
    if given.what in {"projector", "all"}:
        print(asyncio.run(projector.measure(given.rounds, given.events)))
    if given.what in {"stack", "all"}:
        print(asyncio.run(stack.measure(given.seconds)))
    if given.what in {"compose", "all"}:
        print(compose.measure(given.rounds))
    if given.what in {"leases", "all"}:
        print(asyncio.run(leases.measure(given.rounds, given.rows)))
    if given.what in {"gateway", "all"}:
        print(asyncio.run(gateway.measure(given.rounds)))


if __name__ == "__main__":
    main()
