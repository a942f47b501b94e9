"""Reading tables from CSV and JSON: what they hold comes out, and what can't be read is refused with what to do."""

import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.gateway.connectors.rows import TableOptions
from services.gateway.connectors.tables import open_table
from tests.gateway.connectors.files import PLAIN, SECRET, refused, rows, table


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_csv_is_read_in_the_encodings_and_with_the_delimiters_that_swedish_programs_write(
    encoding: str, delimiter: str
) -> None:
    text = delimiter.join(["Område", "Besök"]) + "\r\n" + delimiter.join(["Öxnehaga", "12"]) + "\r\n"
    found = table(text.encode(encoding))
    assert found.columns == ("Område", "Besök")
    assert [(row.number, dict(row.cells)) for row in found] == [(2, {"Område": "Öxnehaga", "Besök": "12"})]
    assert bool(found.notes) == (encoding == "cp1252")


@pytest.mark.parametrize("encoding", ["mac_roman", "cp850", "utf-32", "utf-16-le"])
def test_csv_in_another_encoding_is_refused_rather_than_read_wrong(encoding: str) -> None:
    assert refused(f"Område;Besök\nÖxnehaga på höjden;{SECRET}\n".encode(encoding))


def test_csv_that_is_half_utf_8_is_refused() -> None:
    assert "partly" in refused("Område\nÖxnehaga\n".encode() + "Råslätt\n".encode("cp1252"))


def test_quotes_line_breaks_and_empty_rows_stand_where_a_spreadsheet_shows_them() -> None:
    found = rows('sep=;\nNamn;Not\n"Ett ""bra"" ställe";"rad 1\nrad 2"\n;\n\n sist ;\n;;;\n\n')
    assert [(row.number, *row.cells.values()) for row in found] == [
        (2, 'Ett "bra" ställe', "rad 1\nrad 2"),
        (5, "sist", None),
    ]


def test_decimal_commas_dont_pass_for_delimiters() -> None:
    found = rows("Belopp;Andel\n1,5;2,5\n3,5;4,5\n")
    assert [row.cells for row in found] == [
        {"Belopp": "1,5", "Andel": "2,5"},
        {"Belopp": "3,5", "Andel": "4,5"},
    ]
    assert [row.cells for row in rows("Andel\n1,5\n2,5\n")] == [{"Andel": "1,5"}, {"Andel": "2,5"}]


def test_uneven_rows_are_wrong_by_their_number_and_the_others_are_read() -> None:
    short, long, good = rows(f"a;b;c\n1;2\n1;2;3;{SECRET}\n1;2;3\n")
    assert [(short.number, short.wrong[0].got), (long.number, long.wrong[0].got)] == [(2, "2"), (3, "4")]
    assert good.wrong == ()
    assert SECRET not in str(long)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (f"a;b;{SECRET};{SECRET};b\n1;2;3;4;5\n", "columns B, E; C, D"),
        (f"a;;{SECRET}\n1;2;3\n", "no name in column B"),
        ("\n\n1;2\n", "is empty"),
        (f'a;b\n1;"{SECRET}\n2;3\n', "Row 2 has a quotation mark"),
        (f'a;b\n1;2\n"x"{SECRET};3\n', "Row 3 has a quotation mark"),
        ("", "empty"),
        ("\ufeff<!DOCTYPE html><html><body>500</body></html>", "web page"),
        ('<?xml version="1.0"?><a/>', "XML"),
        ("%PDF-1.7", "PDF"),
        ("a;b\n" + "1;2\n" * 11, "more than 10 rows"),
        (";".join(f"c{at}" for at in range(6)) + "\n", "more than 5 columns"),
    ],
)
def test_csv_that_cant_be_read_is_refused_by_where_it_is_wrong(content: str, why: str) -> None:
    assert why in refused(content, max_rows=10, max_columns=5)


def test_a_long_cell_is_wrong_and_a_line_without_end_is_refused() -> None:
    (row,) = rows("a;b\n1;" + "x" * 50 + "\n", max_cell=40)
    assert [(cell.column, cell.got) for cell in row.wrong_in({"b"})] == [("b", "text of 50 characters")]
    assert row.wrong_in({"a"}) == ()
    assert "million" in refused("a;b\n" + "1" * 1_100_000)


