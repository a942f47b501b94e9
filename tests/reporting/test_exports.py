"""Figures as files: what a spreadsheet, a statistician's tool and a program read from them is what we wrote."""

import csv
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonstat_validator import validate_jsonstat  # type: ignore[import-untyped]

from services.reporting.exports import csv_file, jsonstat, xlsx_file
from services.reporting.exports.rows import COLUMNS, About, Part, Row, Table, exact, safe

MET = Row(
    goal="housing-introduction-offered", measure="share", period="2019", area="oxnehaga", dimension=None,
    value=Fraction(13700, 150), unit="%", decimals=1, numerator=Fraction(137), denominator=Fraction(150), status="met",
    provisional=False, target=Decimal(90), comparison=">=", as_of=datetime(2020, 5, 1, 12, tzinfo=UTC),
    definition_version=1, published_on=date(2020, 2, 1), notes=(), title="Bointroduktion", area_name="Öxnehaga",
)  # fmt: skip
HIDDEN = replace(
    MET, area="ekhagen", area_name="Ekhagen", value=None, numerator=None, denominator=None, status="suppressed",
    target=None, comparison=None, published_on=None, notes=("Visas inte: för få hushåll.",),
)  # fmt: skip
NONE_YET = replace(HIDDEN, area="raslatt", area_name="Råslätt", status="no_data", notes=())
ZERO = replace(MET, area=None, area_name=None, value=Fraction(0), numerator=Fraction(0), status="missed")
BELOW = replace(
    MET, goal="employment-parity", measure="points", area="ekhagen", period="2018", value=Fraction(-35, 10),
    unit="points", numerator=None, denominator=None, dimension=None, title="Skillnad", area_name="Ekhagen",
)  # fmt: skip
COOKS = replace(MET, area=None, area_name=None, dimension=("occupation", "5120"), value=Fraction(100, 3))
ABOUT = About(
    "housing-introduction-offered", "Bointroduktion", 1, "2019-01-01", "integration-goals-2019", "Vad som mäts.",
    "Hushåll som flyttat in.", "Hyressystemet.", 5,
    (Part("share", "Andel", "%", "hushåll med erbjudande", "hushåll"),), ("se.vatterhem.TenantMovedIn.v1",),
)  # fmt: skip


def table(*rows: Row) -> Table:
    return Table("Mål 2019", rows, [ABOUT], MET.as_of, "Hem (2020). Mål 2019.", "https://hem.example/api/v1/figures")


EVERYTHING = table(MET, HIDDEN, NONE_YET, ZERO, BELOW, COOKS)


def as_excel_opens(data: bytes, language: str) -> list[dict[str, str]]:
    """What Excel of that language has in its cells after a double click on the file."""
    assert data.startswith(b"\xef\xbb\xbf"), "without a mark, Excel takes UTF-8 for Windows-1252"
    text = data.decode("utf-8-sig")
    separator = {"sv": ";", "en": ","}[language]
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True))


def test_csv_opens_rightly_in_swedish_excel() -> None:
    data = csv_file.write(EVERYTHING, "sv")
    assert data.count(b"\r\n") == data.count(b"\n") == 7
    met, hidden, none_yet, zero, below, cooks = as_excel_opens(data, "sv")
    assert tuple(met) == COLUMNS
    assert (met["value"], met["numerator"], met["target"]) == ("91,333333", "137", "90")
    assert (met["area_name"], met["published_on"], met["provisional"]) == ("Öxnehaga", "2020-02-01", "false")
    assert (hidden["value"], hidden["numerator"], hidden["status"]) == ("", "", "suppressed")
    assert (none_yet["value"], none_yet["status"], zero["value"], zero["status"]) == ("", "no_data", "0", "missed")
    assert (below["value"], cooks["dimension"], cooks["value"]) == ("-3,5", "occupation=5120", "33,333333")


def test_csv_in_english_has_commas_between_and_points_within() -> None:
    met, *_, below, _cooks = as_excel_opens(csv_file.write(EVERYTHING, "en"), "en")
    assert (met["value"], below["value"]) == ("91.333333", "-3.5")


