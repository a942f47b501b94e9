"""Charts: what is drawn where, by the geometry alone."""

from datetime import date
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.charts import NARROW, WIDE, Size, alone, chart, spark
from services.reporting.picture import Dot, Level, Mark, Picture, Tick, reach, steps

ENDS = [date(2019, month, 28) for month in range(1, 13)]


def written(value: float) -> str:
    return f"{value:g} %"


def picture(values: list[float | None], **more: object) -> Picture:
    said: dict[str, object] = {
        "first": date(2019, 1, 1),
        "last": date(2019, 12, 31),
        "dots": [Dot(end, value) for end, value in zip(ENDS, values, strict=False)],
        "spoken": "<Öxnehaga> & co",
        "value": written,
        "tick": written,
        "ticks": [Tick(date(2019, month, 15), str(month)) for month in range(1, 13)],
    }
    return Picture(**{**said, **more})  # type: ignore[arg-type]


def parsed(svg: str) -> Xml.Element:
    return Xml.fromstring(svg)  # noqa: S314 (what we have just written)


def named(svg: str, name: str) -> list[Xml.Element]:
    return [part for part in parsed(svg).iter() if (part.get("class") or "").split(" ")[0] == name]


def test_what_is_not_shown_parts_the_curve() -> None:
    svg = chart(picture([50, 60, None, 70, 80, None, 90]))
    curves = [line.get("points") for line in named(svg, "trend-line")]
    assert [len((points or "").split()) for points in curves] == [2, 2]
    assert len(named(svg, "dot")) == 2, "the one that stands alone, and the last"


def test_a_break_parts_the_curve_and_says_why() -> None:
    svg = chart(picture([50, 60, 70, 80], breaks=[Mark(date(2019, 3, 1), "New register")]))
    assert [len((line.get("points") or "").split()) for line in named(svg, "trend-line")] == [2, 2]
    assert [label.text for label in named(svg, "break-label")] == ["New register"]


def test_a_target_is_drawn_as_it_was_at_each_time() -> None:
    first, then = (
        Level(date(2018, 1, 1), date(2019, 6, 30), 50, "50"),
        Level(date(2019, 7, 1), date(2020, 1, 1), 90, "90"),
    )
    gone = Level(date(2017, 1, 1), date(2017, 12, 31), 10, "10")
    svg = chart(picture([50, 60, 70], levels=[gone, first, then]))
    assert [label.text for label in named(svg, "target-label")] == ["50", "90"]
    before, after = [line.get("d") or "" for line in named(svg, "target-line")]
    middle = float(after.removeprefix("M").split(" ")[0])
    assert float(before.split("H")[1]) == pytest.approx(middle, abs=3)
    assert "V" in after, "the step up is drawn"


def test_notes_hang_from_the_curve_and_are_numbered_by_their_day() -> None:
    notes = [Mark(date(2019, 6, 3), "later"), Mark(date(2019, 2, 3), "sooner"), Mark(date(2018, 1, 1), "another year")]
    svg = chart(picture([50, 60, 70, 80, 90, 90], notes=notes))
    assert [number.text for number in named(svg, "note-number")] == ["1", "2"]
    on_its_own = alone(picture([50, 60, 70], notes=notes), "heading", "lead", ["foot"])
    said = [foot.text or "" for foot in named(on_its_own, "foot")]
    assert said[0] == "lead"
    assert said[1].startswith("1. 2019-02-03: sooner")
    assert said[2].startswith("2. 2019-06-03: later")
    assert said[3] == "foot"


def test_a_picture_that_leaves_has_its_looks_on_it() -> None:
    svg = alone(picture([50, 60], levels=[Level(date(2019, 1, 1), date(2019, 12, 31), 90, "90")]), "h", "l", [])
    for part in parsed(svg).iter():
        name = part.get("class")
        assert name is None or {"fill", "stroke"} & {*part.keys()}, name
        assert part.get("style") is None
    assert "<style" not in svg
    assert "fill" not in chart(picture([50, 60])), "the page's stylesheet colours it there"


def test_words_are_escaped() -> None:
    for svg in (chart(picture([1, 2])), alone(picture([1, 2]), "<b>", "a & b", ["<script>"])):
        assert "<b>" not in svg
        assert "<script>" not in svg
    assert parsed(chart(picture([1, 2]))).get("aria-label") == "<Öxnehaga> & co"


def test_a_small_trend_without_data_is_nothing_and_several_share_a_scale() -> None:
    assert spark(picture([None, None])) == ""
    low, high = picture([10, 20]), picture([80, 90])
    span = reach([low, high])
    last = [float(named(spark(p, span), "dot")[0].get("d", "").split(" ")[1].split("h")[0]) for p in (low, high)]
    assert last[0] > last[1], "the higher value is higher up on the common scale"


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.integers(3, 7))
def test_the_axis_holds_every_value_in_few_round_steps(low: float, more: float, lines: int) -> None:
    rows = steps(low, low + more, lines)
    assert rows[0] <= low + 1e-6 * max(abs(low), 1)
    assert rows[-1] >= low + more - 1e-6 * max(abs(low + more), 1)
    assert len(rows) <= lines + 1


@given(st.lists(st.none() | st.floats(0, 100), min_size=1, max_size=12), st.sampled_from([WIDE, NARROW]))
def test_nothing_is_drawn_outside(values: list[float | None], size: Size) -> None:
    lines = named(chart(picture(values, limits=(0, 100)), size), "trend-line")
    places = [place.split(",") for line in lines for place in (line.get("points") or "").split()]
    assert all(0 <= float(x) <= size.width and 0 <= float(y) <= size.height for x, y in places)
