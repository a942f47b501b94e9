"""Somebody who isn't signed in, reads everything that is public, and works out by linear programming what isn't shown.

Nothing here knows how figures are hidden. What is taken to be known: which areas there are and where the programme ran,
that a year is its months, that the company is its areas with the programme, that whoever achieved is one of those there
are, that both goals are about the same households, and that a figure that isn't shown isn't of nobody.
"""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import ceil, floor
from typing import Any

import httpx2
import numpy as np
from openpyxl import load_workbook
from scipy.optimize import linprog  # type: ignore[import-untyped]
from scipy.sparse import csr_array  # type: ignore[import-untyped]

from services.reporting.domain.periods import Period

GOALS = ("housing-introduction-offered", "housing-introduction-held")
PAIR = re.compile(r"(\d+)(?:\s|&nbsp;|\u00a0)+(?:av|of)(?:\s|&nbsp;|\u00a0)+(\d+)")
LARGEST = 10_000
PAGES = 2  # of hidden figures, in each period

Where = tuple[str, str, str | None]
"""(goal, period, area; none: the company)."""
Pair = tuple[float, float]


@dataclass
class Public:
    """What has been seen. `shown`: each value that a figure had at any time; `hidden`: figures that weren't shown."""

    shown: dict[Where, list[Pair]] = field(default_factory=dict)
    hidden: set[Where] = field(default_factory=set)
    on_pages: dict[tuple[str, str], set[Pair]] = field(default_factory=dict)

    def say(self, where: Where, status: str, pair: Pair | None) -> None:
        if status == "suppressed":
            assert pair is None, f"{where} isn't shown, and is {pair}"
            self.hidden.add(where)
        else:
            value = pair or (0, 0)
            seen = self.shown.setdefault(where, [])
            if value not in seen:
                seen.append(value)


async def look(client: httpx2.AsyncClient, public: Public, periods: Iterable[str], days: Iterable[date]) -> None:
    """Reads API and exports of each period as it was on each day, and the pages as they are."""
    periods, days = list(periods), list(days)
    for period in periods:
        for day in days:
            asked: Mapping[str, Any] = {"goal": list(GOALS), "period": period, "as_of": day.isoformat(), "limit": 1000}
            async for where, status, pair in _told(client, asked):
                public.say(where, status, pair)
        for goal, _, area in sorted((where for where in public.hidden if where[1] == period), key=str)[:PAGES]:
            for of in (None, area):
                page = await client.get(f"/goals/{goal}", params={"period": period, **({"area": of} if of else {})})
                assert page.status_code == 200, page.text
                pairs = {(float(n), float(d)) for n, d in PAIR.findall(page.text)}
                public.on_pages.setdefault((goal, period), set()).update(pairs)


async def _told(client: httpx2.AsyncClient, asked: Mapping[str, Any]) -> AsyncIterator[tuple[Where, str, Pair | None]]:
    api = (await _get(client, "/api/v1/figures", asked)).json()["figures"]
    for one in api:
        yield (one["goal"], one["period"], one["area"]), one["status"], _pair(one["numerator"], one["denominator"])
    export = {name: value for name, value in asked.items() if name != "limit"}
    text = (await _get(client, "/api/v1/figures.csv", {**export, "lang": "en"})).content.decode("utf-8-sig")
    for row in _table(csv.reader(io.StringIO(text), csv.Sniffer().sniff(text.splitlines()[0]))):
        yield row
    book = load_workbook(io.BytesIO((await _get(client, "/api/v1/figures.xlsx", export)).content), read_only=True)
    for row in _table(list(line) for line in book.worksheets[0].iter_rows(values_only=True)):
        yield row


def _table(rows: Iterable[list[Any]]) -> Iterator[tuple[Where, str, Pair | None]]:
    names: list[str] = []
    for row in rows:
        if not names:
            names = [str(name) for name in row] if "goal" in row else []
        elif row and row[0]:
            one = dict(zip(names, row, strict=False))
            pair = _pair(one["numerator"], one["denominator"])
            yield (one["goal"], str(one["period"]), one["area"] or None), one["status"], pair


def _pair(numerator: Any, denominator: Any) -> Pair | None:
    if numerator in (None, "") and denominator in (None, ""):
        return None
    return float(str(numerator).replace(",", ".")), float(str(denominator).replace(",", "."))


