"""The file of a run: what an operator sent, a file on this machine, or what an address answers. Always a copy on disk,
which nobody changes while it is read."""

import asyncio
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit

import httpx2

from services.chassis.context import Context
from services.gateway.connectors.configured import Connector
from services.gateway.connectors.rows import TableOptions
from services.gateway.connectors.shape import Unreadable
from services.gateway.domain.connectors import Run
from services.gateway.repository import connectors as repository
from services.gateway.service.connectors import place_of

MAX_FILE = 32 * 1024 * 1024
"""Of what is sent or fetched. A file that the gateway finds on its machine may be larger."""
MAX_COPIED = TableOptions().max_bytes
PIECE = 1024 * 1024
TIMEOUT = httpx2.Timeout(60.0, connect=10.0)
FETCHED_WITHIN = 600.0
"""Seconds. A run that is read for longer would keep others from running."""
AGAIN = "Look if it is up, and run it again; by schedule it is tried again after a while."


@asynccontextmanager
async def opened(ctx: Context, connector: Connector, run: Run) -> AsyncIterator[tuple[BinaryIO, str]]:
    """The file, seekable and at its beginning, and its name. Raises `Unreadable`."""
    if run.filename is not None:
        with tempfile.TemporaryFile() as file:
            await _unsealed(ctx, connector, run, file)
            yield file, run.filename
    elif connector.read is None:
        raise Unreadable("The connector has nothing to read by itself.", "Send it a file.")
    elif urlsplit(connector.read).scheme in ("http", "https"):
        with tempfile.TemporaryFile() as file:
            await _fetched(connector.read, file)
            yield file, PurePosixPath(urlsplit(connector.read).path).name
    else:
        with tempfile.TemporaryFile() as file:
            await asyncio.to_thread(_copy, Path(connector.read), file)
            yield file, Path(connector.read).name


async def _unsealed(ctx: Context, connector: Connector, run: Run, file: BinaryIO) -> None:
    async with ctx.db.transaction() as tx:
        async for sealed in repository.pieces(tx, run.id):
            file.write(tx.unseal_private(place_of(connector.name), sealed))
    file.seek(0)


async def _fetched(address: str, file: BinaryIO) -> None:
    """Follows no redirection: what is read is what the operator wrote."""
    try:
        async with (
            asyncio.timeout(FETCHED_WITHIN),
            httpx2.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as client,
            client.stream("GET", address) as answer,
        ):
            if answer.status_code != httpx2.codes.OK:
                raise Unreadable(
                    f"The address answered with status {answer.status_code}, and not with a file.",
                    "Open it as the connector does, without being signed in, and look at what it says.",
                )
            size = 0
            async for piece in answer.aiter_bytes(PIECE):
                size += len(piece)
                if size > MAX_FILE:
                    raise Unreadable(
                        "The answer is larger than 32 MiB.",
                        "Have it answer with less, or put the file where the gateway can read it.",
                    )
                file.write(piece)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise Unreadable(f"The address could not be read ({type(error).__name__}).", AGAIN) from error
    file.seek(0)


def _copy(path: Path, file: BinaryIO) -> None:
    """Of a file that is being written, half would be read, and other rows the second time."""
    try:
        before = path.stat()
        if not stat.S_ISREG(before.st_mode):
            raise Unreadable(f"{path} is not a file.", "Name the export itself.")
        if before.st_size > MAX_COPIED:
            raise Unreadable(f"{path} is larger than {MAX_COPIED // 2**20} MB.", "Export it in several files.")
        with path.open("rb") as found:
            shutil.copyfileobj(found, file, PIECE)
            after = os.fstat(found.fileno())
    except OSError as error:
        raise Unreadable(
            f"{path} can't be read here: {error.strerror}.", "Look if it is there and if the gateway may read it."
        ) from error
    if (after.st_ino, after.st_size, after.st_mtime_ns) != (before.st_ino, before.st_size, before.st_mtime_ns):
        raise Unreadable(f"{path} changed while it was read.", "Put it there by renaming it when it is whole.")
    file.seek(0)
