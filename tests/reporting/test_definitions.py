"""Goals are data: all of GOALS.md is there, and a mistake in a file is told at its line before anything runs."""

import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hem.cli import app
from services.reporting.definitions import DefinitionError, load, parse

FOLDER = files("services.reporting") / "goals"
OFFERED = "housing-introduction-offered"
PEOPLE = {
    "employment-rate", "employment-parity", "employment-foreign-born-women", "match-acceptance", "summer-jobs",
    "hired-after-summer-job", "project-jobs", "staff-inquiry", "housing-introduction-offered",
    "housing-introduction-held", "survey-languages", "tenant-influence", "safety", "service", "recommend",
}  # fmt: skip
# What the company's plans ask of a goal (GOALS.md, `target`), by its steering document.
GOALS_2018 = {"social-requirements", "staff-inquiry", "summer-jobs", "survey-languages", "youth-activities"}
GOALS_2019 = {
    "housing-introduction-offered", "new-production-placements", "internship-plan", "tenant-influence", "meeting-places",
}  # fmt: skip
ALL = [
    "employment-rate", "employment-parity", "employment-foreign-born-women", "social-requirements", "contract-places",
    "delegated-places", "match-acceptance", "days-to-start", "summer-jobs", "hired-after-summer-job", "trainee-places",
    "internships-own", "project-jobs", "staff-inquiry", "internship-plan", "new-production-placements",
    "referrals-answered", "housing-introduction-offered", "housing-introduction-held", "survey-languages",
    "survey-outreach", "survey-feedback", "consultation", "tenant-influence", "tenants-association", "meeting-places",
    "youth-activities", "area-groups", "local-initiatives", "local-police", "sponsorship", "business-hotels",
    "shopping-centres", "mixed-tenure", "strategist", "safety", "service", "recommend", "own-staff",
    "sustainability-report", "document-validity", "page-helpful", "systems-connected",
]  # fmt: skip


def text_of(goal: str) -> str:
    return (FOLDER / f"{goal}.yaml").read_text(encoding="utf-8")


def test_every_goal_of_the_plans_is_there() -> None:
    goals = load()
    assert sorted(goals.by_id) == sorted(ALL)
    assert {goal.id for goal in goals if goal.document == "goals-2018"} == GOALS_2018
    assert {goal.id for goal in goals if goal.document == "goals-2019"} == GOALS_2019
    for goal in goals:
        assert {ledger.measure for ledger in goal.ledgers} <= {measure.id for measure in goal.measures}


def test_goals_about_people_say_so_and_what_is_sensitive_most_of_all() -> None:
    goals = load()
    assert {goal.id for goal in goals if goal.counts == "people"} == PEOPLE
    assert {goal.id for goal in goals if goal.sensitive} == {"hired-after-summer-job", "employment-foreign-born-women"}
    assert goals.by_id["staff-inquiry"].min_n == 7
    # What is no count of people stays shown where the goal is about people.
    things = [
        (goal.id, m.id) for goal in goals for m in goal.measures if goal.counts == "people" and m.counts == "things"
    ]
    assert things == [("staff-inquiry", "held"), ("survey-languages", "languages"), ("tenant-influence", "agreements")]


def test_texts_are_written_in_both_languages_and_are_not_the_same() -> None:
    for goal in load():
        sv, en = goal.text("sv"), goal.text("en")
        for field in ("definition", "population", "source"):
            assert getattr(sv, field) != getattr(en, field), (goal.id, field)
            assert getattr(sv, field).endswith("."), (goal.id, field)
        for measure in goal.measures:
            ours, theirs = sv.measures[measure.id], en.measures[measure.id]
            assert ours.in_words != theirs.in_words
            named = [set(re.findall(r"{(\w+)}", texts.in_words)) for texts in (ours, theirs)]
            assert named[0] == named[1], goal.id
            assert "period" in named[0], goal.id
            assert (ours.denominator is None) == (theirs.denominator is None), goal.id


