"""The data folder: whose it is, and the ports that are kept in it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hem import home as homes
from hem.home import Home, door_port
from hem.stack.errors import StackError
from hem.stack.folder import FolderLock, free_ports

PARTS = ("postgres", "kafka", "kafka-controller", "gateway")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    return made


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_folder_is_closed_to_others_also_when_it_was_open(home: Home) -> None:
    assert mode(home.root) == 0o700
    FolderLock(home.root, "Hem").close()
    home.root.chmod(0o755)
    home.make()
    assert mode(home.root) == 0o700


def test_folder_that_holds_what_is_not_ours_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "theirs").touch()
    tmp_path.chmod(0o755)
    Home(tmp_path).make()
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize("entry", ["hem.cli", "hem.stack.__main__", "hem.catcher", "hem.front"])
def test_what_a_program_of_ours_writes_is_our_own(entry: str) -> None:
    script = (
        f"import os, sys; os.umask(0o022); from {entry} import main\n"
        "sys.argv = ['hem', '--version']; os.environ.clear()\n"
        "try:\n    main()\nexcept BaseException:\n    pass\n"
        "print(f'{os.umask(0):o}')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.splitlines()[-1] == "77"


def test_ports_are_kept_and_never_given_twice(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = home.ports(PARTS)
    assert home.ports(PARTS) == kept
    assert len(set(kept.values())) == len(PARTS)

    # Chance would give the same port to everybody.
    first, second, third, fourth = free_ports(4)
    throws: Iterator[int] = iter([first, first, second, first, second, third, third, fourth] * 3)
    monkeypatch.setattr("hem.stack.folder.random.randint", lambda *_: next(throws))
    (home.root / "ports.json").unlink()
    ports = home.ports(PARTS, given={"kafka": first})
    assert ports["kafka"] == first
    assert len(set(ports.values())) == len(PARTS)


@pytest.mark.parametrize(
    "kept",
    ["[]", "7", '{"kafka": "x"}', '{"kafka": 99999}', '{"kafka": true}', "{", '{"kafka": 21999, "postgres": 21999}'],
)
def test_ports_file_that_makes_no_sense_is_made_anew(home: Home, kept: str) -> None:
    (home.root / "ports.json").write_text(kept)
    ports = home.ports(PARTS)
    assert len(set(ports.values())) == len(PARTS)
    assert json.loads((home.root / "ports.json").read_text()) == ports


@pytest.mark.parametrize("text", ["abc", "99999", "0", "-1", "80.5", "²"])
def test_door_port_that_is_none_is_said(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEM_PORT", text)
    with pytest.raises(StackError, match="a port is a number from 1 to 65535"):
        door_port()
    monkeypatch.setenv("HEM_PORT", "")
    assert door_port() == homes.DEFAULT_PORT
    assert os.environ["HEM_PORT"] == ""
