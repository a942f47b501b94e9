"""Files with tables, as tests read them."""

import io
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


PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=8)
