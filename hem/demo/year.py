"""The made-up year 2019 as events: about a thousand move-ins, told the way systems tell them: twice, late and corrected.

Seeded: the same seed gives the same events with the same ids, so that playing it twice is playing it once.
"""

import uuid
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hem.demo.people import REFUSED_DOMAIN, Household, make_household

SOURCE = "urn:vatterhem:made-up:housing"
STOCKHOLM = ZoneInfo("Europe/Stockholm")
PROGRAMME_AREA = "oxnehaga"
NEW_YEAR = date(2019, 1, 1)


@dataclass(frozen=True)
class Area:
    """How many homes it has, and how many move-ins of the year stand in the end."""

    homes: int
    move_ins: int


AREAS = {
    "oxnehaga": Area(1450, 150),
    "raslatt": Area(2550, 246),
    "osterangen": Area(780, 81),
    "ekhagen": Area(960, 104),
    "soder": Area(520, 58),
    "vaster": Area(610, 69),
    "oster": Area(340, 37),
    "rosenlund": Area(290, 33),
    "huskvarna": Area(420, 46),
    "bankeryd": Area(110, 12),
}

# Of the programme's area, exactly: how many must be reached by hand for each reason. Elsewhere about as many by share.
LETTER_ONLY, NO_CONTACT, REFUSED = 9, 6, 3
LETTER_SHARE, SILENT_SHARE = 0.06, 0.03
OFFERED_IN_THE_END = 137
"""Of the 150 of the programme's area, after staff have marked some by hand."""


@dataclass(frozen=True)
class MoveIn:
    """A tenancy of the year, as it is in truth."""

    tenancy: str
    area: str
    building: str
    dwelling: str
    on: date
    household: Household
    letter_only: bool = False
    silent: bool = False
    transferred_from: str | None = None


@dataclass
class Year:
    """The events in the order they are sent; of the programme's area the tenancies that stand in the end, and those of
    them that e-mail does not reach."""

    events: list[dict[str, Any]] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)
    moves: list[MoveIn] = field(default_factory=list)


