"""The SQL of the web shell."""

from datetime import datetime, timedelta
from typing import Protocol

KEPT = timedelta(days=1)

USE_SIGN_IN = """
    insert into used_sign_in (nonce, used_at) values ($1, $2)
    on conflict (nonce) do nothing
    returning nonce
"""
FORGET_SIGN_INS = """
    delete from used_sign_in where used_at < $1
"""


class Transaction(Protocol):
    """The part of the chassis' transaction used here."""

    def now(self) -> datetime: ...
    async def fetchval(self, sql: str, /, *args: object) -> object: ...
    async def execute(self, sql: str, /, *args: object) -> object: ...


async def use_sign_in(tx: Transaction, nonce: str) -> bool:
    """Marks a sign-in code as used; False when it already was. Codes too old to be accepted are forgotten."""
    await tx.execute(FORGET_SIGN_INS, tx.now() - KEPT)
    return await tx.fetchval(USE_SIGN_IN, nonce, tx.now()) is not None
