"""What random histories are made of: few ids and few days, so that events meet. See `histories`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from schemas.event import EventData

SOURCES = ("urn:made-up:a", "urn:made-up:b", "urn:made-up:c")
AREAS = ("oxnehaga", "raslatt", "osterangen", "narnia")
"""Nobody defines the last."""
LANGUAGES = ("sv", "en", "ar", "so", "ti", "zh-Hant")
OCCUPATIONS = ("7111", "7125", "8219")
KINDS: tuple[Any, ...] = ("internship", "trainee", "summer_job", "summer_job", "project_job")
FIRST = date(2018, 12, 15)
DAYS = 430


def day(random: Random) -> date:
    """About 2019, sometimes long before or after."""
    if random.random() < 0.02:
        return random.choice([date(1900, 1, 1), date(2091, 3, 1), date(9999, 12, 31)])
    return FIRST + timedelta(days=random.randrange(DAYS))


def later(random: Random, first: date, most: int = 120) -> date:
    return min(first, date(9999, 1, 1)) + timedelta(days=random.randrange(most)) if first.year < 9999 else first


def id_of(random: Random, what: str, many: int = 12) -> str:
    return f"{what}{random.randrange(many)}"


def maybe(random: Random, value: Any, chance: float = 0.7) -> Any:
    return value if random.random() < chance else None


def area(random: Random) -> str:
    return random.choices(AREAS, weights=(5, 4, 3, 1))[0]


def some(random: Random, of: tuple[str, ...], least: int = 1) -> tuple[str, ...]:
    return tuple(random.sample(of, random.randint(least, len(of))))


def hours(random: Random) -> float:
    return random.choice([0.0, 7.5, 12.25, 160.0, 41.125])


@dataclass(frozen=True)
class Said:
    """A type of event, how often it is said beside the others, and how one is made."""

    model: type[EventData]
    weight: int
    fields: Callable[[Random], dict[str, Any]]

    def make(self, random: Random) -> EventData:
        return self.model(**self.fields(random))
