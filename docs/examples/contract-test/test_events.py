"""The events that we send, held against the schemas that Hem publishes now: for our own CI, before Hem refuses one.

HEM_URL is Hem's address; no key is needed. Needs pytest and jsonschema. Let `events/` be filled by your own code, or
call it here: what is tested must be what is sent.
"""

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from jsonschema import Draft202012Validator

HEM = os.environ["HEM_URL"].rstrip("/")
EVENTS = sorted((Path(__file__).parent / "events").glob("*.json"))


@cache
def schema(event_type: str) -> Any:
    """The JSON Schema of the type's data; 404 when there is no such type."""
    with urlopen(f"{HEM}/schemas/{event_type}?format=json", timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def test_there_is_something_to_test() -> None:
    assert EVENTS


@pytest.mark.parametrize("file", EVENTS, ids=lambda file: file.stem)
def test_the_data_fits_its_schema(file: Path) -> None:
    event = json.loads(file.read_text())
    rules = Draft202012Validator(schema(event["type"]), format_checker=Draft202012Validator.FORMAT_CHECKER)
    wrong = [f"{error.json_path}: {error.message}" for error in rules.iter_errors(event["data"])]
    assert not wrong


@pytest.mark.parametrize("file", EVENTS, ids=lambda file: file.stem)
def test_nothing_is_sent_that_is_being_taken_away(file: Path) -> None:
    found = schema(json.loads(file.read_text())["type"])
    assert not found.get("deprecated"), f"send its successor: {HEM}/schemas/{found['x-type']} tells which"


@pytest.mark.skipif(not shutil.which("hem"), reason="hem is not installed here")
@pytest.mark.parametrize("file", EVENTS, ids=lambda file: file.stem)
def test_the_whole_event_would_be_let_in(file: Path) -> None:
    """More than the data: attributes, subject, and what no JSON Schema can say."""
    done = subprocess.run(["hem", "validate", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
