"""The kinds of value our events are made of, each with one rule, one phrase for errors and one JSON Schema.

All are strict: a number is never taken for a text, nor a timestamp for a date. Only shapes live here; what a field
means is said by the event that has it.
"""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic.json_schema import WithJsonSchema
from pydantic_core import PydanticCustomError

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
PHRASES = {
    NO_CONTROL: "text without control characters",
    LINES: "text without control characters other than line breaks",
    CODE: "a code in lower case, such as housing_introduction or trust-and-safety",
    URI_REFERENCE: "a URI-reference, such as urn:example:tenancy or https://example.se/tenancy",
    EMAIL: "an e-mail address, such as name@example.se",
    PHONE: "a phone number of 5 to 15 digits, such as +46 36 12 34 56",
    MUNICIPALITY: "a municipality code of four digits, such as 0680",
    LANGUAGE: "a BCP 47 language tag, such as sv, ar or zh-Hant",
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
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
UriReference = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=URI_REFERENCE)]
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
MunicipalityCode = Annotated[str, StringConstraints(pattern=MUNICIPALITY)]

Occasion = Literal["housing_introduction", "consultation", "feedback", "survey"]
"""Why a household is written to."""
OptOut = Literal["housing_introduction", "consultation", "feedback", "survey", "all"]
"""What a household can ask not to be written to about: an occasion, or all of them."""
Channel = Literal["email", "sms", "letter", "by_hand"]
