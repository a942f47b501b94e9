"""Files with tables, as tests read them."""

import io
import random
from typing import Any

import pytest
from hypothesis import strategies as st

from services.gateway.connectors.rows import Row, Table, TableOptions
from services.gateway.connectors.shape import Unreadable
from services.gateway.connectors.tables import open_table

SECRET = "Amina Testsson"  # made up; must not turn up in any message


def table(content: bytes | str, name: str = "file.csv", **options: Any) -> Table:
    body = content.encode() if isinstance(content, str) else content
    return open_table(io.BytesIO(body), name, TableOptions(**options))


def rows(content: bytes | str, name: str = "file.csv", **options: Any) -> list[Row]:
    return list(table(content, name, **options))


def refused(content: bytes | str, name: str = "file.csv", **options: Any) -> str:
    with pytest.raises(Unreadable) as caught:
        rows(content, name, **options)
    assert caught.value.why.endswith(".")
    assert caught.value.mend.endswith(".")
    assert SECRET not in str(caught.value)
    return caught.value.why


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The same with some bytes changed, gone or doubled."""
    found = bytearray(content)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(found))
        match chance.randrange(3):
            case 0:
                found[at] = chance.randrange(256)
            case 1:
                del found[at : at + chance.randrange(1, 20)]
            case _:
                found[at:at] = found[chance.randrange(len(found)) :][: chance.randrange(30)]
    return bytes(found)


PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=8)
