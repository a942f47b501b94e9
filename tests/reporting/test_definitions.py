"""Goals are data: a mistake names file, line and field before anything runs."""

from importlib.resources import files
from pathlib import Path

import pytest

from services.reporting.definitions import DefinitionError, load, parse

NAME = "housing-introduction-offered.yaml"
TEXT = (files("services.reporting") / "goals" / NAME).read_text(encoding="utf-8")


def test_every_goal_loads() -> None:
    goals = load()
    assert all(goal.text("sv").title and goal.text("en").title for goal in goals)
    assert {goal.id for goal in goals} == set(goals.by_id)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("kind: cohort_ratio", "kind: magic", "kind: 'magic' is not one of cohort_ratio"),
        ("min_n: 5", "min_n: 2", "min_n: Input should be greater than or equal to 3"),
        ("TenantMovedIn.v1", "TenantMovedIn.v9", "enters: Value error, se.vatterhem.TenantMovedIn.v9 is not in"),
        (
            "day: moved_in_on",
            "day: moved_on",
            "enters: Value error, se.vatterhem.TenantMovedIn.v1 has no field moved_on",
        ),
        ("counts: people", "counts: cats", "counts: Input should be 'people' or 'things'"),
        ("counts: people", "counts: people\ncolour: red", "colour: Extra inputs are not permitted"),
        ("    things: hushåll", '    things: ""', "texts.sv.things: String should have at least 1 character"),
        ("{numerator} av", "{cat} av", "in_words knows {numerator}, {denominator} and {period} only"),
        ("unit: ", "unit: [", "not YAML"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(was: str, becomes: str, said: str) -> None:
    assert was in TEXT
    text = TEXT.replace(was, becomes, 1)
    with pytest.raises(DefinitionError) as told:
        parse(NAME, text)
    assert said in str(told.value)
    assert str(told.value).startswith(f"{NAME}:")
    line = int(str(told.value).split(":")[1])
    key = said.split(":", maxsplit=1)[0].rsplit(".", maxsplit=1)[-1]
    if said.startswith(("min_n", "enters", "counts", "colour", "texts", "kind")):
        assert text.splitlines()[line - 1].strip().startswith(key)


def test_a_file_is_named_for_its_goal(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(TEXT, encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"other\.yaml:1: id"):
        load(tmp_path)
