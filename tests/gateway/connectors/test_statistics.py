"""Official statistics from JSON-stat and tables: each figure comes with where it is from, and none is guessed."""

import itertools
import json
import math
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.statistics import OfficialStatisticImported
from services.chassis.testkit import Bus
from services.gateway.connectors.json_stat import read_json_stat
from services.gateway.connectors.shape import Found, Note, RefusedRow, Unreadable
from services.gateway.connectors.statistics import OfficialStatistics
from services.gateway.connectors.statistics_options import StatisticsOptions, as_ages, as_period
from tests.gateway.connectors.estate import Estate

EXAMPLES = Path("docs/examples/connectors")
Json = dict[str, Any]

# Figures and codes here are made up, unless a test says otherwise; the form is PxWebApi's.
OPTIONS: Json = {
    "operator_agency": "SCB",
    "source_table": "AM0207/BefDeSoSyssN",
    "register": "RAMS",
    "measures": {"ANDEL": {"series": "employment-rate-rams", "unit": "percent"}},
    "region": {"divisions": [{"kind": "DeSO", "version": "2018"}]},
    "population": "residents",
    "age": {"from": 20, "to": 64},
    "sex": "all",
}


def dataset(**changes: Any) -> Json:
    made: Json = {
        "version": "2.0",
        "class": "dataset",
        "label": "Förvärvsfrekvens",
        "source": "SCB",
        "updated": "2022-12-08T07:00:00Z",
        "role": {"time": ["Tid"], "metric": ["ContentsCode"], "geo": ["Region"]},
        "id": ["Region", "ContentsCode", "Tid"],
        "size": [2, 1, 2],
        "dimension": {
            "Region": {"label": "region", "category": {"index": {"0680A0010": 0, "0680A0020": 1}}},
            "ContentsCode": {
                "category": {"index": ["ANDEL"], "unit": {"ANDEL": {"base": "procent", "decimals": 1}}},
            },
            "Tid": {"category": {"index": {"2020": 0, "2021": 1}}},
        },
        "value": [61.5, 62.5, 71.5, 72.5],
    }
    return made | changes


def read(content: Json | str | bytes, **said: Any) -> list[Found | RefusedRow | Note]:
    body = (
        content
        if isinstance(content, bytes)
        else (json.dumps(content) if isinstance(content, dict) else content).encode()
    )
    return list(OfficialStatistics().read(BytesIO(body), "file", StatisticsOptions.model_validate(OPTIONS | said)))


def data(content: Json | str | bytes, **said: Any) -> list[OfficialStatisticImported]:
    all_said = read(content, **said)
    assert all(isinstance(one, Found) for one in all_said), all_said
    return [one.data for one in all_said if isinstance(one, Found) and isinstance(one.data, OfficialStatisticImported)]


def refused(content: Json | str | bytes, **said: Any) -> list[tuple[int, str]]:
    return [(one.row, one.field) for one in read(content, **said) if isinstance(one, RefusedRow)]


def unreadable(content: Json | str | bytes, **said: Any) -> str:
    with pytest.raises(Unreadable) as caught:
        read(content, **said)
    return str(caught.value)


def example(name: str, file: str) -> list[OfficialStatisticImported]:
    connector = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    assert connector["kind"] == "statistics"
    options = StatisticsOptions.model_validate(connector["options"])
    found = list(OfficialStatistics().read(BytesIO((EXAMPLES / file).read_bytes()), file, options))
    assert all(isinstance(one, Found) for one in found), found
    return [one.data for one in found if isinstance(one, Found) and isinstance(one.data, OfficialStatisticImported)]


def test_the_real_figures_of_the_voting_districts_are_told_and_a_blank_is_no_zero() -> None:
    said = example("employment-voting-districts-2021", "employment-by-voting-district-jonkoping-2021.csv")
    assert len({one.region_code for one in said}) == 82
    by_district = {one.region_code: one for one in said}
    assert (by_district["06800120"].value, by_district["06800125"].value) == (87.42, 87.42)
    lines = (EXAMPLES / "employment-by-voting-district-jonkoping-2021.csv").read_text().splitlines()[1:]
    blank = {line.split(",")[0] for line in lines if not line.split(",")[1]}
    assert blank == {one.region_code for one in said if one.value is None}
    assert {one.status for one in said if one.value is None} <= {"missing"}
    first = by_district["06800120"]
    assert (first.register_, first.age_from, first.age_to, first.period, first.unit) == (
        "RAMS",
        20,
        64,
        "2021",
        "percent",
    )
    assert (first.region_kind, first.region_version) == ("voting_district", "val26")
    assert "medelvärde" in first.notes[0]


