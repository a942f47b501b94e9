"""The kinds of value our events are made of, each with one rule, one phrase for errors and one JSON Schema.

All are strict: a number is never taken for a text, nor a timestamp for a date. Only shapes live here; what a field
means is said by the event that has it.
"""

import re
from collections.abc import Hashable, Sequence
from datetime import date
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, StringConstraints
from pydantic.config import JsonDict
from pydantic.json_schema import JsonSchemaValue, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError

NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""No control characters (C0, DEL, C1), so no NUL, line break or tab. Lone surrogates never pass: they are not text."""
LINES = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*$"
CODE = r"^[a-z][a-z0-9]*([_-][a-z0-9]+)*$"
URI_REFERENCE = r"^([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$"
EMAIL = r"^[^\s@<>()\[\]\\,;:\x22\x00-\x1f\x7f-\x9f]+@[^\s@<>()\[\]\\,;:\x22.\x00-\x1f\x7f-\x9f]+(\.[^\s@<>()\[\]\\,;:\x22.\x00-\x1f\x7f-\x9f]+)+$"
PHONE = r"^\+?[0-9]([ ()./-]*[0-9]){4,14}$"
MUNICIPALITY = r"^[0-9]{4}$"
LANGUAGE = (
    r"^[A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}"
    r"(-[A-Za-z]{4})?"
    r"(-([A-Za-z]{2}|[0-9]{3}))?"
    r"(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
    r"(-[A-WY-Za-wy-z0-9](-[A-Za-z0-9]{2,8})+)*"
    r"(-[Xx](-[A-Za-z0-9]{1,8})+)?$"
)
MONTH = r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$"
WEEK = r"^(19|20|21)[0-9]{2}-W(0[1-9]|[1-4][0-9]|5[0-3])$"
PERIOD = r"^(19|20|21)[0-9]{2}(-(Q[1-4]|0[1-9]|1[0-2]))?$"
INTERVAL = r"^P([1-9][0-9]{0,2}D|T[1-9][0-9]{0,2}H)$"
INVITATION_CODE = r"^[0-9A-Z]{2,8}(-[0-9A-Z]{2,8}){0,4}$"
DIGEST = r"^[0-9a-f]{64}$"
PHRASES = {
    NO_CONTROL: "text without control characters",
    LINES: "text without control characters other than line breaks",
    CODE: "a code in lower case, such as housing_introduction or trust-and-safety",
    URI_REFERENCE: "a URI-reference, such as urn:example:tenancy or https://example.se/tenancy",
    EMAIL: "an e-mail address, such as name@example.se",
    PHONE: "a phone number of 5 to 15 digits, such as +46 36 12 34 56",
    MUNICIPALITY: "a municipality code of four digits, such as 0680",
    LANGUAGE: "a BCP 47 language tag, such as sv, ar or zh-Hant",
    MONTH: "a month, such as 2019-04",
    WEEK: "an ISO week, such as 2019-W27",
    PERIOD: "a year, quarter or month, such as 2019, 2019-Q2 or 2019-04",
    INTERVAL: "whole days or hours, such as P1D, P7D or PT6H",
    INVITATION_CODE: "digits and capital letters in groups, such as 7KQ4-M2XD-9RTB",
    DIGEST: "a SHA-256 digest: 64 hexadecimal digits in lower case",
}
"""Pattern → what to tell a publisher that missed it (a pattern reads badly in an error)."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
EARLIEST_DAY = date(1900, 1, 1)
A_DAY = "a date that exists, YYYY-MM-DD, not before 1900"


def _day(value: object) -> object:
    if isinstance(value, str):
        if not _DAY.fullmatch(value):
            raise PydanticCustomError("expected", A_DAY)
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise PydanticCustomError("expected", A_DAY) from None
    return value


def _not_ancient(value: date) -> date:
    if value < EARLIEST_DAY:
        raise PydanticCustomError("expected", A_DAY)
    return value


def _canonical_language(tag: str) -> str:
    """Subtags in the usual case, so that `AR` and `zh-hant-tw` are found under `ar` and `zh-Hant-TW`."""
    head, *rest = tag.split("-")
    parts = [head.lower()]
    for at, part in enumerate(rest):
        if len(part) == 1:
            return "-".join([*parts, *(later.lower() for later in rest[at:])])
        parts.append({2: part.upper(), 4: part.title()}.get(len(part), part.lower()))
    return "-".join(parts)