@pytest.mark.parametrize("text", ["=1+1", "+46", "-2", "@SUM(A1)", "\t=1", " =1", "\r=1", "＝1+1", "\x00=1"])
def test_no_text_is_ever_a_formula(text: str) -> None:
    evil = table(replace(MET, area_name=text, notes=(text,), title=text))
    (row,) = as_excel_opens(csv_file.write(evil, "sv"), "sv")
    for cell in (row["area_name"], row["notes"], row["title"]):
        assert cell.startswith("'")
    sheet = zipfile.ZipFile(io.BytesIO(xlsx_file.write(evil, str))).read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_comes_back_as_one_cell_of_one_row(text: str) -> None:
    evil = replace(MET, area_name=text, title='a;b,"c"')
    rows = as_excel_opens(csv_file.write(table(evil, MET), "sv"), "sv")
    assert [row["area"] for row in rows] == ["oxnehaga", "oxnehaga"]
    assert rows[0]["area_name"] == safe(text)
    assert rows[0]["title"] == 'a;b,"c"'


@given(st.fractions(min_value=-(10**9), max_value=10**9))
def test_a_number_is_written_to_the_sixth_decimal(value: Fraction) -> None:
    written = exact(value)
    assert written is not None
    assert abs(Fraction(written) - value) <= Fraction(1, 2_000_000)
    assert "E" not in f"{written:f}"


def sheets(data: bytes) -> dict[str, list[list[object]]]:
    """A workbook as another reader sees it: name of sheet → rows of cells."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}


def test_the_workbook_has_figures_definitions_and_sources() -> None:
    found = sheets(xlsx_file.write(EVERYTHING, str))
    assert list(found) == ["Figures", "Definitions", "Sources"]
    assert tuple(found["Figures"][0]) == COLUMNS
    assert len(found["Figures"]) == 7
    assert found["Figures"][1][5] == 91.333333
    assert found["Definitions"][1][4:6] == ["Vad som mäts.", "Hushåll som flyttat in."]
    assert found["Sources"][1][-1] == "se.vatterhem.TenantMovedIn.v1"
    assert ["To quote", EVERYTHING.citation] in [row[:2] for row in found["Sources"]]
    assert xlsx_file.write(EVERYTHING, str) == xlsx_file.write(EVERYTHING, str)


def test_jsonstat_is_what_the_standard_calls_it() -> None:
    found = json.loads(json.dumps(jsonstat.write(EVERYTHING, str)))
    assert validate_jsonstat(found)
    with pytest.raises(Exception, match="size"):
        validate_jsonstat({**found, "size": [*found["size"][:-1], 99]})


def read(found: dict[str, object], **at: str) -> tuple[object, object]:
    """(value, status) of a cell, found as any reader of JSON-stat finds it."""
    index = 0
    for dimension, size in zip(found["id"], found["size"], strict=True):  # type: ignore[call-overload]
        names = found["dimension"][dimension]["category"]["index"]  # type: ignore[index]
        index = index * size + names.index(at[dimension])
    return found["value"].get(str(index)), found["status"].get(str(index))  # type: ignore[attr-defined]


def test_jsonstat_cells_are_found_by_their_place() -> None:
    found = jsonstat.write(EVERYTHING, str)
    share = {"measure": "housing-introduction-offered/share", "period": "2019", "other": "all"}
    assert read(found, **share, area="oxnehaga") == (91.333333, "final")
    assert read(found, **{**share, "measure": f"{share['measure']}/numerator"}, area="oxnehaga") == (137, "final")
    assert read(found, **share, area="ekhagen") == (None, "suppressed")
    assert read(found, **share, area="raslatt") == (None, "no_data")
    assert read(found, **share, area="all") == (0, "final")
    assert read(found, **{**share, "other": "occupation=5120"}, area="all") == (33.333333, "final")
    parity = {"measure": "employment-parity/points", "area": "ekhagen", "period": "2018", "other": "all"}
    assert read(found, **parity) == (-3.5, "final")
    assert read(found, **{**parity, "period": "2019"}) == (None, None)
    assert found["note"] == ["Visas inte: för få hushåll."]


def test_jsonstat_says_how_many_decimals_the_hours_have() -> None:
    hours = replace(MET, numerator=Fraction(271557, 10), denominator=Fraction(36457))
    units = jsonstat.write(table(MET, hours), str)["dimension"]["measure"]["category"]["unit"]
    share = "housing-introduction-offered/share"
    assert [units[f"{share}{part}"]["decimals"] for part in ("", "/numerator", "/denominator")] == [1, 1, 0]


def test_an_export_of_nothing_is_still_one() -> None:
    assert as_excel_opens(csv_file.write(table(), "sv"), "sv") == []
    assert list(sheets(xlsx_file.write(table(), str))) == ["Figures", "Definitions", "Sources"]
    assert validate_jsonstat(jsonstat.write(table(), str))
