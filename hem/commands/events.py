"""hem publish: events in."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from hem.commands.common import console, errors, opened, plain_errors
from hem.door import Door
from hem.environment import given
from hem.home import Home
from hem.publish import KeyRing, publish, read_lines

SHOWN_FAULTS = 50


def publish_file(
    file: Annotated[
        Path, typer.Argument(help="NDJSON: one CloudEvent in JSON form on each line; - reads standard input.")
    ],
    history: Annotated[
        bool, typer.Option("--history", help="Loaded from the past: counts in figures, sends no message.")
    ] = False,
    key: Annotated[
        str | None,
        typer.Option(help="The publisher's key, default HEM_KEY or the file HEM_KEY_FILE; without any, one is made."),
    ] = None,
    publisher: Annotated[str, typer.Option(help="Whose key to make, without --key.")] = "command-line",
) -> None:
    """Publish the events of a file through the gateway. Publishing a file twice changes nothing."""
    counts = {"accepted": 0, "duplicate": 0, "refused": 0}
    faults = 0
    with plain_errors(), Door(Home.here()) as door, opened(file) as source, _progress() as progress:
        total = None if str(file) == "-" else file.stat().st_size
        bar = progress.add_task(str(file), total=total)

        def counted(lines: Any) -> Any:
            for line in lines:
                progress.advance(bar, line.size)
                yield line

        for results in publish(
            KeyRing(door, publisher, key or given("HEM_KEY")), counted(read_lines(source, history=history))
        ):
            for result in results:
                counts[result.status] += 1
                if result.words:
                    faults += 1
                    if faults <= SHOWN_FAULTS:
                        errors.print(
                            f"line {result.number}: {result.words}", markup=False, highlight=False, soft_wrap=True
                        )
    if faults > SHOWN_FAULTS:
        errors.print(f"and {faults - SHOWN_FAULTS} more lines with faults or warnings")
    console.print(
        f"{counts['accepted']} accepted, {counts['duplicate']} known before, {counts['refused']} refused",
        highlight=False,
    )
    if counts["refused"]:
        raise typer.Exit(1)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
    )
