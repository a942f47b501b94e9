"""The files alone: valid, clean, and in the words that the oldest engine we name knows."""

import pytest
import yaml

from tests.architecture.repository import ROOT
from tests.compose.driver import Compose

COMPOSE_FILE = "docker-compose.yml"
NEWER_THAN_COMPOSE_2_26 = {"post_start", "pre_stop", "models", "provider", "use_api_socket", "gpus"}


async def test_the_compose_file_is_valid(other: Compose) -> None:
    assert await other.compose("config", "--quiet") == ""
    said = await other.run(".venv/bin/check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE_FILE)
    assert "ok" in said


async def test_the_dockerfile_is_clean(other: Compose) -> None:
    assert await other.run(".venv/bin/hadolint", "deploy/Dockerfile") == ""


def test_nothing_newer_than_compose_2_26_is_used() -> None:
    content = yaml.safe_load((ROOT / COMPOSE_FILE).read_text())
    for service in content["services"].values():
        assert not NEWER_THAN_COMPOSE_2_26 & service.keys()
        assert service.get("pull_policy") != "always"
        assert "@sha256" not in service["image"]
    assert not (ROOT / "deploy/Dockerfile").read_text().startswith("# syntax=")


@pytest.mark.parametrize("wrong", ["services: {a: {imagine: x}}", "service: {}"])
async def test_a_breach_of_the_schema_is_noticed(other: Compose, wrong: str) -> None:
    path = other.secrets.parent / "docker-compose.yml"
    path.write_text(wrong)
    said = await other.run(".venv/bin/check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(path), code=1)
    assert "Schema validation errors" in said
