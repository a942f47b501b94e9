"""A service in services/ is in every other place that has to name it, and docker-compose.yml asks for what there is."""

import importlib
import re
from typing import Any

import pytest
import yaml

from hem.routing import SERVICES, service_of
from scripts.make_secrets import MAKERS
from services.chassis.settings import ServiceSettings, variable
from tests.architecture.repository import ROOT, project, services

COMPOSE = ROOT / "docker-compose.yml"
TAG = f"${{HEM_VERSION:-{project()['project']['version']}}}"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """docker-compose.yml with its anchors followed and its variables as they stand."""
    read: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return read


def test_the_routing_table_and_the_one_machine_stack_know_every_service() -> None:
    assert sorted(SERVICES) == services()
    assert [service_of(f"/ops/{name}/parked") for name in services()] == services()


def test_the_one_machine_stack_installs_what_every_service_needs() -> None:
    [local] = project()["project"]["optional-dependencies"]["local"]
    assert local == f"hem[{','.join(services())},stack]"


@pytest.mark.parametrize("name", services())
def test_a_service_runs_in_containers_after_its_migrations(compose: dict[str, Any], name: str) -> None:
    runs, migrates = compose["services"][name], compose["services"][f"{name}-migrate"]
    assert migrates["command"] == ["migrate"]
    assert runs["depends_on"][f"{name}-migrate"] == {"condition": "service_completed_successfully"}
    assert runs["image"] == migrates["image"] == f"hem-{name}:{TAG}"
    assert runs["build"]["args"]["SERVICE"] == name
    assert runs["environment"] == migrates["environment"]
    assert runs["secrets"] == migrates["secrets"]


@pytest.mark.parametrize("name", services())
def test_a_service_in_a_container_gets_settings_that_there_are_and_all_that_are_needed(
    compose: dict[str, Any], name: str
) -> None:
    kind: type[ServiceSettings] = importlib.import_module(f"services.{name}.app").service.settings
    given = {key.removesuffix("_FILE") for key in compose["services"][name]["environment"]}
    fields = {variable(kind, field): info for field, info in kind.model_fields.items()}
    assert given <= set(fields)
    assert {key for key, info in fields.items() if info.is_required()} <= given


@pytest.mark.parametrize("name", services())
def test_the_jobs_and_the_overview_name_a_service(compose: dict[str, Any], name: str) -> None:
    databases, overview = compose["services"]["databases"], compose["services"]["overview"]
    secret = f"/run/secrets/{name}-database"
    assert databases["environment"][f"HEM_{name.upper()}_DATABASE_PASSWORD_FILE"] == secret
    assert f"{name}={name}:8000" in overview["environment"]["HEM_TARGETS"].split(",")


def test_every_container_has_the_secrets_that_it_reads_and_no_others(compose: dict[str, Any]) -> None:
    for name, container in compose["services"].items():
        values = [str(value) for value in container.get("environment", {}).values()]
        read = {value.removeprefix("/run/secrets/") for value in values if value.startswith("/run/secrets/")}
        assert read == set(container.get("secrets", [])), name


def test_every_secret_is_made_by_make_secrets(compose: dict[str, Any]) -> None:
    assert set(compose["secrets"]) == set(MAKERS)


def test_the_example_of_env_holds_what_an_operator_can_set() -> None:
    """All but HEM_VERSION, which is the release's own. A line with its # taken away is a setting and nothing else."""
    lines = re.findall(r"^# (HEM_.*)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    settings = [re.fullmatch(r"(\w+)=(\S*)( +# .+)?", line) for line in lines]
    assert all(settings), lines
    read = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text(encoding="utf-8")))
    assert {one[1] for one in settings if one} == read - {"HEM_VERSION"}


def test_an_image_is_built_by_one_service(compose: dict[str, Any]) -> None:
    """Newer versions of Compose build all at once, and the second to name an image finds the first in its way."""
    ours = [one for one in compose["services"].values() if one["image"].startswith("hem-")]
    builders = [one["image"] for one in ours if "build" in one]
    assert sorted(builders) == sorted({one["image"] for one in ours})


def test_the_images_are_tagged_with_the_version(compose: dict[str, Any]) -> None:
    tags = {one["image"].partition(":")[2] for one in compose["services"].values() if one["image"].startswith("hem-")}
    assert tags == {TAG}
