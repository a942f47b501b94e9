"""Spreadsheets as events: what the rows say, and what is refused, by row and column and without a value."""

import io
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from pydantic import ValidationError

from schemas.catalogue import MODELS
from schemas.community import VisitCounted
from schemas.door import FROM_OUTSIDE
from schemas.gateway import SourceChecked
from services.chassis.testkit import Bus
from services.gateway.connectors.configured import Misconfigured, configured
from services.gateway.connectors.shape import Found, Note, RefusedRow, Unreadable
from services.gateway.connectors.spreadsheet import Spreadsheet, SpreadsheetOptions
from tests.gateway.connectors.estate import Estate

EXAMPLES = Path("docs/examples/connectors")
SECRET = "Amina Testsson"  # made up; must not turn up in any message

VISITS: dict[str, Any] = {
    "type": "VisitCounted",
    "fields": {"meeting_place_id": "Plats", "visits": "Besök", "on": "Dag"},
}


def options(**said: Any) -> SpreadsheetOptions:
    return SpreadsheetOptions.model_validate(VISITS | said)


def read(content: str | bytes, name: str = "file.csv", **said: Any) -> list[Found | RefusedRow | Note]:
    body = content.encode() if isinstance(content, str) else content
    return list(Spreadsheet().read(io.BytesIO(body), name, options(**said)))


def found(content: str | bytes, **said: Any) -> list[Found]:
    all_said = read(content, **said)
    assert all(isinstance(one, Found) for one in all_said), all_said
    return [one for one in all_said if isinstance(one, Found)]


def refused(content: str | bytes, **said: Any) -> list[tuple[int, str, str, str]]:
    rows = [one for one in read(content, **said) if isinstance(one, RefusedRow)]
    assert SECRET not in str(rows)
    return [(row.row, row.field, row.expected, row.got) for row in rows]


