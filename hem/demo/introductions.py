"""Introductions held with the households of the made-up year, and the first quarter of the year after it."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from hem.demo.telling import Teller, spread
from hem.demo.year import AREAS, PROGRAMME_AREA, MoveIn
from schemas.community import ConsultationHeld
from schemas.notifications import (
    ConsultationInvited,
    FeedbackSent,
    HousingIntroductionAnswered,
    HousingIntroductionBooked,
    HousingIntroductionHeld,
    HousingIntroductionNotHeld,
    HousingIntroductionOffered,
)
from schemas.tenancy import MoveInCancelled, TenantMovedIn

HELD_SHARE = 0.68
MOVED_IN_2020, OFFERED_2020 = 38, 33
LAST = date(2020, 3, 31)
NOWHERE = "norrangen"
"""An area that nobody has defined: a slip that the page on data quality shows."""


def move_ins_of_2020(teller: Teller) -> list[TenantMovedIn]:
    """What the housing system tells of the first quarter. Returns the move-ins of the programme's area that stand."""
    standing = []
    for area, size in AREAS.items():
        count = MOVED_IN_2020 if area == PROGRAMME_AREA else max(2, size.move_ins // 4)
        for on in spread(teller.rng, count, date(2020, 1, 2), LAST):
            move = _move_in(teller.rng, area, on)
            teller.tell(move, on)
            if area == PROGRAMME_AREA:
                standing.append(move)
    never = _move_in(teller.rng, PROGRAMME_AREA, date(2020, 2, 1))
    teller.tell(never, never.moved_in_on)
    cancelled = MoveInCancelled(tenancy_id=never.tenancy_id, reason="tenant_withdrew")
    teller.tell(cancelled, date(2020, 2, 4))
    for on, area in ((date(2020, 2, 1), NOWHERE), (date(2091, 3, 1), PROGRAMME_AREA)):
        teller.tell(_move_in(teller.rng, area, on), date(2020, 2, 3))
    return standing


def _move_in(rng: Random, area: str, on: date) -> TenantMovedIn:
    return TenantMovedIn(
        tenancy_id=f"t-2020-{rng.getrandbits(40):010x}",
        tenant_ref=f"h-2020-{rng.getrandbits(40):010x}",
        area_id=area,
        moved_in_on=on,
        contact_rule="any",
    )


def introductions(teller: Teller, year: Sequence[MoveIn], later: Sequence[TenantMovedIn]) -> None:
    """What notifications would have told: introductions held in the made-up year, and all of the quarter after it.

    The offers of the made-up year are not here: they go out when it is played.
    """
    for move in year:
        if not (move.letter_only or move.silent):
            _booked(teller, move.tenancy, move.on)
    for number, move_in in enumerate(later):
        if number % MOVED_IN_2020 < OFFERED_2020:
            on = move_in.moved_in_on + timedelta(days=2)
            offered = HousingIntroductionOffered(
                tenancy_id=move_in.tenancy_id, area_id=PROGRAMME_AREA, offered_on=on, channel="email"
            )
            teller.tell(offered, on)
            _booked(teller, move_in.tenancy_id, move_in.moved_in_on)


def _booked(teller: Teller, tenancy: str, moved_in: date) -> None:
    """An answer, and where it was yes a day that came to something or not."""
    rng = teller.rng
    answered = moved_in + timedelta(days=rng.randint(3, 9))
    if rng.random() > HELD_SHARE + 0.1:
        if rng.random() < 0.5:
            teller.tell(HousingIntroductionAnswered(tenancy_id=tenancy, answer="no", answered_on=answered), answered)
        return
    booked = answered + timedelta(days=rng.randint(4, 21))
    if booked > LAST:
        return
    teller.tell(HousingIntroductionAnswered(tenancy_id=tenancy, answer="yes", answered_on=answered), answered)
    where = {"tenancy_id": tenancy, "area_id": PROGRAMME_AREA}
    teller.tell(HousingIntroductionBooked(**where, booked_for=booked), answered)
    if rng.random() < HELD_SHARE / (HELD_SHARE + 0.1):
        teller.tell(HousingIntroductionHeld(**where, held_on=booked), booked)
    else:
        teller.tell(HousingIntroductionNotHeld(**where, booked_for=booked, reason="not_there"), booked)


def letters(teller: Teller, feedback: Sequence[FeedbackSent], consultations: Sequence[ConsultationHeld]) -> None:
    """What went out to whole areas: what surveys led to, and invitations to consultations."""
    for told in feedback:
        teller.tell(told, told.sent_on)
    invited = set()
    for held in consultations:
        if held.project_id in invited:
            continue
        invited.add(held.project_id)
        on = held.held_on - timedelta(days=21)
        said = ConsultationInvited(
            project_id=held.project_id, area_id=held.area_id, households=held.participants * 3,
            languages=("sv", "en", "ar", "so"), invited_on=on,
        )  # fmt: skip
        teller.tell(said, on)