async def _get(client: httpx2.AsyncClient, path: str, asked: Mapping[str, Any]) -> httpx2.Response:
    answer = await client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer


class Attack:
    """The linear program of one year. `ran`: area → the first day of the programme there, if it ever ran."""

    def __init__(self, public: Public, year: int, ran: Mapping[str, date]) -> None:
        self.public, self.ran = public, ran
        self.months = [month.label for month in Period.year(year).months()]
        self.areas = sorted({where[2] for where in public.shown.keys() | public.hidden if where[2]})
        self.names: dict[tuple[str, ...], int] = {}
        self.equal: list[tuple[dict[int, float], float]] = []
        self.less: list[tuple[dict[int, float], float]] = []
        self._write()

    def _at(self, *name: str) -> int:
        return self.names.setdefault(name, len(self.names))

    def _of(self, where: Where, what: str) -> dict[int, float]:
        """A figure's numerator (a goal's name) or denominator ("all") as a sum of unknowns, one for each month."""
        _, period, area = where
        months = [month.label for month in Period.parse(period).months()]
        if area is not None:
            return {self._at(what, area, month): 1.0 for month in months}
        found: dict[int, float] = {}
        for other in self.areas:
            for month in months:
                found |= self._in_programme(what, other, month)
        return found

    def _in_programme(self, what: str, area: str, month: str) -> dict[int, float]:
        first, (start, last) = self.ran.get(area), (Period.parse(month).first, Period.parse(month).last)
        if first is None or first > last:
            return {}
        return {self._at(what, area, month) if first <= start else self._at("in " + what, area, month): 1.0}

    def _write(self) -> None:
        for area in self.areas:
            for month in self.months:
                for goal in GOALS:
                    self.less.append(({self._at(goal, area, month): 1, self._at("all", area, month): -1}, 0))
        for where, pairs in self.public.shown.items():
            assert len(pairs) == 1, f"{where} was told as {pairs}"
            for what, value in zip((where[0], "all"), pairs[0], strict=True):
                self.equal.append((self._of(where, what), value))
        for where in self.public.hidden:
            self.less.append((dict.fromkeys(self._of(where, "all"), -1.0), -1))
        for what, area, month in [name for name in self.names if name[0].startswith("in ")]:
            self.less.append(({self._at(what, area, month): 1, self._at(what[3:], area, month): -1}, 0))
            if what != "in all":
                self.less.append(({self._at(what, area, month): 1, self._at("in all", area, month): -1}, 0))

    def worked_out(self, min_n: int) -> list[str]:
        """The hidden figures that can be told to less than `min_n` households, with what they can be."""
        matrices = self._matrices()
        found = []
        for period, area in sorted({where[1:] for where in self.public.hidden}, key=str):
            low, high = self._range(self._of(("", period, area), "all"), matrices)
            if high - low < min_n - 1:
                found.append(f"{period} {area}: {low}–{high} households")
        for where in sorted(self.public.hidden, key=str):
            low, high = self._range(self._of(where, where[0]), matrices)
            if low == high != 0:
                found.append(f"{where}: {low} achieved")
        return found

    def _matrices(self) -> dict[str, Any]:
        def matrix(rows: list[tuple[dict[int, float], float]]) -> tuple[Any, Any]:
            cells = [(sign, number, at) for number, (row, _) in enumerate(rows) for at, sign in row.items()]
            signs, numbers, columns = zip(*cells, strict=True)
            found = csr_array((signs, (numbers, columns)), shape=(len(rows), len(self.names)))
            return found, np.array([value for _, value in rows], dtype=float)

        (a_eq, b_eq), (a_ub, b_ub) = matrix(self.equal), matrix(self.less)
        return {"A_eq": a_eq, "b_eq": b_eq, "A_ub": a_ub, "b_ub": b_ub, "bounds": (0, LARGEST), "method": "highs"}

    def _range(self, row: dict[int, float], matrices: dict[str, Any]) -> tuple[int, int]:
        goal = np.zeros(len(self.names))
        for at, sign in row.items():
            goal[at] = sign
        low, high = linprog(goal, **matrices), linprog(-goal, **matrices)
        assert low.status == high.status == 0, low.message
        return ceil(low.fun - 1e-6), floor(-high.fun + 1e-6)