MISTAKES: list[tuple[str, str, str, str, str]] = [  # goal, was, becomes, the line it is told at, what is told
    (OFFERED, "TenantMovedIn.v1", "TenantMovedIn.v9", "enters:", "nearest are se.vatterhem.TenantMovedIn.v1"),
    (OFFERED, "day: moved_in_on", "day: moved_on", "enters:", "has no field moved_on; it has area_id"),
    (OFFERED, "day: moved_in_on", "day: contact_rule", "enters:", "contact_rule of se.vatterhem.TenantMovedIn.v1 is not a"),
    (OFFERED, "is_final: true", "is_final: 1", "where:", "is_final of se.vatterhem.NotificationFailed.v1 is never 1"),
    (OFFERED, "kind: cohort_ratio", "kind: magic", "kind:", "'magic' is not one of 'cohort_ratio', 'count'"),
    (OFFERED, "min_n: 5", "min_n: 2", "min_n:", "greater than or equal to 3"),
    (OFFERED, "counts: people", "counts: cats", "counts:", "'people' or 'things'"),
    (OFFERED, "counts: people", "counts: people\ncolour: red", "colour:", "there is no such field here"),
    (OFFERED, "counts: people", "counts: people\nmin_n: 9", "min_n: 5", "is there twice"),
    (OFFERED, ", document: goals-2019}", "}", "aim:", "aim.document: is missing"),
    (OFFERED, "dimensions: [area]", "dimensions: [area, floor]", "dimensions:", "no clause says which field is the dimension floor"),
    (OFFERED, "area: area_id}", "area: area_id, dimensions: {floor: dwelling_id}}", "enters:", "floor is none of the goal's"),
    (OFFERED, ", area: area_id}", "}", "dimensions:", "no clause says which field is the dimension area"),
    (OFFERED, "        things: hushåll\n", "", "share:", "texts.sv.measures.share.things: is missing"),
    (OFFERED, "        things: hushåll", '        things: ""', 'things: ""', "at least 1 character"),
    (OFFERED, "{numerator} av", "{cat} av", "share:", "in_words knows {value}, {numerator}, {denominator} and {period}"),
    (OFFERED, "\n  en:\n", "\n  fi:\n", "fi:", "'sv' or 'en'"),
    (OFFERED, "unit: ", "unit: [", "enters:", "not YAML"),
    ("match-acceptance", "look_up: enters.place_id", "look_up: enters.place", "event: se.vatterhem.PlaceOpened", "has no field place"),
    ("match-acceptance", "look_up: enters.place_id", "look_up: entry.place_id", "event: se.vatterhem.PlaceOpened", "no clause entry"),
    ("match-acceptance", "look_up: enters.place_id", "look_up: attributes.place_id", "event: se.vatterhem.PlaceOpened", "a cycle"),
    ("match-acceptance", "enters: {", "enters: {look_up: attributes.place_id, ", "enters:", "enters looks up attributes looks up enters: a cycle"),
    ("contract-places", "place.places", "place.seats", "at_most:", "PlaceOpened.v1 has no number seats"),
    ("contract-places", "amount: places", "amount: seats", "each:", "lines have no seats; they have kind, occupation, places"),
    ("survey-feedback", "survey.languages", "survey.theme", "covers:", "no clause survey with a list theme"),
    ("survey-languages", "dated_by: survey", "dated_by: surveys", "dated_by:", "no clause surveys among requires and attributes"),
    ("internship-plan", "said: revised_on", "said: plan", "revised_by:", "ActionRevised.v1 has no day plan"),
    ("summer-jobs", "latest_by: round", "latest_by: rounds", "latest_by:", "SummerJobAllocated.v1 has no field rounds"),
    ("summer-jobs", "same: round_id", "same: year", "undone_by:", "SummerJobDeclined.v1 has no field year"),
    ("hired-after-summer-job", "employed_same, ", "employd_same, ", "day: \"on\", where: {outcome: [employd", "is never 'employd_same'"),
    ("tenant-influence", "influence.numerator", "influence.top", "event: se.vatterhem.ResultPublished", "is not a number"),
    ("tenant-influence", "ends: valid_to", "ends: party", "ends:", "has no day party"),
    ("area-groups", "[school,", "[schol,", "adds:", "parties of se.vatterhem.AreaGroupMet.v1 is never 'schol'"),
    ("sustainability-report", "year_after: period", "year_after: kind", "event: se.vatterhem.ReportPublished", "not both days"),
    ("employment-rate", "ages: [20, 64]", "ages: [64, 20]", "ages:", "from the youngest to the oldest"),
    ("youth-activities", "id: staff-hours", "id: hours", "id: hours", "two measures are called hours"),
]  # fmt: skip


@pytest.mark.parametrize(("goal", "was", "becomes", "at", "said"), MISTAKES)
def test_a_mistake_is_told_at_its_line(goal: str, was: str, becomes: str, at: str, said: str) -> None:
    text = text_of(goal)
    assert was in text
    text = text.replace(was, becomes, 1)
    with pytest.raises(DefinitionError) as told:
        parse(f"{goal}.yaml", text)
    mistakes = [re.fullmatch(r"([\w-]+\.yaml):(\d+): (.+)", line) for line in str(told.value).splitlines()]
    found = [(found[1], text.splitlines()[int(found[2]) - 1], found[3]) for found in mistakes if found is not None]
    assert len(found) == len(mistakes)
    assert any(name == f"{goal}.yaml" and at in line and said in words for name, line, words in found), found


def test_a_file_is_named_for_its_goal(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(text_of(OFFERED), encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"other\.yaml:2: id"):
        load(tmp_path)


def test_the_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    for goal in (OFFERED, "consultation"):
        (tmp_path / f"{goal}.yaml").write_text(text_of(goal).replace("counts: ", "counted: ", 1), encoding="utf-8")
    with pytest.raises(DefinitionError) as told:
        load(tmp_path)
    for said in ("consultation.yaml:5: counted:", "housing-introduction-offered.yaml:5: counted:"):
        assert said in str(told.value)


@pytest.fixture
def hem() -> Callable[..., tuple[int, str]]:
    """`hem("goals", "check", …)` → exit code, and what is printed on both outputs."""

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, words)
        return done.exit_code, done.output

    return run


def test_hem_goals_check(hem: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    file = tmp_path / f"{OFFERED}.yaml"
    file.write_text(text_of(OFFERED), encoding="utf-8")
    assert hem("goals", "check", str(file)) == (0, "1 goal without mistakes\n")
    file.write_text(text_of(OFFERED).replace("moved_in_on", "moved_on"), encoding="utf-8")
    code, said = hem("goals", "check", str(tmp_path))
    assert code == 1
    assert (
        f"{file}:{line_of(file, 'moved_on')}: measures.0.enters: se.vatterhem.TenantMovedIn.v1 has no field moved_on"
        in said
    )
    assert "1 mistake in 1 file" in said
    file.write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in hem("goals", "check", str(file))[1]
    assert hem("goals", "check", str(tmp_path / "nowhere.yaml"))[0] == 1


def test_hem_goals_list(hem: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    code, said = hem("goals", "list", "--json")
    assert code == 0
    assert said.count('"goal":') == len(ALL)
    (tmp_path / "wrong.yaml").write_text("id: [", encoding="utf-8")
    assert hem("goals", "list", str(tmp_path))[0] == 1


def line_of(file: Path, part: str) -> int:
    return next(n for n, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1) if part in line)
