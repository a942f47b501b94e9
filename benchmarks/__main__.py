"""python -m benchmarks [projector|queries|filling|peers|stack|compose|leases|gateway] [--rounds N] [--events N]: measures, prints the table, writes RESULTS.md."""

import argparse
import asyncio

from benchmarks import compose, gateway, leases, stack
from benchmarks.reporting import filling, peers, projector, queries


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument(
        "what",
        nargs="?",
        choices=["projector", "queries", "filling", "peers", "stack", "compose", "leases", "gateway", "all"],
        default="projector",
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=200_000, help="projector, peers: events a round")
    parser.add_argument("--seconds", type=int, default=30, help="stack, queries: how long to send")
    parser.add_argument("--facts", type=int, default=1_000_000, help="filling: facts there are when the goal is added")
    parser.add_argument("--rows", type=int, default=100_000, help="leases: rows of the snapshot")
    given = parser.parse_args()
    if given.what in {"projector", "all"}:
        print(asyncio.run(projector.measure(given.rounds, given.events)))
    if given.what in {"queries", "all"}:
        print(asyncio.run(queries.measure(given.seconds)))
    if given.what in {"filling", "all"}:
        print(asyncio.run(filling.measure(given.facts)))
    if given.what in {"peers", "all"}:
        print(asyncio.run(peers.measure(given.rounds, given.events)))
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
