"""What the environment gives the command line: a variable, or the file that its name with _FILE after it names."""

import os
from pathlib import Path

from hem.stack.errors import StackError


def given(variable: str) -> str | None:
    """The value, None when there is none. An empty one is none. StackError when it is given twice, or its file can't be read."""
    value, file = os.environ.get(variable), os.environ.get(f"{variable}_FILE")
    if not file:
        return value or None
    if value:
        raise StackError(f"{variable} and {variable}_FILE are both set: take one of them away.")
    try:
        return Path(file).read_text(encoding="utf-8").rstrip("\r\n") or None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise StackError(f"{variable}_FILE names {file}, which can't be read: {why}.") from error