def mistakes(**said: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        options(**said)
    return str(caught.value)


def told(name: str, file: str) -> list[tuple[dict[str, Any], datetime | None, bool]]:
    connector = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    assert connector["kind"] == "spreadsheet"
    said = SpreadsheetOptions.model_validate(connector["options"])
    with (EXAMPLES / file).open("rb") as content:
        rows = list(Spreadsheet().read(content, file, said))
    assert all(isinstance(row, Found) for row in rows), rows
    return [(row.data.model_dump(), row.time, row.history) for row in rows if isinstance(row, Found)]


def test_the_example_of_procurements_says_what_its_rows_say() -> None:
    said = [data for data, _, _ in told("procurements", "procurements.csv")]
    assert [
        (row["procurement_id"], row["category"], row["is_strategic"], row["is_new_production"]) for row in said
    ] == [
        ("2019-114", "construction", True, True),
        ("2019-120", "painting", False, False),
        ("2019-131", "cleaning", False, False),
        ("2019-140", "other", True, False),
    ]
    assert [row["published_on"] for row in said] == [
        date(2019, 3, 1), date(2019, 3, 18), date(2019, 4, 1), date(2019, 5, 6),
    ]  # fmt: skip


def test_the_example_of_social_requirements_takes_the_rows_that_have_one() -> None:
    said = told("social-requirements", "procurements.csv")
    assert [(row["procurement_id"], row["kind"], row["places"]) for row, _, _ in said] == [
        ("2019-114", "trainee", 8),
        ("2019-120", "internship", 2),
        ("2019-140", "summer_job", 1000),
    ]
    assert next(str(time) for _, time, _ in said) == "2019-02-14 12:00:00+01:00"


def test_the_example_of_sponsorships_makes_ids_and_reads_kronor() -> None:
    said = [data for data, _, _ in told("sponsorships", "sponsorships.csv")]
    assert [(row["grant_id"], row["association_id"], row["amount_sek"]) for row in said] == [
        ("oxnehaga_if-2019", "oxnehaga_if", 25_000),
        ("raslatts_kulturforening-2019", "raslatts_kulturforening", 12_500),
        ("hyresgastforeningen_vatterhem-2019", "hyresgastforeningen_vatterhem", 8_000),
    ]


def test_the_examples_of_meeting_places_and_visits_speak_of_the_same_places() -> None:
    places = told("meeting-places", "meeting-places.csv")
    assert [(row["meeting_place_id"], row["area_id"], row["kind"], history) for row, _, history in places] == [
        ("oxnehaga-1", "oxnehaga", "art_hall", False),
        ("raslatt-2", "raslatt", "gym", True),
        ("oxnehaga-3", "oxnehaga", "pop_up", False),
    ]
    visits = [data for data, _, _ in told("visits", "visits.csv")]
    assert [(row["meeting_place_id"], row["visits"], row["on"]) for row in visits] == [
        ("oxnehaga-1", 112, date(2019, 9, 7)),
        ("oxnehaga-1", 0, date(2019, 9, 8)),
        ("raslatt-2", 37, date(2019, 9, 9)),
    ]


def test_a_workbook_says_the_same_as_csv() -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in (
        ["Plats", "Dag", "Besök"],
        [7, datetime.fromisoformat("2019-09-07"), 12.0],
        [7, date(2019, 9, 8), "1 200"],
    ):
        book.active.append(line)
    file = io.BytesIO()
    book.save(file)
    csv = "Plats;Dag;Besök\n7;2019-09-07;12\n7;8/9 2019;1 200\n"
    assert found(file.getvalue()) == found(csv)


def test_rows_are_refused_by_column_and_the_others_are_said() -> None:
    csv = (
        "Plats;Dag;Besök;Annat\n"
        f";igår;{SECRET}\n"  # uneven
        f";2019-02-30;{SECRET};x\n"
        "7;2019-09-07;1,5;\n"
        "7;2019-09-07;12;\n"
        "7;2019-09-08;-1;\n"
    )
    assert refused(csv, time="Dag") == [
        (2, "", "4 cells, as the header has", "3"),
        (3, "Besök", "a number, such as 12 or 1 234,5", "text of 14 characters"),
        (
            3,
            "Dag",
            "a date that exists, YYYY-MM-DD, not before 1900, or 1 mars 2019, 1/3 2019, 1.3.2019",
            "text of 10 characters",
        ),
        (3, "Plats", "a value", "nothing"),
        (4, "Besök", "a whole number", "text of 3 characters"),
        (6, "Besök", "greater than or equal to 0", "a number"),
    ]
    assert [row.row for row in read(csv) if isinstance(row, Found)] == [5]
    assert refused("Plats;Dag;Besök;När\n7;2019-09-07;1;\n", time="När") == [
        (2, "När", "a day, or a day and a time", "nothing")
    ]


def test_one_thing_in_two_rows_is_told_once_when_they_agree_and_never_when_they_dont() -> None:
    csv = "Plats;Dag;Besök\n7;2019-09-07;1\n7;2019-09-08;5\n7;2019-09-07;2\n7;2019-09-08;5\n"
    said = read(csv)
    assert [(row.row, isinstance(row, Found)) for row in said if not isinstance(row, Note)] == [
        (2, False), (3, True), (4, False), (5, False),
    ]  # fmt: skip


def test_nothing_is_said_of_a_file_that_turns_out_unreadable_in_its_last_row() -> None:
    csv = "Plats;Dag;Besök\n" + "7;2019-09-07;1\n" * 3 + '7;"2019-09-08;1\n'
    with pytest.raises(Unreadable, match="Row 5"):
        next(Spreadsheet().read(io.BytesIO(csv.encode()), "file.csv", options()))


def test_columns_that_the_file_lacks_are_named() -> None:
    with pytest.raises(Unreadable, match="Besök, Dag") as caught:
        read(f"Plats;{SECRET}\n7;2\n")
    assert SECRET not in str(caught.value)


def test_how_a_file_was_read_is_noted() -> None:
    said = read("Plats;Dag;Besök\nÖxnehaga;2019-09-07;1\n".encode("cp1252"))
    assert [type(one) for one in said] == [Found, Note]


def test_lists_objects_and_codes_with_leading_zeros_come_from_columns() -> None:
    areas = {
        "type": "AreaDefined",
        "fields": {
            "area_id": "Id",
            "name": "Namn",
            "municipality_code": {"column": "Kommun", "digits": 4},
            "valid_from": {"value": "2019-01-01"},
            "statistics_regions[0].code": "RegSO 1",
            "statistics_regions[0].kind": {"value": "RegSO"},
            "statistics_regions[0].version": {"value": "2018"},
            "statistics_regions[0].weight": "Andel 1",
        },
    }
    (area,) = found("Id;Namn;Kommun;RegSO 1;Andel 1\noxnehaga;Öxnehaga;680;0680R012;0,75\n", **areas)
    said = area.data.model_dump(mode="json", exclude_none=True)
    assert said["municipality_code"] == "0680"
    assert said["statistics_regions"] == [{"code": "0680R012", "kind": "RegSO", "version": "2018", "weight": 0.75}]
    group = {
        "type": "AreaGroupMet",
        "fields": {
            "area_id": {"value": "oxnehaga"},
            "on": "Dag",
            "parties": {"column": "Med", "split": ",", "values": {"Polis": "police", "Skola": "school"}},
        },
    }
    (met,) = found("Dag;Med\n2019-03-01;Polis, skola\n", **group)
    assert met.data.model_dump()["parties"] == ("police", "school")
    assert refused("Dag;Med\n2019-03-01;Polis, Kyrkan\n", **group) == [
        (2, "Med", "one of the values that the mapping knows", "text of 13 characters")
    ]


def test_a_withdrawal_says_whom_it_is_about() -> None:
    withdrawal = {
        "type": "EventWithdrawn",
        "fields": {
            "withdrawn_source": {"value": "urn:example:visits"},
            "withdrawn_id": "Id",
            "reason": {"value": "registered_in_error"},
            "subject": "Om",
        },
    }
    (said,) = found("Id;Om\n1;oxnehaga-1\n", **withdrawal)
    assert said.subject == "oxnehaga-1"


def test_every_mistake_in_a_mapping_is_told_at_once() -> None:
    said = mistakes(
        type="MeetingPlaceOpened",
        fields={"meeting_place": "Nr", "area_id": {"column": "Område", "values": {"Öxnehaga": "oxnehaga", "Annat": 7}}},
    )
    assert "fields.meeting_place: is not a field of MeetingPlaceOpened, is it meeting_place_id" in said
    assert "fields.area_id.values.Annat: input should be a valid string" in said
    for name in ("meeting_place_id", "kind", "opened_on"):
        assert f"fields.{name}: is required and not mapped" in said


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"type": "MeetingPlacesOpened"}, "such as MeetingPlaceOpened"),
        ({"type": "FigurePublished"}, "a type that other systems publish"),
        ({"fields": VISITS["fields"] | {"on": {"column": "Dag", "split": ","}}}, "no split, as it is no list"),
        (
            {"fields": VISITS["fields"] | {"on": {"column": "Dag", "value": "2019-01-01"}}},
            "one of column, columns and value",
        ),
        ({"fields": VISITS["fields"] | {"on": {"value": "2019-02-30"}}}, "fields.on.value: a date that exists"),
        ({"fields": VISITS["fields"] | {"visits": {"column": "B", "values": {True: 1}}}}, "in quotation marks"),
        ({"fields": VISITS["fields"] | {"visits[0]": "B"}}, "is not a field"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_mapping_that_cant_be_used_is_refused(said: dict[str, Any], told: str) -> None:
    assert told in mistakes(**said)


@pytest.mark.parametrize("type_", sorted(FROM_OUTSIDE))
def test_every_type_can_be_mapped(type_: str) -> None:
    """Each required field can be named as a column's, whatever its kind."""
    schema = MODELS[type_].model_json_schema(by_alias=True)
    lists = {name for name in schema["required"] if schema["properties"][name].get("type") == "array"}
    fields: dict[str, Any] = {
        name: {"column": name, "split": ","} if name in lists else name for name in schema["required"]
    }
    if not MODELS[type_].subject_field:
        fields["subject"] = "subject"
    assert options(type=type_, fields=fields).columns


async def test_a_spreadsheet_is_published_once_corrected_and_refused_by_row_through_the_front_door(
    estate: Estate, bus: Bus
) -> None:
    await estate.register("area-development")
    (estate.folder / "visits.yaml").write_text((EXAMPLES / "visits.yaml").read_text())
    sheet = (EXAMPLES / "visits.csv").read_bytes()
    shown = await estate.run(sheet, name="visits", dry=True)
    assert (shown["state"], shown["counts"]["VisitCounted"]) == ("done", 3)
    assert not await bus.records("community.events")

    assert +Counter((await estate.run(sheet, name="visits"))["counts"]) == {"rows": 3, "VisitCounted": 3}
    first = {(event.data.meeting_place_id, event.data.on): event for event in await bus.expect(VisitCounted, 3)}
    assert +Counter((await estate.run(sheet, name="visits"))["counts"]) == {"rows": 3, "unchanged": 3}
    await bus.expect(SourceChecked, 2, source="urn:example:visits")

    mended = sheet.decode().replace(";112", ";113").replace(";37", ";trettiosju").encode("cp1252")
    ended = await estate.run(mended, name="visits")
    assert ended["counts"] == {"rows": 3, "unchanged": 1, "refused": 1, "VisitCounted": 1}
    assert [(row["row"], row["field"]) for row in ended["refused"]] == [(4, "Besök")]
    assert "Windows-1252" in str(ended["notes"])
    [correction] = await bus.expect(VisitCounted, visits=113)
    before = first["oxnehaga-1", date(2019, 9, 7)]
    assert correction.id != before.id
    assert correction.time == before.time
    assert correction.sequence is not None
    assert before.sequence is not None
    assert correction.sequence > before.sequence

    broken = sheet + 'Öxnehaga;1;2019-09-10;5\nÖxnehaga;1;"2019-09-11;5\n'.encode()
    ended = await estate.run(broken, name="visits")
    assert (ended["state"], ended["why"][:5]) == ("failed", "Row 6")
    assert len(await bus.events(VisitCounted)) == 4


def test_the_examples_are_connectors_as_they_stand() -> None:
    found = configured(EXAMPLES)
    assert len(found) == len(list(EXAMPLES.glob("*.yaml")))
    assert [one for one in found if isinstance(one, Misconfigured)] == []
