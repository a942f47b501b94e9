"""Every text a page or a sentence in the code marks for translation is there in Swedish, with the same placeholders."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

ROOT = Path(__file__).parents[3]
CHASSIS = ROOT / "services/chassis/web"
PARTS = sorted(f.parent for f in (ROOT / "services").glob("*/__init__.py") if f.parent.name != "chassis")
FOLDERS = [CHASSIS, *PARTS, ROOT / "hem"]
KEYWORDS: dict[str, None] = dict.fromkeys(("_", "gettext", "ngettext", "N_"))
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")


def catalogues() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted(folder.glob("locales/*/messages.po"))


def used_in(folder: Path) -> Iterator[tuple[str, ...]]:
    """The message ids used in a folder's templates and code; two, singular and plural, where it counts."""
    for template in sorted(f for f in folder.glob("templates/**/*") if f.is_file()):
        with template.open("rb") as source:
            for _, _, message, _ in babel_extract(source, list(KEYWORDS), [], {"trimmed": "true", "silent": "false"}):
                yield _parts(message)
    for module in sorted(folder.rglob("*.py")):
        with module.open("rb") as source:
            for _, _, found, _ in extract_python(source, KEYWORDS, [], {}):
                yield _parts(found)


def _parts(message: object) -> tuple[str, ...]:
    return tuple(m for m in (message if isinstance(message, (tuple, list)) else (message,)) if isinstance(m, str))


def read(file: Path) -> Catalog:
    with file.open("rb") as source:
        return read_po(source, locale=file.parent.name, abort_invalid=True)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: str(f.relative_to(ROOT)))
def test_every_text_has_its_swedish(folder: Path) -> None:
    own = folder / "locales/sv/messages.po"
    known = [read(CHASSIS / "locales/sv/messages.po"), *([read(own)] if own.exists() else [])]
    missing = {
        parts
        for parts in used_in(folder)
        if parts and not any((m := c.get(parts[0])) and m.string and not m.fuzzy and all(m.string) for c in known)
    }
    assert not missing


def test_the_test_sees_texts_in_templates_and_code() -> None:
    used = {parts[0] for parts in used_in(CHASSIS) if parts}
    assert {"Skip to the content", "Met", "Goals", "Sign in to go on"} <= used


@pytest.mark.parametrize("file", list(catalogues()), ids=lambda f: str(f.relative_to(ROOT)))
def test_translations_keep_their_placeholders(file: Path) -> None:
    for message in read(file):
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
        strings = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        wanted = {frozenset(PLACEHOLDER.findall(text)) for text in ids}
        for text in filter(None, strings):
            assert frozenset(PLACEHOLDER.findall(text)) in wanted, text


def test_the_chassis_keeps_no_text_that_is_not_used() -> None:
    used = {parts[0] for parts in used_in(CHASSIS) if parts}
    assert {_parts(m.id)[0] for m in read(CHASSIS / "locales/sv/messages.po") if m.id} <= used
