"""Migrations: numbered once, forwards only, and never edited after they were written down."""

import re
from pathlib import Path

import pytest

from scripts.migrations import checksums, written_down
from tests.architecture.repository import ROOT

FILES = sorted(ROOT.glob("services/*/migrations/*"))


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_a_migration_is_named_and_goes_forwards_only(file: Path) -> None:
    assert re.fullmatch(r"\d{14}_[a-z0-9_]+\.sql", file.name)
    up, marker, down = file.read_text().partition("\n-- migrate:down")
    assert up.startswith("-- migrate:up")
    assert marker, "dbmate refuses a file without '-- migrate:down'"
    assert not down.strip(), "a mistake is put right by the next migration"


def test_numbers_are_unique() -> None:
    numbers = [file.name[:14] for file in FILES]
    assert len(set(numbers)) == len(numbers)


def test_no_migration_was_edited_after_it_was_written_down() -> None:
    assert checksums() == written_down(), "new files: make migrations; edited ones: put them back"
