"""hem parked, keys, rebuild, sign-in: the operator's work on a running Hem."""

import time
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import orjson
import typer
from rich.progress import Progress

from hem.commands.common import console, errors, fail, folding_table, plain_errors
from hem.door import Door
from hem.home import Home
from hem.routing import SERVICES

parked = typer.Typer(no_args_is_help=True, help="Events that could not be handled and wait for a decision.")
keys = typer.Typer(no_args_is_help=True, help="Keys of the systems that publish events.")

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
        _print_json(rows)
        return
    if not rows:
        console.print(f"Nothing is parked ({state}).")
        return
    table = folding_table("service", "number", "topic, partition, offset", "key", "reason", "since (UTC)")
    for row in rows:
        place = f"{row['topic']} {row['partition']} {row['offset']}"
        since = row["parked_at"][:16].replace("T", " ")
        table.add_row(row["service"], str(row["id"]), place, str(row["key"] or ""), row["reason"], since)
    console.print(table)


@parked.command("show")
def parked_show(service: Service, number: Number) -> None:
    """Show one parked event with all that is known of why."""
    with plain_errors(), Door(Home.here()) as door:
        _print_json(door.operate("GET", f"/ops/{_known(service)}/parked/{number}"))


@parked.command("replay")
def parked_replay(service: Service, number: Number) -> None:
    """Handle it again, after the cause is mended."""
    _decide(service, number, "replay", "was handled again")


@parked.command("discard")
def parked_discard(service: Service, number: Number) -> None:
    """Leave it out for good; later events of its key go on."""
    _decide(service, number, "discard", "was discarded")


@keys.command("create")
def keys_create(
    publisher: Annotated[str, typer.Option(help="The system that publishes.")],
    allow: Annotated[str, typer.Option(help="Event types with commas between, or all.")],
    source: Annotated[
        list[str] | None, typer.Option(help="A source it may use; without any, the first used is claimed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown this once and kept only as a hash."""
    types = [name.strip() for name in allow.split(",") if name.strip()]
    with plain_errors(), Door(Home.here()) as door:
        made = door.operate(
            "POST", "/ops/gateway/keys", {"publisher": publisher, "allow": types, "sources": source or []}
        )
    if as_json:
        print(orjson.dumps({"publisher": made["publisher"], "key": made["key"]}).decode())
    else:
        console.print(f"Key of {made['publisher']}, shown this once:", highlight=False)
        print(made["key"])


@keys.command("list")
def keys_list(as_json: AsJson = False) -> None:
    """List the keys, without the keys themselves."""
    with plain_errors(), Door(Home.here()) as door:
        rows = door.operate("GET", "/ops/gateway/keys")
    if as_json:
        _print_json(rows)
        return
    table = folding_table("publisher", "number", "types", "sources", "made", "last used", "revoked")
    for row in rows:
        moments = [str(row[name] or "")[:10] for name in ("created_at", "last_used_on", "revoked_at")]
        table.add_row(row["publisher"], str(row["id"]), ", ".join(row["allow"]), ", ".join(row["sources"]), *moments)
    console.print(table)


@keys.command("revoke")
def keys_revoke(
    publisher: Annotated[str, typer.Argument(help="Whose keys.")],
    number: Annotated[int | None, typer.Option(help="Only this key of theirs.")] = None,
) -> None:
    """Take back a publisher's keys; what they published stays."""
    with plain_errors(), Door(Home.here()) as door:
        params = None if number is None else {"id": str(number)}
        # Dots too: a name of two dots would be a step up in the path.
        name = quote(publisher, safe="").replace(".", "%2E")
        gone = door.operate("DELETE", f"/ops/gateway/keys/{name}", params=params)
    console.print(
        f"{gone['revoked']} key{'' if gone['revoked'] == 1 else 's'} of {publisher} revoked.", highlight=False
    )


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


def _print_json(value: Any) -> None:
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