def make_year(seed: int = 2019) -> Year:
    """The whole year."""
    teller = Teller(Random(seed))
    for area, size in AREAS.items():
        moves = _with_reach(teller.rng, [_move_in(teller.rng, area, size) for _ in range(size.move_ins)])
        for move in moves:
            teller.tell(move)
        for _ in range(max(1, size.move_ins // 50)):
            teller.tell_cancelled(_move_in(teller.rng, area, size))
        for _ in range(size.move_ins * 9 // 10):
            teller.tell_moved_out(_day(teller.rng))
        if area == PROGRAMME_AREA:
            teller.moves = sorted(moves, key=lambda move: move.on)
    teller.tell_mistakes()
    unreached = [move for move in teller.moves if move.letter_only or move.silent or _is_refused(move)]
    return Year(teller.in_order_of_sending(), [move.tenancy for move in unreached], teller.moves)


def _move_in(rng: Random, area: str, size: Area) -> MoveIn:
    building = f"{area}-{rng.randint(1, max(2, size.homes // 40)):02d}"
    number = rng.getrandbits(40)
    return MoveIn(
        tenancy=f"t-{number:010x}",
        area=area,
        building=building,
        dwelling=f"{building}-{rng.randint(1, 9)}{rng.randint(1, 12):02d}",
        on=_day(rng),
        household=make_household(rng, number % 100_000),
        transferred_from=f"t-{rng.getrandbits(40):010x}" if rng.random() < 0.08 else None,
    )


def _day(rng: Random) -> date:
    """Two of three move on the first of a month; autumn has more than spring."""
    month = rng.choices(range(1, 13), [7, 7, 8, 8, 8, 9, 8, 10, 10, 9, 8, 7])[0]
    return date(2019, month, 1 if rng.random() < 0.66 else rng.randint(2, 28))


def _with_reach(rng: Random, moves: list[MoveIn]) -> list[MoveIn]:
    """Choose who is reached by letter only, who gives no contact, and whose address takes no mail."""
    if moves[0].area == PROGRAMME_AREA:
        letter, silent, refused = LETTER_ONLY, NO_CONTACT, REFUSED
    else:
        letter, silent, refused = round(len(moves) * LETTER_SHARE), round(len(moves) * SILENT_SHARE), 0
    chosen = rng.sample(range(len(moves)), letter + silent + refused)
    for place in chosen[:letter]:
        moves[place] = replace(moves[place], letter_only=True)
    for place in chosen[letter : letter + silent]:
        moves[place] = replace(moves[place], silent=True)
    for place in chosen[letter + silent :]:
        household = moves[place].household
        email = (household.email or "").partition("@")[0] + f"@{REFUSED_DOMAIN}"
        moves[place] = replace(moves[place], household=replace(household, email=email))
    return moves


def _is_refused(move: MoveIn) -> bool:
    return (move.household.email or "").endswith(f"@{REFUSED_DOMAIN}")


class Teller:
    """Turns what happened into what a housing system sends, with the slips of life."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.moves: list[MoveIn] = []
        self._sent: list[tuple[datetime, int, dict[str, Any]]] = []

    def tell(self, move: MoveIn) -> None:
        """Contact and move-in in either order; some late, twice, or first wrong and then right."""
        rng = self.rng
        known = self._moment(move.on - timedelta(days=rng.randint(0, 20)))
        if rng.random() < 0.08:
            known = self._moment(move.on + timedelta(days=rng.randint(5, 45)))  # registered long after
        if rng.random() < 0.03:
            wrong = replace(
                move, on=move.on - timedelta(days=1) if move.on > NEW_YEAR else move.on, building=f"{move.area}-99"
            )
            self._move_in(wrong, known)
            known += timedelta(days=rng.randint(1, 6))
        self._move_in(move, known)
        if not move.letter_only and not move.silent:
            self._contact(move.household, known + timedelta(days=rng.randint(-15, 3)))
            if rng.random() < 0.05 and not _is_refused(move):
                self._contact(_moved_mailbox(move.household), known + timedelta(days=rng.randint(30, 120)))
        if rng.random() < 0.06:
            self._moved_out(move.tenancy, move.on + timedelta(days=rng.randint(60, 200)))

    def tell_cancelled(self, move: MoveIn) -> None:
        """A move-in that never was; every other time the cancellation comes first."""
        known = self._moment(move.on - timedelta(days=10))
        reason = self.rng.choice(["tenant_withdrew", "landlord_withdrew", "registered_in_error"])
        cancelled = known + timedelta(days=self.rng.choice([-1, 4]))
        self._send("MoveInCancelled", move.tenancy, {"tenancy_id": move.tenancy, "reason": reason}, cancelled)
        self._move_in(move, known)

    def tell_moved_out(self, on: date) -> None:
        """Somebody who had moved in before the year."""
        self._moved_out(f"t-{self.rng.getrandbits(40):010x}", on)

    def tell_mistakes(self) -> None:
        """Two move-ins of 2019 that weren't: one was of the year after, one was sent by mistake and is taken back."""
        rng, size = self.rng, AREAS[PROGRAMME_AREA]
        early = replace(_move_in(rng, PROGRAMME_AREA, size), on=date(2019, 12, 31))
        self._move_in(early, self._moment(early.on), day=early.on)
        self._move_in(early, self._moment(early.on) + timedelta(days=3), day=date(2020, 1, 1))
        mistaken = _move_in(rng, PROGRAMME_AREA, size)
        known = self._moment(mistaken.on)
        withdrawn = self._move_in(mistaken, known)
        taken_back = {"withdrawn_source": SOURCE, "withdrawn_id": withdrawn, "reason": "registered_in_error"}
        self._send("EventWithdrawn", mistaken.tenancy, taken_back, known + timedelta(days=2))

    def in_order_of_sending(self) -> list[dict[str, Any]]:
        return [event for _, _, event in sorted(self._sent, key=lambda sent: sent[:2])]

    def _move_in(self, move: MoveIn, known: datetime, day: date | None = None) -> str:
        data: dict[str, Any] = {
            "tenancy_id": move.tenancy,
            "tenant_ref": move.household.ref,
            "area_id": move.area,
            "moved_in_on": (day or move.on).isoformat(),
            "contact_rule": "letter_only" if move.letter_only else "any",
        }
        if not move.letter_only:
            data |= {"building_id": move.building, "dwelling_id": move.dwelling}
        if move.transferred_from:
            data["transferred_from"] = move.transferred_from
        return self._send("TenantMovedIn", move.tenancy, data, known)

    def _contact(self, household: Household, known: datetime) -> None:
        data = {
            "tenant_ref": household.ref,
            "name": household.name,
            "email": household.email,
            "language": household.language,
        }
        if household.phone:
            data["phone"] = household.phone
        self._send("TenantContactChanged", household.ref, data, known)

    def _moved_out(self, tenancy: str, on: date) -> None:
        data = {"tenancy_id": tenancy, "moved_out_on": on.isoformat()}
        self._send("TenantMovedOut", tenancy, data, self._moment(on))

    def _send(self, name: str, subject: str, data: dict[str, Any], at: datetime) -> str:
        """Send once; one of fifty twice, as a system does that did not hear the answer."""
        event = {
            "specversion": "1.0",
            "id": str(uuid.UUID(int=self.rng.getrandbits(128), version=4)),
            "source": SOURCE,
            "type": f"se.vatterhem.{name}.v1",
            "subject": subject,
            "time": at.isoformat(),
            "datacontenttype": "application/json",
            "data": data,
        }
        self._sent.append((at, len(self._sent), event))
        if self.rng.random() < 0.02:
            self._sent.append((at + timedelta(hours=self.rng.randint(1, 200)), len(self._sent), event))
        return str(event["id"])

    def _moment(self, day: date) -> datetime:
        return datetime.combine(day, time(self.rng.randint(7, 16), self.rng.randint(0, 59)), STOCKHOLM)


def _moved_mailbox(household: Household) -> Household:
    return replace(household, email=f"ny.{household.email}")
