"""What holds for every file of the repository."""

import pytest

from tests.architecture.repository import ROOT, tracked_files

LONGEST = 400

# Where packages come from is the machine's own setting. Put together here so that this file passes its own test.
REGISTRIES = [
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("repo1", "maven", "org"),
        ("repo", "maven", "apache", "org"),
        ("deb", "debian", "org"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("unpkg", "com"),
        ("jsdelivr", "net"),
    ]
]


def test_no_registry_is_named() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {registry}"
        for path in tracked_files()
        for registry in REGISTRIES
        if registry.encode() in path.read_bytes()
    ]
    assert not found


def test_python_files_stay_short() -> None:
    lengths = {
        path.relative_to(ROOT): len(path.read_text().splitlines()) for path in tracked_files() if path.suffix == ".py"
    }
    assert not {path: length for path, length in lengths.items() if length > LONGEST}


@pytest.mark.parametrize("name", ["uv.lock", "requirements.txt"])
def test_there_is_one_kind_of_lock(name: str) -> None:
    assert name not in {path.name for path in tracked_files()}
