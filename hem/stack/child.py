"""One operating-system process that never outlives us."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hem.stack.errors import StackError

STOP_WITHIN = 8.0
KEEP_LOG_BYTES = 5 * 2**20
PR_SET_PDEATHSIG = 1


class Child:
    """A command run as our direct child in a session of its own, its output in a log file.

    On Linux the kernel signals it when we die, however we die. Start it from the main thread: the
    kernel watches the thread that forked, not the process.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        inherit: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.env = dict(os.environ if env is None else env)
        self.log = log
        self.stop_signal = stop_signal
        self.inherit = tuple(inherit)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs, else None."""
        return self._process.pid if self.running and self._process is not None else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        output = None
        if self.log is not None:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            if self.log.exists() and self.log.stat().st_size > KEEP_LOG_BYTES:
                self.log.replace(self.log.with_suffix(".old.log"))
            output = self.log.open("ab")
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self.argv,
                env=self.env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(self.stop_signal),
                pass_fds=self.inherit,
            )
        except OSError as error:
            raise StackError(f"{self.name} can't be started: {error}.") from error
        finally:
            if output is not None:
                output.close()

    async def wait(self) -> int:
        """The exit code (negative: the signal that ended it), once it has ended."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return await self._process.wait()

    async def stop(self, within: float = STOP_WITHIN) -> None:
        """Ask it to end, and end its whole group by force after `within` seconds. Harmless when it has ended already."""
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(self.stop_signal)
        try:
            await asyncio.wait_for(self._process.wait(), within)
        except TimeoutError:
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        """SIGKILL to the process and all it started."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def last_words(self, lines: int = 8) -> str:
        """The end of its log, for a message about why it ended."""
        if self.log is None or not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 8192))
            tail = log.read().decode("utf-8", "replace").strip().splitlines()
        return "\n".join(tail[-lines:])


async def until_listening(child: Child, port: int, *, within: float) -> None:
    """Return once 127.0.0.1:`port` accepts connections; StackError when the child ends before or `within` seconds pass."""
    deadline = time.monotonic() + within
    while True:
        if not child.running:
            raise StackError(f"{child.name} ended while starting.\n{child.last_words()}".rstrip())
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > deadline:
                raise StackError(
                    f"{child.name} did not listen on port {port} within {within:.0f} s.\n{child.last_words()}".rstrip()
                ) from None
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """What the forked child runs before exec so that the kernel sends it `death_signal` when its parent is gone; Linux only."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def arm() -> None:
        prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent was gone before the kernel was told
            os._exit(1)

    return arm
