"""The verbs of connectors: ask for a run, say that a held one is right, look at how they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from services.chassis.transaction import Transaction
from services.gateway.domain.connectors import Cause, ConnectorName, Refused, Run, RunId
from services.gateway.repository import connectors as repository

LAST_RUNS = 20
REFUSED_SHOWN = 200
PIECE = 1024 * 1024


class UnderWay(Exception):
    """Another run of the connector waits or is under way."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that somebody sent, and its name."""

    file: BinaryIO
    name: str


async def order(
    tx: Transaction, connector: ConnectorName, *, cause: Cause = "operator", dry: bool = False, sent: Sent | None = None
) -> Run:
    """A run to be done by a worker, of what was sent or of what the connector reads itself. Raises `UnderWay`.

    What was sent is kept where every replica finds it, sealed under the service's own key.
    """
    run = await repository.ask(tx, connector, cause=cause, dry=dry, filename=None if sent is None else sent.name[:200])
    if run is None:
        raise UnderWay
    if sent is not None:
        sent.file.seek(0)
        number = 0
        while piece := sent.file.read(PIECE):
            await repository.add_piece(tx, run.id, number, tx.seal_private(place_of(connector), piece))
            number += 1
    return run


async def confirm(tx: Transaction, connector: ConnectorName, *, only: RunId | None = None) -> Run | None:
    """Lets the held run go on: somebody has looked. None when none is held, or another than `only`. Raises `UnderWay`."""
    run = await repository.held(tx, connector)
    if run is None or only not in (None, run.id):
        return None
    if any(other.is_open for other in await repository.last(tx, connector, LAST_RUNS)):
        raise UnderWay
    await repository.confirm(tx, run.id)
    return await repository.find(tx, connector, run.id)


async def last_runs(tx: Transaction, connector: ConnectorName) -> list[Run]:
    """The latest first."""
    return await repository.last(tx, connector, LAST_RUNS)


async def find_run(tx: Transaction, connector: ConnectorName, run: RunId) -> tuple[Run, Sequence[Refused]] | None:
    """A run, and the first of what it refused."""
    found = await repository.find(tx, connector, run)
    return None if found is None else (found, await repository.refused(tx, run, REFUSED_SHOWN))


def place_of(connector: ConnectorName) -> str:
    """What is sealed here under the service's own key opens nowhere else."""
    return f"connector:{connector}"