def test_the_example_in_json_stat_tells_the_public_figures() -> None:
    said = example("employment-municipality-2022", "employment-municipality-2022.json")
    assert {(one.sex, one.value) for one in said} == {("all", 82.1), ("women", 80.7), ("men", 83.5)}
    assert {(one.age_from, one.age_to, one.register_, one.published_on) for one in said} == {
        (20, 65, "BAS", date(2023, 12, 5))
    }
    assert said[0].notes == ("Statistiken baseras på registret BAS och kan inte jämföras med RAMS.",)


def test_json_stat_1_is_read_as_version_1_of_the_api_wraps_it() -> None:
    """The public figures of foreign-born people in work, 20-64 years, in Jönköping; the codes are made up."""
    old = {
        "dataset": {
            "dimension": {
                "Region": {"category": {"index": {"0680": 0}, "label": {"0680": "Jönköping"}}},
                "Fodd": {"category": {"index": {"utr": 0}}},
                "Kon": {"category": {"index": {"2": 0, "1": 1}}},
                "ContentsCode": {"category": {"index": {"ANDEL": 0}, "unit": {"ANDEL": {"base": "procent"}}}},
                "Tid": {"category": {"index": {"2020": 0, "2021": 1, "2022": 2}}},
                "id": ["Region", "Fodd", "Kon", "ContentsCode", "Tid"],
                "size": [1, 1, 2, 1, 3],
                "role": {"time": ["Tid"], "metric": ["ContentsCode"]},
            },
            "updated": "2023-11-30T08:00:00Z",
            "value": [60.4, 63.6, 66.1, 69.4, 73.3, 74.9],
        }
    }
    said = data(
        old,
        region={"dimension": "Region", "divisions": [{"kind": "municipality", "version": "2022"}]},
        sex={"dimension": "Kon", "codes": {"2": "women", "1": "men"}},
        birth_region={"dimension": "Fodd", "codes": {"utr": "foreign-born"}},
    )
    assert [(one.sex, one.birth_region, one.period, one.value) for one in said] == [
        ("women", "foreign-born", "2020", 60.4),
        ("women", "foreign-born", "2021", 63.6),
        ("women", "foreign-born", "2022", 66.1),
        ("men", "foreign-born", "2020", 69.4),
        ("men", "foreign-born", "2021", 73.3),
        ("men", "foreign-born", "2022", 74.9),
    ]


@pytest.mark.parametrize(
    "told",
    [
        {"value": [61.5, None, None, None], "status": {"1": "..", "2": ".", "3": "c"}},
        {"value": {"0": 61.5}, "status": {"1": "..", "2": ".", "3": "c"}},
        {"value": [61.5, None, None, None], "status": [None, "..", ".", "c"]},
        {"value": [61.5, None, 0, 0], "status": ["", None, ".", "c"]},  # some agencies write 0 where there is nothing
    ],
)
def test_a_missing_value_is_not_zero_and_its_status_says_why(told: Json) -> None:
    assert [(one.value, one.status) for one in data(dataset(**told))] == [
        (61.5, "final"), (None, "missing"), (None, "not_applicable"), (None, "confidential"),
    ]  # fmt: skip


def test_a_status_for_all_is_that_of_each() -> None:
    for status in ("p", ["p"]):
        assert {one.status for one in data(dataset(status=status))} == {"preliminary"}


def test_a_symbol_nobody_explained_is_refused_and_one_that_is_explained_is_read() -> None:
    told = dataset(value=[61.5, None, None, 0.0], status={"1": "-", "2": "-"})
    assert refused(told) == [(2, "ANDEL"), (3, "ANDEL")]
    assert [one.value for one in data(told, symbols={"-": "zero"})] == [61.5, 0.0, 0.0, 0.0]
    marked = data(dataset(status={"0": "b"}))
    assert (marked[0].value, marked[0].notes) == (61.5, ("Marked b by the agency.",))


def test_notes_of_the_dataset_its_dimensions_and_its_codes_are_kept_where_they_belong() -> None:
    told = dataset(note=["Alla."])
    told["dimension"]["Tid"]["note"] = "År."
    told["dimension"]["Region"]["category"]["note"] = {"0680A0020": ["Ändrad\tgräns.", "Alla."]}
    said = data(told, notes=["Vår."])
    assert [one.notes for one in said] == [
        ("Vår.", "Alla.", "År."),
        ("Vår.", "Alla.", "År."),
        ("Vår.", "Alla.", "Ändrad gräns.", "År."),
        ("Vår.", "Alla.", "Ändrad gräns.", "År."),
    ]
    many = data(dataset(note=[f"Not {at} " + "x" * 300 for at in range(30)]))
    assert len(many[0].notes) <= 20
    assert all(f"Not {at} " in "".join(many[0].notes) for at in range(30))


