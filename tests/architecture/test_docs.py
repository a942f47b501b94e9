"""What the documents point at exists: links, headings, files named in the text; and their pictures are of a known kind."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.architecture.repository import ROOT, tracked_files

PAGES = sorted(path for path in tracked_files() if path.suffix == ".md")
LINK = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```+)(\w*)\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
# A mention of one of our files or folders; what has a placeholder or a pattern in it names none.
OURS = re.compile(r"(services|schemas|hem|tests|docs|scripts|locks|benchmarks|\.ci)/[\w./-]*")
DIAGRAMS = ("flowchart", "sequenceDiagram", "stateDiagram-v2")
IN_FILE = re.compile(r"`([\w.]+)`[^`\n]{0,3} in `([\w/]+\.py)`|`([\w/]+\.py)` `([\w.]+)`")
# Files that the walked-through changes make.
MADE_BY_THE_READER = re.compile(
    r"schemas/allotments\.py|schemas/topics/(allotments\.events|inspections\.dlq)\.yaml|locks/inspections\.txt"
    r"|schemas/examples/se\.vatterhem\.AllotmentLet\.v1\.json|services/inspections/(migrations/)?"
    r"|services/reporting/goals/housing-introduction-held\.yaml"
)


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The fragments that a page's headings can be reached by."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> Iterator[str]:
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = unquote(target).partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (fragment and found.suffix == ".md" and fragment not in anchors(found)):
            yield target


def missing_files(page: Path) -> Iterator[str]:
    for mention in CODE.findall(prose(page)):
        path = mention.partition("::")[0]
        if OURS.fullmatch(path) and not (ROOT / path).exists() and not MADE_BY_THE_READER.fullmatch(path):
            yield mention


def missing_names(page: Path) -> Iterator[str]:
    """Functions, classes and the like that are neither made nor used in the file that is named beside them."""
    for before, behind, file, name in IN_FILE.findall(prose(page)):
        path, last = ROOT / (behind or file), (before or name).rpartition(".")[2]
        found = re.compile(rf"(def|class) {last}\b|^{last}\b.* = |\.{last}\(|\"{last}\"", re.MULTILINE)
        if path.exists() and not found.search(path.read_text(encoding="utf-8")):
            yield f"{last} in {path.relative_to(ROOT)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_points_at_exists(page: Path) -> None:
    assert not [*broken_links(page), *missing_files(page), *missing_names(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_tests_that_a_page_names_exist(page: Path) -> None:
    named = set(re.findall(r"\btest_\w+\b(?!\.py)", prose(page)))
    code = "".join(file.read_text(encoding="utf-8") for file in ROOT.glob("tests/**/*.py"))
    files = {file.stem for file in ROOT.glob("tests/**/*.py")}
    assert not {name for name in named if f"def {name}(" not in code and name not in files}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pictures_are_of_a_known_kind(page: Path) -> None:
    for _, kind, content in FENCE.findall(page.read_text(encoding="utf-8")):
        if kind == "mermaid":
            assert content.split()[0] in DIAGRAMS


def test_a_breach_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One\n[a](gone.md) [b](#two) [c](#one) `services/gone.py` `services/<x>/y.py`\n")
    assert [*broken_links(page), *missing_files(page)] == ["gone.md", "#two", "services/gone.py"]
