"""The locks agree with each other, with pyproject.toml and with the Makefile, and name no address."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.repository import ROOT, project, services

LOCKS = ROOT / "locks"
EXTRAS = ["cli", "dev", "local", *services()]


def pins(lock: str) -> list[Requirement]:
    text = re.sub(r"\\\n\s*", " ", (LOCKS / f"{lock}.txt").read_text())
    return [Requirement(line.split(" --hash")[0]) for line in text.splitlines() if line and not line.startswith("#")]


def declared(extra: str | None) -> list[Requirement]:
    """What pyproject.toml asks for, with `hem[…]` followed."""
    table = project()["project"]
    direct = table["dependencies"] if extra is None else table["optional-dependencies"][extra]
    found: list[Requirement] = []
    for requirement in map(Requirement, direct):
        if requirement.name == "hem":
            found += [inner for name in sorted(requirement.extras) for inner in declared(name)]
        else:
            found.append(requirement)
    return found


def identity(pin: Requirement) -> tuple[str, str, str]:
    return canonicalize_name(pin.name), str(pin.specifier), str(pin.marker)


def test_every_service_has_an_extra_and_a_lock() -> None:
    assert {file.stem for file in LOCKS.glob("*.txt")} == {*EXTRAS, "uv"}
    assert set(services()) <= set(project()["project"]["optional-dependencies"])
    assert (found := re.search(r"^LOCKED_EXTRAS = (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {*found[1].split(), "dev"} == set(EXTRAS)


@pytest.mark.parametrize("lock", sorted(set(EXTRAS) - {"dev"}))
def test_a_lock_pins_what_the_tests_run_on(lock: str) -> None:
    assert {identity(pin) for pin in pins(lock)} <= {identity(pin) for pin in pins("dev")}


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_lock_holds_what_the_project_asks_for(extra: str) -> None:
    pinned: dict[str, list[str]] = {}
    for pin in pins(extra):
        pinned.setdefault(canonicalize_name(pin.name), []).append(next(iter(pin.specifier)).version)
    for asked in declared(None) + declared(extra):
        versions = pinned.get(canonicalize_name(asked.name), [])
        assert versions, f"{asked} isn't in locks/{extra}.txt: make lock"
        assert all(asked.specifier.contains(one, prereleases=True) for one in versions), f"{asked}: make lock"


@pytest.mark.parametrize("lock", sorted(LOCKS.glob("*.txt")), ids=lambda path: path.stem)
def test_a_lock_has_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--(extra-)?index-url|--find-links|--trusted-host)\b", text, re.MULTILINE)
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert entry.startswith("#") or "--hash=sha256:" in entry, entry.splitlines()[0]
