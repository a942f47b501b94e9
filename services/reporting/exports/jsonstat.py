"""Figures as a JSON-stat 2.0 dataset (json-stat.org/full): dimensions measure, area, period, other.

Values are sparse: a cell that is absent has none, and `status` says why. Beside each measure stand its numerator and
denominator as measures of their own (`goal/measure/numerator`), so that whoever adds areas adds those and never averages.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from services.chassis.clock import STOCKHOLM
from services.chassis.web.words import N_
from services.reporting.exports.rows import About, Row, Table, exact

MEDIA_TYPE = "application/json"
DIMENSIONS = ("measure", "area", "period", "other")
WHOLE = "all"  # the company among areas, and every value among those of other dimensions
NO_VALUE = frozenset({"no_data", "suppressed", "filling"})
Text = Callable[[str], str]
Number = int | float
LABELS: Mapping[str, str] = {
    "measure": N_("Measure"), "area": N_("Area"), "period": N_("Period"), "other": N_("Other breakdown"),
}  # fmt: skip


def write(table: Table, text: Text) -> dict[str, Any]:
    """The dataset. `table.address` is absolute; `text` puts the labels in the reader's language."""
    grid = _Grid(table.rows)
    return {
        "version": "2.0",
        "class": "dataset",
        "label": table.title,
        "href": table.address,
        "source": table.citation,
        "updated": table.as_of.astimezone(STOCKHOLM).isoformat(timespec="seconds"),
        "id": list(DIMENSIONS),
        "size": grid.size,
        "role": {"metric": ["measure"], "geo": ["area"], "time": ["period"]},
        "dimension": _dimensions(table.rows, grid, text),
        "value": {str(at): value for at, value in grid.values()},
        "status": {str(at): status for at, status in grid.statuses()},
        "note": sorted({note for row in table.rows for note in row.notes}),
        "extension": {
            "definitions": [_definition(about) for about in table.about],
            "cells": {str(grid.at(row)): _said(row) for row in table.rows},
        },
    }


class _Grid:
    """Where each row's cells are: the categories of each dimension in order, and the index they make together."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        measures = dict.fromkeys(name for row in rows for name, _ in cells_of(row))
        areas = dict.fromkeys([WHOLE, *(row.area for row in rows if row.area)])
        others = dict.fromkeys([WHOLE, *("=".join(row.dimension) for row in rows if row.dimension)])
        self.categories = (list(measures), list(areas), sorted({row.period for row in rows}), list(others))
        self._places = [{name: at for at, name in enumerate(names)} for names in self.categories]

    @property
    def size(self) -> list[int]:
        return [len(names) for names in self.categories]

    def at(self, row: Row, measure: str | None = None) -> int:
        """The index of a cell, the last dimension turning fastest. `measure`: the row's own where None."""
        other = "=".join(row.dimension) if row.dimension else WHOLE
        at = 0
        names = (measure or name_of(row), row.area or WHOLE, row.period, other)
        for places, size, name in zip(self._places, self.size, names, strict=True):
            at = at * size + places[name]
        return at

    def values(self) -> Iterable[tuple[int, Number]]:
        for row in self.rows:
            for name, value in cells_of(row):
                if value is not None:
                    yield self.at(row, name), number(value)

    def statuses(self) -> Iterable[tuple[int, str]]:
        for row in self.rows:
            status = row.status if row.status in NO_VALUE else "provisional" if row.provisional else "final"
            for name, _ in cells_of(row):
                yield self.at(row, name), status


def name_of(row: Row) -> str:
    return f"{row.goal}/{row.measure}"


def cells_of(row: Row) -> list[tuple[str, Fraction | None]]:
    """The measures that a row gives a value of, its own first."""
    name = name_of(row)
    parts = [(f"{name}/numerator", row.numerator), (f"{name}/denominator", row.denominator)]
    return [(name, row.value), *(part for part in parts if part[1] is not None)]


def number(value: Fraction | Decimal) -> Number:
    """As JSON writes it: whole where it is whole."""
    found = exact(Fraction(value))
    return found if isinstance(found, int) else float(found or 0)


def _decimals(value: Fraction | None) -> int:
    """How many it is written with: hours are counted in parts of one."""
    found = exact(value)
    return max(-int(found.as_tuple().exponent), 0) if isinstance(found, Decimal) else 0


def _dimensions(rows: Sequence[Row], grid: _Grid, text: Text) -> dict[str, Any]:
    measures: dict[str, str] = {}
    units: dict[str, dict[str, Any]] = {}
    for row in rows:
        words = {"numerator": text(N_("numerator")), "denominator": text(N_("denominator"))}
        for name, value in cells_of(row):
            part = name.removeprefix(name_of(row)).lstrip("/")
            measures[name] = f"{row.title}: {words[part]}" if part else row.title
            few = units.get(name, {"decimals": 0})["decimals"]
            units[name] = (
                {"decimals": max(few, _decimals(value))} if part else {"label": row.unit, "decimals": row.decimals}
            )
    areas = {WHOLE: text(N_("The whole company"))} | {row.area: row.area_name or row.area for row in rows if row.area}
    others = {WHOLE: text(N_("All"))} | {"=".join(d): d[1] for row in rows if (d := row.dimension)}
    labels: tuple[dict[str, str], ...] = (measures, areas, {period: period for period in grid.categories[2]}, others)
    found: dict[str, Any] = {}
    for id, names, label in zip(DIMENSIONS, grid.categories, labels, strict=True):
        found[id] = {"label": text(LABELS[id]), "category": {"index": names, "label": {n: label[n] for n in names}}}
    found["measure"]["category"]["unit"] = {name: units[name] for name in grid.categories[0]}
    return found


def _definition(about: About) -> dict[str, Any]:
    return {
        "goal": about.goal, "version": about.version, "since": about.since, "document": about.document,
        "definition": about.definition, "population": about.population, "source": about.source,
    }  # fmt: skip


def _said(row: Row) -> dict[str, Any]:
    """What a cell is besides its value."""
    said: dict[str, Any] = {"status": row.status, "provisional": row.provisional, "version": row.definition_version}
    if row.comparison:
        said["target"] = {"comparison": row.comparison, "value": None if row.target is None else number(row.target)}
    if row.published_on:
        said["published_on"] = row.published_on.isoformat()
    if row.notes:
        said["notes"] = list(row.notes)
    return said