def test_versions_of_a_division_are_kept_apart_and_only_the_regions_asked_for_are_told() -> None:
    told = dataset(size=[4, 1, 1], value=[1, 2, 3, 4])
    codes = ["0680A0010", "0680A0010_DeSO2025", "0680R012_RegSO2025", "1480A0010"]
    told["dimension"]["Region"] = {"category": {"index": codes}}
    told["dimension"]["Tid"] = {"category": {"label": {"2021": "2021"}}}
    divisions = [
        {"kind": "DeSO", "version": "2018"},
        {"kind": "DeSO", "version": "2025", "ending": "_DeSO2025"},
        {"kind": "RegSO", "version": "2025", "ending": "_RegSO2025"},
    ]
    said = data(told, region={"divisions": divisions, "starting": ["0680"]})
    assert [(one.region_code, one.region_kind, one.region_version) for one in said] == [
        ("0680A0010", "DeSO", "2018"),
        ("0680A0010", "DeSO", "2025"),
        ("0680R012", "RegSO", "2025"),
    ]
    assert len({one.identity for one in said}) == 3
    assert [row for row, _ in refused(told, region={"divisions": divisions[1:]})] == [1, 4]


def test_a_share_comes_with_its_numbers_where_they_are_published() -> None:
    told = dataset(size=[1, 3, 1], value=[62.5, 500, 800])
    told["dimension"]["Region"] = {"category": {"index": ["0680A0010"]}}
    told["dimension"]["Tid"] = {"category": {"index": ["2021"]}}
    units = {"ANDEL": {"base": "procent"}, "FORV": {"base": "antal"}, "BEF": {"base": "antal"}}
    told["dimension"]["ContentsCode"] = {"category": {"index": list(units), "unit": units}}
    measure = {"series": "employment-rate-rams", "unit": "percent", "numerator": "FORV", "denominator": "BEF"}
    (said,) = data(told, measures={"ANDEL": measure})
    assert (said.value, said.numerator, said.denominator) == (62.5, 500, 800)


def test_a_table_in_csv_is_read_with_its_columns_symbols_and_decimal_commas() -> None:
    csv = "region;kön;ålder;år;Andel;Antal\n680R012;kvinnor;20-64;2021K2;61,5;123\n680R012;män;85+;2021M04;..;-\n"
    said = data(
        csv,
        measures={"Andel": {"series": "rate", "unit": "percent"}, "Antal": {"series": "persons", "unit": "number"}},
        region={"dimension": "region", "digits": 8, "divisions": [{"kind": "RegSO", "version": 2018}]},
        sex={"dimension": "kön", "codes": {"kvinnor": "women", "män": "men"}},
        age={"dimension": "ålder"},
        period={"dimension": "år"},
        symbols={"-": "zero"},
        published_on="2022-01-31",
    )
    assert [(one.series, one.sex, one.age_from, one.age_to, one.period, one.value, one.status) for one in said] == [
        ("rate", "women", 20, 64, "2021-Q2", 61.5, "final"),
        ("persons", "women", 20, 64, "2021-Q2", 123.0, "final"),
        ("rate", "men", 85, 150, "2021-04", None, "missing"),
        ("persons", "men", 85, 150, "2021-04", 0.0, "final"),
    ]
    assert {one.region_code for one in said} == {"0680R012"[-8:]}


def test_codes_that_the_connector_doesnt_explain_are_refused_by_their_dimension() -> None:
    told = dataset()
    told["dimension"]["Tid"] = {"category": {"index": ["2021", "2019-2021"]}}
    assert refused(told) == [(2, "Tid"), (4, "Tid")]
    told = dataset(id=["Region", "ContentsCode", "Tid", "Alder"], size=[1, 1, 1, 2], value=[1, 2])
    told["dimension"] |= {
        "Region": {"category": {"index": ["0680A0010"]}},
        "Tid": {"category": {"index": ["2021"]}},
        "Alder": {"category": {"index": ["tot", "20-64"]}},
    }
    assert refused(told, age={"dimension": "Alder"}) == [(1, "Alder")]
    assert "the dimension Alder is" in unreadable(told)
    assert [one.value for one in data(told, others={"Alder": "20-64"})] == [2.0]


