"""hem keys: what the systems that publish show at the door."""

import re
from typing import Annotated, Any
from urllib.parse import quote

import orjson
import typer

from hem.commands.common import console, fail, folding_table, plain_errors, print_json
from hem.door import Door
from hem.home import Home

keys = typer.Typer(no_args_is_help=True, help="Keys of the systems that publish events.")

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
DURATION = re.compile(r"(\d{1,3})([dh])")


@keys.command("create")
def keys_create(
    name: Annotated[str | None, typer.Argument(metavar="PUBLISHER", help="The system that publishes.")] = None,
    *,
    publisher: Annotated[str | None, typer.Option(help="The same, as an option.")] = None,
    allow: Annotated[
        str | None, typer.Option(help="Event types with commas between, or all; without it what is agreed.")
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="A source it may use; without any, the first used is claimed.")
    ] = None,
    test: Annotated[
        bool, typer.Option("--test", help="A test key: its events run through everything and never count or send.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown this once and kept only as a hash. Registers the publisher where it is not yet."""
    who = name or publisher
    if who is None:
        fail("Say whose key: hem keys create PUBLISHER.", 2)
    order: dict[str, Any] = {"publisher": who, "sources": source or [], "kind": "test" if test else "live"}
    if allow is not None:
        order["allow"] = [kind.strip() for kind in allow.split(",") if kind.strip()]
    with plain_errors(), Door(Home.here()) as door:
        made = door.operate("POST", "/ops/gateway/keys", order)
    _show(made, as_json, f"{'Test key' if test else 'Key'} of {made['publisher']}, shown this once:")


@keys.command("rotate")
def keys_rotate(
    publisher: Annotated[str, typer.Argument(help="Whose key.")],
    overlap: Annotated[str, typer.Option(help="How long the old key goes on working: 7d, 12h, or 0.")] = "7d",
    number: Annotated[int | None, typer.Option(help="Which key, where there are several.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a new key for the same as an old one, which ends after the overlap."""
    order = {"publisher": publisher, "overlap": interval(overlap), "id": number}
    with plain_errors(), Door(Home.here()) as door:
        made = door.operate("POST", "/ops/gateway/keys/rotate", order)
    ends = str(made["old_ends_at"])[:16].replace("T", " ")
    _show(made, as_json, f"Key of {publisher}, shown this once; number {made['replaces']} works until {ends} UTC:")


@keys.command("list")
def keys_list(as_json: AsJson = False) -> None:
    """List the keys, without the keys themselves."""
    with plain_errors(), Door(Home.here()) as door:
        rows = door.operate("GET", "/ops/gateway/keys")
    if as_json:
        print_json(rows)
        return
    show_keys(rows)


@keys.command("revoke")
def keys_revoke(
    publisher: Annotated[str, typer.Argument(help="Whose keys.")],
    number: Annotated[int | None, typer.Option(help="Only this key of theirs.")] = None,
) -> None:
    """Take back a publisher's keys; what they published stays."""
    with plain_errors(), Door(Home.here()) as door:
        params = None if number is None else {"id": str(number)}
        gone = door.operate("DELETE", f"/ops/gateway/keys/{in_path(publisher)}", params=params)
    console.print(
        f"{gone['revoked']} key{'' if gone['revoked'] == 1 else 's'} of {publisher} revoked.", highlight=False
    )


def show_keys(rows: list[dict[str, Any]]) -> None:
    """A table of keys as the gateway lists them."""
    table = folding_table("publisher", "number", "kind", "types", "sources", "made", "last used", "ends")
    for row in rows:
        made, used = (str(row[name] or "")[:10] for name in ("created_at", "last_used_on"))
        ends = f"revoked {row['revoked_at'][:10]}" if row["revoked_at"] else str(row["ends_at"] or "")[:16]
        allow, sources = ", ".join(row["allow"]), ", ".join(row["sources"])
        table.add_row(row["publisher"], str(row["id"]), row["kind"], allow, sources, made, used, ends.replace("T", " "))
    console.print(table)


def in_path(publisher: str) -> str:
    """A name as one step of a path. Dots too: a name of two dots would be a step up."""
    return quote(publisher, safe="").replace(".", "%2E")


def interval(said: str) -> str | None:
    """`7d` or `12h` as ISO 8601 has it; None for 0."""
    if said == "0":
        return None
    found = DURATION.fullmatch(said)
    if found is None or int(found[1]) == 0:
        fail(f"{said} is no time: 7d, 12h or 0.", 2)
    return f"P{int(found[1])}D" if found[2] == "d" else f"PT{int(found[1])}H"


def _show(made: dict[str, Any], as_json: bool, words: str) -> None:
    if as_json:
        print(orjson.dumps({"publisher": made["publisher"], "key": made["key"]}).decode())
    else:
        console.print(words, highlight=False)
        print(made["key"])
