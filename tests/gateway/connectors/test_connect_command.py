"""hem connect, against a running gateway: a file larger than other bodies goes in whole."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import uvicorn
from typer.testing import CliRunner

from hem.cli import app
from services.chassis.testkit import OPERATOR_TOKEN
from services.chassis.web.limits import MAX_BODY
from tests.gateway.connectors.estate import Estate, as_csv, lease
from tests.hem.serving import served

Hem = Callable[..., Awaitable[str]]


@pytest.fixture
async def hem(estate: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hem]:
    """`await hem("list")`: what `hem connect list` prints, given that it ends with `code`."""
    config = uvicorn.Config(estate.gateway.app, port=0, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    async with served(server):
        port = server.servers[0].sockets[0].getsockname()[1]
        monkeypatch.setenv("HEM_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("HEM_OPERATOR_TOKEN", OPERATOR_TOKEN)
        monkeypatch.setenv("HEM_HOME", str(tmp_path))
        monkeypatch.setenv("COLUMNS", "200")

        async def run(*said: str, code: int = 0) -> str:
            done = await asyncio.to_thread(CliRunner().invoke, app, ["connect", *said])
            assert done.exit_code == code, done.output
            return done.output

        yield run


async def test_a_file_is_looked_at_run_held_and_confirmed(estate: Estate, hem: Hem, tmp_path: Path) -> None:
    (estate.folder / "wrong.yaml").write_text("kind: lease", encoding="utf-8")
    listed = await hem("list")
    assert "WRONG: kind: one of leases" in listed
    assert "not run yet" in listed
    file = tmp_path / "kontrakt.csv"
    file.write_bytes(as_csv([lease(n) for n in range(10)]))
    shown = await hem("run", "leases", "--file", str(file), "--dry-run")
    assert "10 TenantMovedIn would be published" in shown
    assert "10 TenantMovedIn published" in await hem("run", "leases", "--file", str(file))
    file.write_bytes(as_csv([lease(n) for n in range(4)]))
    assert "6 of 10 leases are gone" in await hem("run", "leases", "--file", str(file), code=1)
    assert "6 TenantMovedOut published" in await hem("confirm", "leases")
    assert "Nothing waits" in await hem("confirm", "leases", code=1)
    assert "send it a file" in await hem("run", "leases", code=1)
    assert "no such connector" in await hem("run", "another", code=1)
    assert '"state": "done"' in await hem("show", "leases")


async def test_a_large_file_goes_in_and_one_that_is_too_large_is_refused(hem: Hem, tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    file.write_bytes(as_csv([lease(1)]) + (b" " * 999 + b"\n") * (MAX_BODY // 1000 + 1))
    assert "1 TenantMovedIn published" in await hem("run", "leases", "--file", str(file))
    file.write_bytes(bytes(34 * 2**20))
    assert "larger than can be sent" in await hem("run", "leases", "--file", str(file), code=1)