def test_what_only_says_when_the_table_was_fetched_is_no_revision() -> None:
    first, later = read(dataset())[0], read(dataset(updated="2023-12-08T07:00:00Z"))[0]
    other = read(dataset(value=[60.5, 62.5, 71.5, 72.5]))[0]
    assert isinstance(first, Found)
    assert isinstance(later, Found)
    assert isinstance(other, Found)
    assert (first.key, first.compared) == (later.key, later.compared)
    assert first.key == other.key
    assert first.compared != other.compared
    assert first.revision_field == "revision"
    assert later.time is not None
    assert first.time is not None
    assert later.time > first.time


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"value": [1, 2, 3]}, "4 values, and has 3"),
        ({"value": {"4": 1}}, "a place that it doesn't have"),
        ({"value": {"x": 1}}, "not JSON-stat"),
        ({"value": "1"}, "not JSON-stat"),
        ({"status": ["..", None]}, "4 statuses, and has 2"),
        ({"status": {"-1": ".."}}, "a place that it doesn't have"),
        ({"size": [3, 1, 2]}, "Region should have 3 categories, and has 2"),
        ({"size": [2, 1]}, "otherwise than their sizes"),
        ({"size": [2**40, 1, 2]}, "not JSON-stat"),
        ({"size": [400_000, 400_000, 2]}, "more than"),
        ({"id": ["Region", "ContentsCode", "Year"]}, "not JSON-stat"),
        ({"class": "collection"}, "collection"),
        ({"updated": None}, "when it was published"),
        ({"role": {"time": ["Tid"], "metric": ["ContentsCode"]}}, "which dimension has the regions"),
        ({"dimension": []}, "not JSON-stat"),
    ],
)
def test_a_dataset_that_isnt_as_it_should_be_is_refused_whole(changes: Json, why: str) -> None:
    assert why in unreadable(dataset(**changes))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("<!doctype html><html>", "web page"),
        ('{"columns": [], "data": []}', "PxWeb's own JSON"),
        ('{"error": "Too many values selected"}', "something is wrong"),
        ('{"type": "about:blank", "title": "Not Found", "status": 404}', "something is wrong"),
        ('{"dataset": {}}', "not one dataset"),
        ('{"a": 1, "a": 2}', "two fields of one name"),
        (json.dumps(dataset())[:-20], "ends within"),
        (json.dumps(dataset()).replace("61.5", "NaN"), "not JSON"),
        (json.dumps({name: said for name, said in dataset().items() if name != "value"}), "none of its values"),
        (json.dumps(dataset(), ensure_ascii=False).encode("cp1252"), "not in UTF-8"),
    ],
)
def test_what_is_no_dataset_is_refused_by_what_it_is(content: str | bytes, why: str) -> None:
    assert why in unreadable(content)


def test_a_table_needs_to_be_told_where_things_are() -> None:
    csv = "region;ANDEL\n0680;1,5\n"
    assert "where regions and periods are" in unreadable(csv, published_on="2022-01-31")
    where = {"dimension": "region", "divisions": [{"kind": "municipality", "version": "2022"}]}
    assert "when it was published" in unreadable(csv, region=where, period="2021")
    assert "no column named år" in unreadable(csv, region=where, period={"dimension": "år"}, published_on="2022-01-31")


def test_categories_with_gaps_in_their_order_are_refused() -> None:
    told = dataset()
    told["dimension"]["Region"]["category"]["index"] = {"0680A0010": 0, "0680A0020": 2}
    assert "gaps" in unreadable(told)


def test_another_unit_than_the_series_has_is_refused() -> None:
    told = dataset()
    told["dimension"]["ContentsCode"]["category"]["unit"]["ANDEL"]["base"] = "antal"
    assert "another unit" in unreadable(told)
    told["dimension"]["ContentsCode"]["category"]["unit"]["ANDEL"]["base"] = "index 2010=100"
    measure = {"series": "prices", "unit": "index", "unit_in_file": "index 2010=100"}
    assert data(told, measures={"ANDEL": measure})
    assert "another unit" in unreadable(told, measures={"ANDEL": measure | {"unit_in_file": "index 2015=100"}})
    assert "no measure ANTAL" in unreadable(told, measures={"ANTAL": measure})


def test_mistakes_in_the_options_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        StatisticsOptions.model_validate(
            OPTIONS
            | {
                "age": {"from": 64, "to": 20},
                "sex": "both",
                "period": "21",
                "population": "Residents",
                "symbols": {"-": "0"},
            }
            | {"region": {"divisions": []}}
        )
    places = {str(error["loc"][0]) for error in caught.value.errors()}
    assert places == {"age", "sex", "period", "population", "symbols", "region"}


