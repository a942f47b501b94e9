"""hem parked, rebuild, sign-in: the operator's work on a running Hem."""

import time
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

import typer
from rich.progress import Progress

from hem.commands.common import console, errors, fail, folding_table, plain_errors, print_json
from hem.door import Door
from hem.home import Home
from hem.routing import SERVICES

parked = typer.Typer(no_args_is_help=True, help="Events that could not be handled and wait for a decision.")

Service = Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")]
Number = Annotated[int, typer.Argument(help="The number that `hem parked list` shows.")]


class State(StrEnum):
    """What was decided about a parked event."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@parked.command("list")
def parked_list(
    service: Annotated[str | None, typer.Argument(help="One service; without it all.")] = None,
    state: Annotated[State, typer.Option(help="What was decided about it.")] = State.OPEN,
    as_json: AsJson = False,
) -> None:
    """List what is parked, with the reason."""
    asked = [_known(service)] if service else list(SERVICES)
    with plain_errors(), Door(Home.here()) as door:
        rows = [
            {"service": name, **row}
            for name in asked
            for row in door.operate("GET", f"/ops/{name}/parked", params={"state": state})
        ]
    if as_json:
        print_json(rows)
        return
    if not rows:
        console.print(f"Nothing is parked ({state}).")
        return
    table = folding_table("service", "number", "topic, partition, offset", "key", "reason", "since (UTC)")
    for row in rows:
        place = f"{row['topic']} {row['partition']} {row['offset']}"
        since = row["parked_at"][:16].replace("T", " ")
        reason = f"{row['reason']} (test event)" if row["test"] else row["reason"]
        table.add_row(row["service"], str(row["id"]), place, str(row["key"] or ""), reason, since)
    console.print(table)


@parked.command("show")
def parked_show(service: Service, number: Number) -> None:
    """Show one parked event with all that is known of why."""
    with plain_errors(), Door(Home.here()) as door:
        print_json(door.operate("GET", f"/ops/{_known(service)}/parked/{number}"))


@parked.command("replay")
def parked_replay(service: Service, number: Number) -> None:
    """Handle it again, after the cause is mended."""
    _decide(service, number, "replay", "was handled again")


@parked.command("discard")
def parked_discard(service: Service, number: Number) -> None:
    """Leave it out for good; later events of its key go on."""
    _decide(service, number, "discard", "was discarded")


def rebuild(
    service: Annotated[str, typer.Argument(help="reporting: the only one whose data comes from the topics alone.")],
) -> None:
    """Make a service's figures anew from the topics. Until it is done they count what has been read so far."""
    if service != "reporting":
        fail(f"{service} can't be rebuilt from the topics; only reporting can.")
    path = "/ops/reporting/rebuild"
    with plain_errors(), Door(Home.here()) as door, Progress(console=errors, transient=True) as progress:
        door.operate("POST", path)
        bar = progress.add_task("Reading the topics again", total=None)
        while (state := door.operate("GET", path))["state"] == "running":
            progress.update(bar, completed=state["read"], total=state["of"] or None)
            time.sleep(0.2)
    console.print(f"Rebuilt from {state['read']} events.", highlight=False)


def sign_in(
    role: Annotated[
        list[str] | None,
        typer.Option(
            help="As whom: reader, area_staff, coordinator …; may be given again. Without it: as everybody under hem up, elsewhere as operator."
        ),
    ] = None,
) -> None:
    """Print an address that signs in once, within ten minutes."""
    with plain_errors(), Door(Home.here()) as door:
        asked = urlencode([("role", one) for one in role or []])
        print(door.operate("POST", f"/ops/gateway/sign-in-link?{asked}")["url"])


def _decide(service: str, number: int, verb: str, done: str) -> None:
    with plain_errors(), Door(Home.here()) as door:
        door.operate("POST", f"/ops/{_known(service)}/parked/{number}/{verb}")
    console.print(f"Number {number} of {service} {done}.", highlight=False)


def _known(service: str) -> str:
    if service not in SERVICES:
        fail(f"There is no service {service}: {', '.join(SERVICES)}.", 2)
    return service
