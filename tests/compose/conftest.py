"""One running compose project for most of the tests, on hold at first; gone at the end whatever happens."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest

from tests.compose.driver import BUILD_WITHIN, MAKE_SECRETS, SOURCES, Compose

PROJECT = pytest.StashKey[Compose]()


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A container engine with Compose, or the test is skipped. The images that the tests built are removed."""
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        if (
            not shutil.which("docker")
            or subprocess.run(command, capture_output=True, timeout=30, check=False).returncode
        ):
            pytest.skip("no container engine answers here: scripts/containers.sh")
    yield
    asyncio.run(Compose("images", tmp_path_factory.mktemp("images")).remove_images())


@pytest.fixture(scope="session")
def project(engine: None, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Compose]:
    """Everything running, made as an operator makes it, with MailDev as the mail server; sending is on hold."""
    project = Compose("test", tmp_path_factory.mktemp("compose"))
    pytestconfig.stash[PROJECT] = project
    project.env["COMPOSE_PROFILES"] = "dev"
    try:
        with asyncio.Runner() as runner:
            runner.run(project.run(*MAKE_SECRETS))
            runner.run(project.compose("build", within=BUILD_WITHIN))
            runner.run(project.up("--build"))
            runner.run(project.make_key(*SOURCES))
        yield project
    finally:
        asyncio.run(project.remove())


@pytest.fixture
async def hem(project: Compose) -> AsyncIterator[Compose]:
    """The running project, with a client that belongs to this test's event loop."""
    async with project.open_client():
        yield project


@pytest.fixture
async def holding(hem: Compose) -> Compose:
    """The same, with sending on hold."""
    if hem.env.get("HEM_NOTIFICATIONS_MODE", "hold") != "hold":
        await hem.up(HEM_NOTIFICATIONS_MODE="hold")
    return hem


@pytest.fixture
async def sending(hem: Compose) -> Compose:
    """The same, with sending switched on."""
    if hem.env.get("HEM_NOTIFICATIONS_MODE") != "send":
        await hem.up(HEM_NOTIFICATIONS_MODE="send", HEM_NOTIFICATIONS_SMTP_FROM="welcome@example.org")
    return hem


@pytest.fixture
async def other(engine: None, tmp_path: Path) -> AsyncIterator[Compose]:
    """A second project beside it that nothing has been started of; its secrets are made."""
    project = Compose("other", tmp_path)
    await project.run(*MAKE_SECRETS)
    try:
        yield project
    finally:
        await project.client.aclose()
        await project.remove()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With a failed test goes what the containers said."""
    report = yield
    if report.failed and (project := item.config.stash.get(PROJECT, None)):
        report.sections.append(("docker compose", asyncio.run(project.said())))
    return report
