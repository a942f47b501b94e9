"""Random histories: everything that could be said about a small landlord, and every way for it to arrive.

What is said has few ids and few days, so that events meet: they correct, link, cancel and take back one another. Some
are dated in 2091, some speak of areas that nobody has defined, some clocks are wrong. How it arrives is shuffled,
repeated and replayed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from pydantic import ValidationError

from schemas.event import Event, EventData
from schemas.withdrawal import EventWithdrawn
from tests.reporting import histories_areas, histories_company, histories_homes, histories_work
from tests.reporting.histories_made import SOURCES, Said
from tests.reporting.recount import Sent

MAKERS = (*histories_work.WORK, *histories_homes.HOMES, *histories_areas.PLACES, *histories_company.COMPANY)


@dataclass(frozen=True)
class History:
    """`truth`: each event once; `sent`: as they arrive."""

    truth: tuple[Sent, ...]
    sent: tuple[Sent, ...]


def history(seed: int, size: int = 600, *, only: Sequence[type[EventData]] = ()) -> History:
    """A history of about `size` different events; of a few types, where `only` says so. The same for the same seed."""
    random = Random(seed)
    makers = [maker for maker in MAKERS if not only or maker.model in only]
    truth: list[Sent] = []
    for number in range(size):
        chance = random.random()
        if truth and chance < 0.12:
            truth.append(_corrected(random, random.choice(truth), number))
        elif truth and chance < 0.17:
            truth.append(_taken_back(random, random.choice(truth), number))
        else:
            said = random.choices(makers, weights=[maker.weight for maker in makers])[0]
            truth.append(_event(random, said.make(random), number))
    return History(tuple(truth), tuple(arrival(random, truth)))


def arrival(random: Random, truth: Sequence[Sent]) -> list[Sent]:
    """The same events out of order, some of them more than once, with a stretch of them all over again."""
    sent = list(truth)
    if random.random() < 0.7:
        random.shuffle(sent)
    for _ in range(len(truth) // 5):
        sent.insert(random.randrange(len(sent) + 1), random.choice(truth))
    begin = random.randrange(len(sent))
    return [*sent, *sent[begin : begin + len(sent) // 5]]


def _event(random: Random, data: EventData, number: int, **attributes: Any) -> Sent:
    said = {
        "id": f"e{number}-{random.randrange(10**6)}",
        "source": random.choice(SOURCES),
        "time": _moment(random, data),
        "sequence": random.choice([None, None, None, random.randrange(4)]),
        "history": random.random() < 0.2,
        "test": random.random() < 0.02,
        **attributes,
    }
    return Sent(data.topic, Event.of(data, **said))


def _moment(random: Random, data: EventData) -> datetime:
    """When it says that it happened: about any time, sometimes by a clock that is years wrong."""
    if random.random() < 0.03:
        return datetime(random.choice([1970, 2091, 9998]), 6, 1, tzinfo=UTC)
    return datetime(2018, 12, 30, tzinfo=UTC) + timedelta(
        days=random.randrange(420), hours=random.choice([0, 11, 22, 23]), minutes=30 * random.randrange(2)
    )


def _corrected(random: Random, earlier: Sent, number: int) -> Sent:
    """The same thing said again: with another content, by whichever source."""
    data = earlier.event.data
    makers: dict[type[EventData], Said] = {maker.model: maker for maker in MAKERS}
    if type(data) not in makers:  # a withdrawal can't be corrected
        return earlier
    same = {*data.identity_fields, *type(data)._subject_fields}
    if "round_id" in same:  # a round has its number and its summer
        same |= {"round", "year"}
    for _ in range(20):
        other = makers[type(data)].make(random)
        fields = {**dict(other), **{name: value for name, value in dict(data).items() if name in same}}
        try:
            return _event(random, type(data).model_validate(fields), number)
        except ValidationError:  # the days are not in order: try again
            continue
    return earlier


def _taken_back(random: Random, earlier: Sent, number: int) -> Sent:
    """An EventWithdrawn, as a rule by whoever said it; another's has no effect."""
    event = earlier.event
    data = EventWithdrawn(withdrawn_source=event.source, withdrawn_id=event.id, reason="registered_in_error")
    source = event.source if random.random() < 0.9 else random.choice(SOURCES)
    back = _event(random, data, number, source=source, subject=event.subject).event
    return Sent(earlier.topic, back)
