"""Official statistics from JSON-stat and tables: each figure comes with where it is from, and none is guessed."""

from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from schemas.statistics import OfficialStatisticImported
from services.chassis.testkit import Bus
from services.gateway.connectors.shape import Found
from services.gateway.connectors.statistics import OfficialStatistics
from services.gateway.connectors.statistics_options import StatisticsOptions, as_ages, as_period
from tests.gateway.connectors.estate import Estate
from tests.gateway.connectors.figures import OPTIONS, Json, data, dataset, read, refused, unreadable

EXAMPLES = Path("docs/examples/connectors")


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


def test_a_table_needs_to_be_told_where_things_are() -> None:
    csv = "region;ANDEL\n0680;1,5\n"
    assert "where regions and periods are" in unreadable(csv, published_on="2022-01-31")
    where = {"dimension": "region", "divisions": [{"kind": "municipality", "version": "2022"}]}
    assert "when it was published" in unreadable(csv, region=where, period="2021")
    assert "no column named år" in unreadable(csv, region=where, period={"dimension": "år"}, published_on="2022-01-31")


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
