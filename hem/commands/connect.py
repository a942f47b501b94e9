"""hem connect: what fetches facts from systems that publish nothing themselves."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from hem.commands.common import console, errors, fail, folding_table, opened, plain_errors, print_json
from hem.commands.keys import AsJson, in_path
from hem.door import Door
from hem.home import Home

connect = typer.Typer(no_args_is_help=True, help="Connectors: files and addresses that events are made from.")

API = "/ops/gateway/connectors"
COUNTS = {
    "rows": "rows read",
    "unchanged": "as before",
    "refused": "refused",
    "unnumbered": "rows without the number of their lease",
    "gone_not_told": "gone, and not told because of rows without a number",
}
LOOK_EVERY = 0.3

Name = Annotated[str, typer.Argument(help="As `hem connect list` shows it.")]


@connect.command("list")
def list_connectors(as_json: AsJson = False) -> None:
    """List the connectors, also those whose file is wrong, with what to mend."""
    with plain_errors(), Door(Home.here()) as door:
        rows = door.operate("GET", API)
    if as_json:
        print_json(rows)
        return
    if not rows:
        console.print("There are no connectors: HEM_GATEWAY_CONNECTORS names the folder with their files.")
        return
    table = folding_table("connector", "kind", "publisher", "reads", "last run (UTC)", "came to")
    for row in rows:
        last = row["last_run"] or {}
        when = str(last.get("asked_at", ""))[:16].replace("T", " ")
        came_to = "WRONG: " + "; ".join(row["wrong"]) if row["wrong"] else last.get("state", "not run yet")
        shown = (
            row["name"],
            row.get("kind"),
            row.get("publisher"),
            row.get("read") or "what it is sent",
            when,
            came_to,
        )
        table.add_row(*(escape(str(one or "")) for one in shown))
    console.print(table)


@connect.command("run")
def run(
    name: Name,
    file: Annotated[
        Path | None, typer.Option(help="Read this file; without it, what the connector reads itself.")
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be published, and publish nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read, compare, publish; and say what came of it."""
    path = f"{API}/{in_path(name)}/runs"
    params = {"dry_run": str(dry_run).lower()}
    with plain_errors(), Door(Home.here()) as door:
        if file is None:
            order = door.operate("POST", path, params=params)
        else:
            with opened(file) as content:
                order = door.operate("POST", path, params={**params, "filename": file.name[-200:]}, file=content)
        _show_end(_until_ended(door, f"{path}/{order['run']}"), as_json)


@connect.command("confirm")
def confirm(name: Name, as_json: AsJson = False) -> None:
    """Publish what a held run found, after somebody has looked at the file."""
    with plain_errors(), Door(Home.here()) as door:
        order = door.operate("POST", f"{API}/{in_path(name)}/confirm")
        _show_end(_until_ended(door, f"{API}/{in_path(name)}/runs/{order['run']}"), as_json)


@connect.command("show")
def show(name: Name) -> None:
    """Show how a connector is configured, and its last runs."""
    with plain_errors(), Door(Home.here()) as door:
        print_json(door.operate("GET", f"{API}/{in_path(name)}"))


def _until_ended(door: Door, path: str) -> Any:
    with errors.status("Reading, comparing, publishing"):
        while True:
            said = door.operate("GET", path)
            if said["state"] not in {"waiting", "running"}:
                return said
            time.sleep(LOOK_EVERY)


def _show_end(said: Mapping[str, Any], as_json: bool) -> None:
    """What the run came to. Ends the command with 1 when it failed or is held, or rows were refused."""
    if as_json:
        print_json(said)
    else:
        _print(said)
    if said["state"] in {"failed", "held"} or said["counts"].get("refused"):
        raise typer.Exit(1)


def _print(said: Mapping[str, Any]) -> None:
    verb = "would be published" if said["dry_run"] else "published"
    for name, count in said["counts"].items():
        if count or name == "rows":
            console.print(f"{count:>9} {COUNTS.get(name, f'{name} {verb}')}", highlight=False)
    for event in said["would_publish"]:
        facts = ", ".join(f"{field} {value}" for field, value in event["said"].items())
        console.print(escape(f"row {event['row']}: {event['event']} {facts or event['about']}"), highlight=False)
    for note in said["notes"]:
        console.print(escape(note), highlight=False)
    if said["refused"]:
        table = folding_table("row", "field", "expected", "got")
        for one in said["refused"]:
            table.add_row(str(one["row"] or ""), *(escape(one[key]) for key in ("field", "expected", "got")))
        console.print(table)
    if said["why"]:
        message = " ".join(filter(None, (said["why"], said["mend"])))
        if said["state"] == "failed":
            fail(message)
        console.print(f"{said['state'].upper()}: {escape(message)}", highlight=False)
