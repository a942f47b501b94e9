"""hem validate, hem compat: what would be refused or would break, before it is sent or released. Neither asks a Hem."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from hem.commands.common import fail, opened, plain_errors, say
from hem.contracts import Checked, Checker, Comparison, NotComparable, compare


def validate(
    file: Annotated[
        Path,
        typer.Argument(
            help="NDJSON: one CloudEvent in JSON form on each line; or one JSON object or list; - reads standard input."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each event.")] = False,
) -> None:
    """Tell what is wrong with the events of a file, as the gateway would: with no Hem, no key and no network.

    Ends with 0 when nothing is wrong, with 1 when something is or the file holds no event. Warnings are nothing wrong.
    """
    fine = wrong = 0
    with plain_errors(), opened(file) as source:
        for checked in Checker().check(source):
            fine, wrong = (fine + 1, wrong) if checked.ok else (fine, wrong + 1)
            if as_json:
                say(orjson.dumps(_shown(checked)).decode())
            elif checked.words:
                say(f"{checked.unit} {checked.number}: {checked.words}")
    if not fine + wrong:
        fail(f"There is no event in {file}.")
    if not as_json:
        say(f"{fine} as they should be, {wrong} would be refused")
    if wrong:
        raise typer.Exit(1)


def _shown(checked: Checked) -> dict[str, object]:
    return {
        checked.unit: checked.number,
        "id": checked.id,
        "source": checked.source,
        "type": checked.type,
        "ok": checked.ok,
        "unreadable": checked.unreadable,
        "errors": list(checked.faults),
        "warnings": checked.warnings,
    }


def compat(
    file: Annotated[
        Path, typer.Argument(help="A proposed JSON Schema of an event's data, as GET /schemas/<type> gives it; - too.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Tell what a changed schema would break of the published one, and for whom.

    Ends with 0 when it breaks nothing or the type is new, with 1 when it breaks something or can't be compared.
    """
    with plain_errors(), opened(file) as source:
        try:
            found = compare(source.read())
        except NotComparable as error:
            fail(f"{file}: {error}")
    if as_json:
        said = {"type": found.type, "published": found.published, "status": found.status, "breaks": found.breaks}
        say(orjson.dumps(said | {"beside": found.beside, "near": found.near}).decode())
    else:
        for line in _told(found):
            say(line)
    if found.breaks:
        raise typer.Exit(1)


def _told(found: Comparison) -> list[str]:
    match found.status:
        case "compatible":
            return [f"Compatible: it may replace {found.type} as published."]
        case "breaks":
            return [*map(str, found.breaks), f"{found.type} can't change so: that takes a new major version beside it."]
        case "new" if found.beside:
            return [f"New: {found.type} would stand beside {', '.join(found.beside)}; nothing breaks."]
        case "new":
            like = f" Was {' or '.join(found.near)} meant?" if found.near else ""
            return [f"New: no event of that name is published, nothing breaks.{like}"]
