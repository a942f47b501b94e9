"""hem validate, hem compat: what would be refused or would break, before it is sent or released. Neither asks a Hem."""

import asyncio
import logging
import re
from pathlib import Path
from typing import Annotated

import orjson
import typer

from hem import records
from hem.commands.common import fail, kafka_here, opened, plain_errors, say
from hem.contracts import Checked, Checker, Comparison, NotComparable, compare
from hem.stack.errors import StackError

A_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")


def validate(
    what: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|TOPIC",
            help="NDJSON: one CloudEvent in JSON form on each line; or one JSON object or list; - reads standard input. "
            "Or, where there is no such file, a Kafka topic, by its whole name.",
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each event.")] = False,
    kafka: Annotated[
        str | None,
        typer.Option(envvar="HEM_KAFKA_SERVERS", help="host:port,… of a topic; default: this home's Kafka, if any."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Records of a topic to read, from its beginning.")] = 10_000,
    within: Annotated[float, typer.Option(min=1, help="Seconds that reading a topic may take.")] = 60.0,
) -> None:
    """Tell what is wrong with the events of a file or a topic, as the gateway would: with no key, and nothing is sent.

    Ends with 0 when nothing is wrong, with 1 when something is or there is no event. Warnings are nothing wrong.
    """
    tally = Tally(as_json)
    with plain_errors():
        if str(what) == "-" or what.exists() or not A_TOPIC.fullmatch(str(what)):
            with opened(what) as source:
                for checked in Checker().check(source):
                    tally.tell(checked)
        else:
            servers = kafka or kafka_here()
            if servers is None:
                fail(f"There is no file {what}. If a topic is meant: where is its Kafka? --kafka host:port says it.")
            try:
                asyncio.run(_check_topic(servers, str(what), limit, within, tally))
            except StackError as error:
                fail(f"There is no file {what}. As a topic: {error}")
    tally.end(what)


class Tally:
    """Tells what was found of each event, and at the end how many were fine."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._fine = self._wrong = 0

    def tell(self, checked: Checked) -> None:
        if checked.ok:
            self._fine += 1
        else:
            self._wrong += 1
        if self._as_json:
            say(orjson.dumps(_shown(checked)).decode())
        elif checked.words:
            say(f"{checked.place}: {checked.words}")

    def end(self, what: Path) -> None:
        if not self._fine + self._wrong:
            fail(f"There is no event in {what}.")
        if not self._as_json:
            say(f"{self._fine} as they should be, {self._wrong} would be refused")
        if self._wrong:
            raise typer.Exit(1)


async def _check_topic(servers: str, topic: str, limit: int, within: float, tally: Tally) -> None:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it would tell of every try
    checker = Checker()
    async for record in records.read(servers, topic, limit=limit, within=within):
        tally.tell(checker.check_record(record))


def _shown(checked: Checked) -> dict[str, object]:
    place = {} if checked.partition is None else {"partition": checked.partition}
    return place | {
        "offset" if checked.unit == "record" else checked.unit: checked.number,
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
