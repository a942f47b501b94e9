"""What can go wrong while an event is handled, and what each kind leads to.

- `Unavailable`: a dependency is down. Wait with backoff; the event is not to blame.
- `Unfit`: this event can never be handled as it is. Park it with the reason; others go on.
- anything else raised by a handler: a defect. Park it too, with the type of the error as its reason.
"""

import errno
import socket
import ssl

import asyncpg
from aiokafka.errors import KafkaError


class Unfit(Exception):
    """An event that can't be handled: `reason` is a closed code, `detail` a sentence without personal data."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Erased(Unfit):
    """The person has been erased: nothing about them is stored again."""

    def __init__(self) -> None:
        super().__init__("erased", "the person this is about has been erased; nothing more is kept about them")


class Unavailable(Exception):
    """A dependency is down; `what` names it."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"{self.what} is unavailable"


class NotYet(Unavailable):
    """Something that may still come isn't there; `what` is a sentence that says so, and how to mend it."""

    def __str__(self) -> str:
        return self.what


class Never(Exception):
    """Something that no waiting mends; the sentence says what it is, and how to mend it."""


# Errors by which Postgres says "not now" rather than "never": a lost or refused connection, a restart, no room,
# a deadlock, or one of our own time limits.
POSTGRES_LATER: tuple[type[BaseException], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection broke in the middle of an answer
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
)
CONNECTION_LATER = (ConnectionError, TimeoutError, socket.gaierror, ssl.SSLEOFError)
# Of what the operating system says, what another try can mend. A missing file is a defect, though it is an OSError too.
NETWORK_LATER = frozenset({
    errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.ENOSPC, errno.EMFILE, errno.ENFILE,
    errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE, errno.ETIMEDOUT,
})  # fmt: skip


def is_temporary(error: BaseException) -> bool:
    """Whether trying the same again later can succeed."""
    if isinstance(error, ValueError):  # asyncpg reports a value that doesn't fit its column as an InterfaceError too
        return False
    if isinstance(error, BaseExceptionGroup):
        return all(is_temporary(one) for one in error.exceptions)
    if isinstance(error, (Unavailable, KafkaError, *CONNECTION_LATER, *POSTGRES_LATER)):
        return True
    # asyncio says "Multiple exceptions" where every address of a host refuses; that has no number.
    return type(error) is OSError and (error.errno is None or error.errno in NETWORK_LATER)


def describe(error: BaseException) -> str:
    """What happened, fit for logs and parked rows: the kind of error and where, never the values it may quote."""
    match error:
        case Unfit() | Unavailable() | Never():
            return str(error)
        case asyncpg.PostgresError():
            where = ".".join(part for part in (error.table_name, error.column_name, error.constraint_name) if part)
            return f"{type(error).__name__} ({error.sqlstate}) {where}".strip()
        case _:
            return type(error).__name__
