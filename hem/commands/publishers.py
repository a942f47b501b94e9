"""hem publishers: who may publish, what was agreed with them, and what became of what they sent."""

from typing import Annotated, Any

import typer

from hem.commands.common import console, folding_table, plain_errors, print_json
from hem.commands.keys import AsJson, in_path, interval, show_keys
from hem.door import Door
from hem.home import Home

publishers = typer.Typer(no_args_is_help=True, help="The systems that publish events, and what was agreed with them.")

API = "/ops/gateway/publishers"
STANDING = {
    "heard": "heard from",
    "silent": "SILENT",
    "not_yet": "not heard yet",
    "not_awaited": "no interval agreed",
    "retired": "retired",
}

Name = Annotated[str, typer.Argument(help="Small letters, digits and hyphens, such as housing-system; never a person.")]
Owner = Annotated[str | None, typer.Option(help="The organisation unit that answers for it.")]
Contact = Annotated[str | None, typer.Option(help="A mailbox of a function there, not a person's.")]
Allow = Annotated[str | None, typer.Option(help="Event types with commas between, or all.")]
Sources = Annotated[list[str] | None, typer.Option("--source", help="A source of its own; may be given again.")]
Every = Annotated[
    str | None, typer.Option(help="How long a source may be silent before it is said: 1d, 6h; 0: it isn't waited for.")
]
Rate = Annotated[int | None, typer.Option(help="Events a minute.")]
Kafka = Annotated[bool | None, typer.Option("--kafka/--no-kafka", help="Whether it writes to a topic of its own.")]


@publishers.command("add")
def add(
    name: Name,
    owner: Annotated[str, typer.Option(help="The organisation unit that answers for it.")],
    contact: Annotated[str, typer.Option(help="A mailbox of a function there, not a person's.")],
    *,
    allow: Allow = None,
    source: Sources = None,
    every: Every = None,
    rate: Rate = None,
    kafka: Kafka = None,
    as_json: AsJson = False,
) -> None:
    """Register a publisher, or tell the rest of one that is known by its key alone."""
    said = _order(allow, every, owner=owner, contact=contact, sources=source, rate_limit=rate, kafka=kafka)
    order = {"publisher": name, **said}
    with plain_errors(), Door(Home.here()) as door:
        _show(door.operate("POST", API, order), as_json)


@publishers.command("change")
def change(
    name: Name,
    *,
    owner: Owner = None,
    contact: Contact = None,
    allow: Allow = None,
    source: Sources = None,
    every: Every = None,
    rate: Rate = None,
    kafka: Kafka = None,
    as_json: AsJson = False,
) -> None:
    """Change what is agreed; what isn't said stays. One that had retired is back."""
    order = _order(allow, every, owner=owner, contact=contact, sources=source, rate_limit=rate, kafka=kafka)
    with plain_errors(), Door(Home.here()) as door:
        _show(door.operate("POST", f"{API}/{in_path(name)}/change", order), as_json)


@publishers.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List them: how each stands, and the last 30 days."""
    with plain_errors(), Door(Home.here()) as door:
        rows = door.operate("GET", API)
    if as_json:
        print_json(rows)
        return
    if not rows:
        console.print("Nobody is registered: hem publishers add NAME --owner … --contact …")
        return
    table = folding_table("publisher", "owner", "standing", "last heard (UTC)", "accepted", "duplicates", "refused")
    for row in rows:
        heard = max((s["heard_at"] for s in row["sources"] if s["heard_at"]), default="")
        counts = [str(row["last_30_days"][outcome]) for outcome in ("accepted", "duplicate", "refused")]
        table.add_row(row["publisher"], row["owner"] or "not told", STANDING[row["standing"]], _moment(heard), *counts)
    console.print(table)


@publishers.command("show")
def show(name: Name, as_json: AsJson = False) -> None:
    """Show one: what is agreed, its sources and keys, what it sent, and its last refusals."""
    with plain_errors(), Door(Home.here()) as door:
        _show(door.operate("GET", f"{API}/{in_path(name)}"), as_json)


@publishers.command("retire")
def retire(name: Name) -> None:
    """Take back its keys and wait for it no more. Its sources stay its own."""
    with plain_errors(), Door(Home.here()) as door:
        door.operate("POST", f"{API}/{in_path(name)}/retire")
    console.print(f"{name} has retired.", highlight=False)


def _order(allow: str | None, every: str | None, **said: Any) -> dict[str, Any]:
    """What was said; what wasn't is left out."""
    if allow is not None:
        said["allow"] = [kind.strip() for kind in allow.split(",") if kind.strip()]
    order = {name: value for name, value in said.items() if value is not None}
    return order if every is None else order | {"expected_interval": interval(every)}


def _show(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    say = [f"{found['publisher']}: {STANDING[found['standing']]}"]
    say.append(f"owner {found['owner'] or 'not told'}, contact {found['contact'] or 'not told'}")
    say.append(f"types {', '.join(found['allow']) or 'none'}")
    say.append(f"expected every {found['expected_interval'] or '– (not waited for)'}")
    say.append(f"at most {found['rate_limit'] or 'the usual number of'} events a minute")
    for source in found["sources"]:
        heard = f"last heard {_moment(source['heard_at'])} UTC" if source["heard_at"] else "not heard yet"
        say.append(f"source {source['source']}: {heard}{', SILENT' if source['is_silent'] else ''}")
    month = found["last_30_days"]
    say.append(f"last 30 days: {month['accepted']} accepted, {month['duplicate']} known before")
    say += [f"  {count} refused: {reason}" for reason, count in month["refused"].items()]
    for line in say:
        console.print(line, highlight=False, markup=False)
    if found["keys"]:
        show_keys(found["keys"])
    for one in found["last_refused"]:
        errors = "; ".join(f"{e['field']}: expected {e['expected']}, got {e['got']}" for e in one["errors"])
        what = " ".join(filter(None, (one["type"], one["id"])))
        reason = one["problem"].rpartition(":")[2]
        console.print(f"{_moment(one['at'])} {reason} {what} {errors}".rstrip(), highlight=False, markup=False)


def _moment(said: str) -> str:
    return said[:16].replace("T", " ")