def test_the_file_given_stays_open() -> None:
    file = io.BytesIO(b"a;b\n1;2\n")
    list(open_table(file, "a.csv", TableOptions()))
    assert not file.closed


@given(
    st.lists(st.lists(PLAIN, min_size=3, max_size=3).filter(any), max_size=8),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from([";", ",", "\t"]),
)
@settings(max_examples=60, deadline=None)
def test_csv_round_trips(lines: list[list[str]], encoding: str, delimiter: str) -> None:
    def quoted(line: list[str]) -> str:
        return delimiter.join('"' + cell.replace('"', '""') + '"' for cell in line) + "\r\n"

    text = quoted(["ett", "två", "tre"]) + "".join(map(quoted, lines))
    found = rows(text.encode(encoding), delimiter=delimiter)
    assert [list(row.cells.values()) for row in found] == [[cell or None for cell in line] for line in lines]


# JSON


@pytest.mark.parametrize("name", ["a.json", "a.csv"])
def test_json_is_a_list_of_objects_or_one_a_line(name: str) -> None:
    objects = [{"namn": "Öxnehaga", "adress": {"gata": " x "}, "tal": 1.10, "sant": True}, {"namn": None, "tal": 2}]
    listed = json.dumps(objects, indent=1)
    lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in objects)
    for text in (listed, f"\ufeff{listed}\n", lines):
        assert [row.cells for row in rows(text, name)] == [
            {"namn": "Öxnehaga", "adress.gata": "x", "tal": Decimal("1.1"), "sant": True},
            {"namn": None, "tal": 2},
        ]
    assert rows("[]", name) == []


def test_json_of_many_objects_is_read_in_pieces() -> None:
    text = "[" + ",".join(f'{{"n": {at}, "text": "{"å" * 100}"}}' for at in range(5_000)) + "]"
    assert [row.cells["n"] for row in rows(text, "a.json")] == list(range(5_000))


def test_what_is_no_cell_in_json_is_wrong_by_its_field() -> None:
    first, second = rows('[{"a": [1, 2], "b": 1e999999, "c": 3}, 5]', "a.json")
    assert [(cell.column, cell.got) for cell in first.wrong] == [("a", "a list of 2"), ("b", "a number")]
    assert first.cells["c"] == 3
    assert [(cell.column, cell.got) for cell in second.wrong] == [("", "a number")]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("<html>502 Bad Gateway</html>", "web page"),
        ("namn;tal\n", "not JSON"),
        (f'[{{"a": "{SECRET}"', "Object 1"),
        (f'[{{"a": 1}} {{"b": "{SECRET}"}}]', "After object 1"),
        ('[{"a": 1}] x', "after the list"),
        (f'[{{"a": 1, "a": "{SECRET}"}}]', "two fields of one name"),
        ('[{"a": NaN}]', "Object 1"),
        ("[" * 100_000, "Object 1"),
        ('[{"a": "' + "x" * 1_200_000 + '"}]', "too large"),
        ('{"a": "Öxnehaga"}'.encode("cp1252"), "not in UTF-8"),
    ],
)
def test_json_that_cant_be_read_is_refused(content: bytes | str, why: str) -> None:
    assert why in refused(content, "leases.json")


def test_real_figures_are_read() -> None:
    content = Path("docs/examples/connectors/employment-by-voting-district-jonkoping-2021.csv").read_bytes()
    found = table(content)
    assert found.columns == ("voting_district", "employment_rate_20_64_percent")
    assert len(list(found)) == 82


def test_json_text_that_is_none_is_refused_by_its_cell() -> None:
    """A lone surrogate can't be written down, NUL can't be stored: found where the cell is, not by what breaks later."""
    for escape in (r"\ud800", r"\u0000"):
        (row,) = rows(f'[{{"a": "x{escape}", "b": "y"}}]', "a.json")
        assert (row.cells, [(cell.column, cell.got) for cell in row.wrong]) == (
            {"a": None, "b": "y"},
            [("a", "text with one")],
        )
