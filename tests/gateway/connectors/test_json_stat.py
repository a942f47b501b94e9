"""JSON-stat: read as its rules say, and refused whole where it breaks them."""

import itertools
import json
import math
import random
from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.gateway.connectors.json_stat import read_json_stat
from services.gateway.connectors.shape import Unreadable
from tests.gateway.connectors.figures import Json, data, dataset, read, unreadable


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


def test_categories_with_gaps_in_their_order_are_refused() -> None:
    told = dataset()
    told["dimension"]["Region"]["category"]["index"] = {"0680A0010": 0, "0680A0020": 2}
    assert "gaps" in unreadable(told)


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


def other(said: Any, chance: random.Random) -> Any:
    """The same JSON with some parts gone or of another kind."""
    if chance.random() < 0.1:
        return chance.choice([None, 1, -1, "x", [], {}, True, 1e9, ["x"], {"0": 1}])
    if isinstance(said, dict):
        return {name: other(inner, chance) for name, inner in said.items() if chance.random() > 0.03}
    return [other(inner, chance) for inner in said] if isinstance(said, list) else said


@given(st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_a_dataset_with_odd_parts_is_read_or_refused_and_never_a_defect(seed: int) -> None:
    with suppress(Unreadable):
        read(json.dumps(other(dataset(status={"1": ".."}, note=["Not."]), random.Random(seed))))
