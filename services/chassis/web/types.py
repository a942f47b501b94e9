"""The types of what comes in by an address."""

from typing import Annotated

from fastapi import Path

# PostgreSQL's bigint from 1: a number beyond it is an invalid request, not a failed query.
RowId = Annotated[int, Path(ge=1, le=2**63 - 1)]
