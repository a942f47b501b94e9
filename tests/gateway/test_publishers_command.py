"""hem publishers and hem keys, against a running gateway."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from typer.testing import CliRunner

from hem.cli import app
from services.chassis.testkit import OPERATOR_TOKEN, Running, eventually

Json = dict[str, Any]
Make = Callable[..., Json]
Post = Callable[..., Awaitable[httpx2.Response]]
Hem = Callable[..., Awaitable[str]]


@pytest.fixture
async def hem(gateway: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hem]:
    """`await hem("publishers", "list")`: what the command prints, given that it ends with `code`."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(gateway.app, lifespan="off", log_level="error"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))

    async def started() -> bool:
        return server.started

    await eventually("the gateway to listen", started)
    monkeypatch.setenv("HEM_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
    monkeypatch.setenv("HEM_OPERATOR_TOKEN", OPERATOR_TOKEN)
    monkeypatch.setenv("HEM_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")

    async def run(*said: str, code: int = 0) -> str:
        done = await asyncio.to_thread(CliRunner().invoke, app, list(said))
        assert done.exit_code == code, done.output
        return done.output

    yield run
    server.should_exit = True
    await serving
    listening.close()


async def test_a_publisher_from_its_registration_to_its_end(hem: Hem, post: Post, move_in: Make) -> None:
    about = ("--owner", "Förvaltningen, påhittad", "--contact", "verksamhetssystem@example.se")
    made = await hem("publishers", "add", "tenancies", *about, "--source", "urn:test:t", "--every", "1d", "--rate", "5")
    for said in ("tenancies: not heard yet", "P1D", "at most 5 events a minute", "source urn:test:t: not heard yet"):
        assert said in made
    assert "409" in await hem("publishers", "add", "tenancies", *about, code=1)
    assert "422" in await hem("keys", "create", "nobody-yet", code=1)
    await hem("keys", "create", code=2)

    first = json.loads(await hem("keys", "create", "tenancies", "--json"))["key"]
    trial = (await hem("keys", "create", "tenancies", "--test")).splitlines()[-1]
    assert trial.startswith("hem_test_tenancies_")
    second = (await hem("keys", "rotate", "tenancies", "--overlap", "12h")).splitlines()[-1]
    batch = [move_in("t-1", source="urn:test:t"), move_in("t-2", source="urn:test:t", data={"area_id": 7})]
    for key in (first, second):
        assert (await post(batch, key=key)).status_code == 207
    assert "live" in await hem("keys", "list")

    shown = await hem("publishers", "show", "tenancies")
    for said in (
        "tenancies: heard from",
        "1 accepted, 1 known before",
        "2 refused: invalid",
        "data.area_id: expected text",
    ):
        assert said in shown
    changed = json.loads(await hem("publishers", "change", "tenancies", "--every", "0", "--kafka", "--json"))
    assert (changed["expected_interval"], changed["kafka"], changed["rate_limit"]) == (None, True, 5)
    assert "no interval agreed" in await hem("publishers", "list")
    await hem("publishers", "change", "tenancies", "--every", "tomorrow", code=2)
    await hem("publishers", "retire", "tenancies")
    assert (await post(batch, key=second)).status_code == 401
    assert "retired" in await hem("publishers", "list")


async def test_keys_are_made_as_before_the_register(hem: Hem, post: Post, move_in: Make) -> None:
    order = ("--publisher", "old", "--allow", "all", "--source", "urn:test:old", "--json")
    key = json.loads(await hem("keys", "create", *order))["key"]
    assert (await post(move_in(source="urn:test:old"), key=key)).status_code == 202
    listed = {one["publisher"]: one for one in json.loads(await hem("publishers", "list", "--json"))}
    assert (listed["old"]["owner"], listed["old"]["standing"]) == (None, "not_awaited")
    assert "1 key of old revoked." in await hem("keys", "revoke", "old")
