"""Reading JSON so that what is wrong with it can be told."""

import json
from collections import deque
from typing import Final

import orjson

from .errors import Malformed

NOT_JSON: Final = "JSON in UTF-8, not nested deeper than 100"


def parse_json(body: bytes, field: str | None = None) -> object:
    """The JSON value in `body`, which is that of `field`. Raises Malformed: empty_body or not_json.

    Text that only a lenient parser takes (a lone surrogate, a raw NUL) is let through here, so that `unstorable` can
    name the field it stands in.
    """
    if not body.strip():
        raise Malformed.because("empty_body", "JSON", "nothing", field)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        value: object = json.loads(body.decode("utf-8"), strict=False, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        pass
    else:
        if unstorable(value, "") is not None:
            return value
    raise Malformed.because("not_json", NOT_JSON, f"{len(body)} bytes that are not", field)


def dump_json(value: object) -> bytes:
    """JSON of a value that was parsed; raises Malformed when it nests too deep."""
    try:
        return orjson.dumps(value)
    except TypeError:
        raise Malformed.because("not_json", NOT_JSON, "deeper nesting", "data") from None


def unstorable(value: object, under: str) -> str | None:
    """The path of the first text, or name of a field, with a NUL character or a lone surrogate; None when there is none."""
    queue = deque([(value, under)])  # JSON may nest deeper than Python recurses
    while queue:
        item, at = queue.popleft()
        if isinstance(item, str):
            if _bad(item):
                return at
        elif isinstance(item, dict):
            for name, inner in item.items():
                here = f"{at}.{ascii(name)[1:-1][:64]}".removeprefix(".")
                if _bad(name):
                    return here
                queue.append((inner, here))
        elif isinstance(item, list):
            queue.extend((inner, f"{at}[{index}]") for index, inner in enumerate(item))
    return None


def _bad(text: str) -> bool:
    if "\0" in text:
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _no_constant(name: str) -> object:
    raise ValueError(name)