def _each_once(values: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
    if len(set(values)) < len(values):
        raise PydanticCustomError("expected", "each value once")
    return values


class _UniqueItems:
    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "uniqueItems": True}


T = TypeVar("T")
EachOnce = Annotated[tuple[T, ...], AfterValidator(_each_once), _UniqueItems()]
"""A list that is a set: a value twice is refused."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=NO_CONTROL)]
"""An identifier made by its publisher: 1 to 128 characters, never a name, never a personal identity number."""
Code = Annotated[str, StringConstraints(max_length=64, pattern=CODE)]
"""A code of a set that may grow without a new major version."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_CONTROL)]
"""One line of text for people."""
Lines = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=LINES)]
Day = Annotated[
    date, BeforeValidator(_day), AfterValidator(_not_ancient), WithJsonSchema({"type": "string", "format": "date"})
]
"""A calendar day in Swedish local time, `YYYY-MM-DD`; never a moment."""
Year = Annotated[int, Field(ge=1900, le=2199)]
Month = Annotated[str, StringConstraints(pattern=MONTH)]
Week = Annotated[str, StringConstraints(pattern=WEEK)]
"""An ISO 8601 week, Monday to Sunday: `2019-W27`."""
Period = Annotated[str, StringConstraints(pattern=PERIOD)]
"""A year, quarter or month: `2019`, `2019-Q2`, `2019-04`."""
Interval = Annotated[str, StringConstraints(pattern=INTERVAL)]
"""An ISO 8601 duration of whole days or hours: `P7D`, `PT6H`."""
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Quantity = Annotated[float, Field(ge=0, le=1_000_000_000)]
UriReference = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=URI_REFERENCE)]
Source = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=URI_REFERENCE)]
"""A CloudEvents `source` that is itself the subject of an event, and so no longer than a subject."""
Email = Annotated[str, StringConstraints(max_length=254, pattern=EMAIL)]
Phone = Annotated[str, StringConstraints(max_length=40, pattern=PHONE)]
Language = Annotated[str, StringConstraints(max_length=35, pattern=LANGUAGE), AfterValidator(_canonical_language)]
Dimension = Annotated[
    dict[Code, Id],
    Field(max_length=8),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": 8,
            "propertyNames": {"maxLength": 64, "pattern": CODE},
            "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": NO_CONTROL},
        }
    ),
]
"""What a figure or target is for: dimension → member, such as `{"area": "oxnehaga"}`."""
InvitationCode = Annotated[str, StringConstraints(pattern=INVITATION_CODE)]
Digest = Annotated[str, StringConstraints(pattern=DIGEST)]
MunicipalityCode = Annotated[str, StringConstraints(pattern=MUNICIPALITY)]

Unit = Literal["percent", "percentage_points", "number", "sek", "hours", "days", "index", "date"]
RegionKind = Literal["municipality", "RegSO", "DeSO", "voting_district", "other"]
PlacementKind = Literal["internship", "trainee", "summer_job", "project_job"]
"""Praktik, traineeplats, sommarjobb, projektjobb."""

OptOut = Literal["housing_introduction", "consultation", "feedback", "survey", "all"]
"""What a household can ask not to be written to about: an occasion (why it is written to), or all of them."""
Channel = Literal["email", "sms", "letter", "by_hand"]


def valued_when(statuses: Sequence[str], *, else_without: Sequence[str]) -> JsonDict:
    """For JSON Schema, the rule that `value` is there exactly when `status` is one of `statuses`; the fields
    `else_without` are not there otherwise."""
    return {
        "if": {"properties": {"status": {"enum": [*statuses]}}},
        "then": {"properties": {"value": {"type": "number"}}, "required": ["value"]},
        "else": {"properties": {name: {"type": "null"} for name in else_without}},
    }


def in_order(first: date, last: date | None, field: str) -> None:
    """For a rule between two days of one event. Raises what pydantic reports when `last` comes before `first`."""
    if last is not None and last < first:
        raise PydanticCustomError("expected", "{field} on or after the first day", {"field": field})