def test_codes_of_periods_and_ages_are_read_as_agencies_write_them() -> None:
    codes = ("2022", "2022K2", "2022-Q2", "2022M04", "2022-04", "1899", "2022-2023", "2022M13")
    assert [as_period(code) for code in codes] == [
        "2022", "2022-Q2", "2022-Q2", "2022-04", "2022-04", None, None, None,
    ]  # fmt: skip
    ages = {"20-64": (20, 64), "20–64 år": (20, 64), "85+": (85, 150), "19": (19, 19), "64-20": None, "tot": None}
    assert {code: found and (found.from_, found.to) for code in ages for found in [as_ages(code)]} == ages


# JSON-stat against a plain reading of its rules: a value's place is its codes' positions, the last counting most often.

SIZES = st.lists(st.integers(1, 3), min_size=1, max_size=4)


@st.composite
def cubes(draw: st.DrawFn) -> tuple[Json, dict[tuple[str, ...], float | None], dict[tuple[str, ...], str | None]]:
    sizes = draw(SIZES)
    total = math.prod(sizes)
    values = draw(st.lists(st.none() | st.floats(-1e6, 1e6), min_size=total, max_size=total))
    statuses = draw(st.lists(st.sampled_from([None, "..", "p"]), min_size=total, max_size=total))
    ids = [f"D{at}" for at in range(len(sizes))]
    codes = {id_: [f"{id_}c{at}" for at in range(size)] for id_, size in zip(ids, sizes, strict=True)}
    dimensions: Json = {}
    for id_ in ids:
        listed = draw(st.booleans())
        places = list(enumerate(codes[id_]))
        index = codes[id_] if listed else {code: at for at, code in draw(st.permutations(places))}
        dimensions[id_] = {"category": {"index": index}}
    sparse = {str(at): value for at, value in enumerate(values) if value is not None}
    whole = {
        "class": "dataset",
        "id": ids,
        "size": sizes,
        "dimension": dimensions,
        "value": sparse if draw(st.booleans()) else values,
        "status": {str(at): s for at, s in enumerate(statuses) if s} if draw(st.booleans()) else statuses,
    }
    if draw(st.booleans()):
        dimensions |= {"id": ids, "size": sizes}
        del whole["id"], whole["size"], whole["class"]
        whole = {"dataset": whole}
    places_ = list(itertools.product(*codes.values()))
    return whole, dict(zip(places_, values, strict=True)), dict(zip(places_, statuses, strict=True))


@given(cubes())
@settings(max_examples=100, deadline=None)
def test_json_stat_is_read_as_its_rules_say(
    cube: tuple[Json, dict[tuple[str, ...], float | None], dict[tuple[str, ...], str | None]],
) -> None:
    whole, values, statuses = cube
    found = read_json_stat(BytesIO(json.dumps(whole).encode()))
    seen = {tuple(one.codes.values()): one for one in found}
    ordered = {tuple(one.codes[d.id] for d in found.dimensions): one for one in seen.values()}
    assert {place: one.value for place, one in ordered.items()} == values
    assert {place: one.symbol for place, one in ordered.items()} == statuses
    assert [one.number for one in found] == list(range(1, len(values) + 1))
    assert all(found.at(one.codes) == one for one in found)


async def test_figures_are_published_as_history_and_a_revision_as_one_through_the_front_door(
    estate: Estate, bus: Bus
) -> None:
    await estate.register("statistics-import")
    told = (EXAMPLES / "employment-municipality-2022.yaml").read_text()
    (estate.folder / "employment.yaml").write_text(told)
    file = (EXAMPLES / "employment-municipality-2022.json").read_text()
    assert (await estate.run(file.encode(), name="employment"))["counts"]["OfficialStatisticImported"] == 3
    first = await bus.expect(OfficialStatisticImported, 3)
    assert {(event.data.revision, event.history) for event in first} == {(0, True)}
    assert {str(event.time.date()) for event in first} == {"2023-12-05"}

    later = file.replace("2023-12-05", "2024-12-05")
    assert (await estate.run(later.encode(), name="employment"))["counts"]["unchanged"] == 3
    revised = later.replace("80.7", "80.9")
    assert (await estate.run(revised.encode(), name="employment"))["counts"]["OfficialStatisticImported"] == 1
    [revision] = await bus.expect(OfficialStatisticImported, revision=1)
    assert (revision.data.value, revision.data.sex, revision.history) == (80.9, "women", False)
    assert revision.time > max(event.time for event in first)
