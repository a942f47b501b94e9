"""A door to a server that a test can open late, and that loses answers when told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Proxy:
    """Passes bytes between a client and a server on this machine; can swallow an answer and then cut the line."""

    def __init__(self, port: int, server: int) -> None:
        self.port = port
        self._server = server
        self.swallow = 0
        self.swallowed = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        async with server:
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._server)
        cut = asyncio.Event()
        await asyncio.wait(
            [
                asyncio.ensure_future(self._pump(reader, up_writer, cut, answers=False)),
                asyncio.ensure_future(self._pump(up_reader, writer, cut, answers=True)),
                asyncio.ensure_future(cut.wait()),
            ],
            return_when=asyncio.FIRST_COMPLETED,
        )
        for end in (writer, up_writer):
            end.close()

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, cut: asyncio.Event, *, answers: bool
    ) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                if answers and self.swallow:
                    self.swallow -= 1
                    self.swallowed += 1
                    cut.set()
                    return
                target.write(data)
                await target.drain()
