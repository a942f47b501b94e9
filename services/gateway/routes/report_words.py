"""Forms in the reader's words: what events, fields, codes and things are called, and what is wrong with a field.

The message ids are the schema's own: a field's name in English (context `field`), its description, a code in English
(context: the field's name), an event's name (context `event`).
"""

import gettext
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from babel import Locale, UnknownLocaleError

from schemas import fields as shapes
from services.chassis.web.formats import Formats
from services.chassis.web.languages import own_name
from services.chassis.web.words import N_
from services.gateway.domain.forms import Field, Form, Shape, code_in_words
from services.gateway.domain.known import Thing, ThingKind

CODES_OF: dict[ThingKind, str] = {
    "meeting_place": "kind",
    "project": "kind",
    "procurement": "category",
    "association": "association_kind",
    "premises": "centre",
}
"""The field that a thing's code stood in, and whose words it has."""

GROUPS = {
    "community.events": N_("In the areas"),
    "procurement.events": N_("Procurement and contracts"),
    "property.events": N_("Homes and premises"),
    "tenancy.events": N_("Tenancies"),
    "tenancy.contacts": N_("Contact with households"),
    "governance.events": N_("What has been decided"),
    "statistics.events": N_("Official statistics"),
    "gateway.events": N_("Sources and pages"),
}
ROLES = {
    "area_staff": N_("Area staff"),
    "coordinator": N_("Coordinator"),
    "survey_lead": N_("Survey lead"),
    "privacy_officer": N_("Privacy officer"),
    "operator": N_("Operator"),
}

FILL_IN = N_("Fill this in.")
CHOOSE = N_("Choose one.")
CHOOSE_SOME = N_("Choose at least one.")
EXPECTED: Sequence[tuple[str, str]] = (
    (re.escape(shapes.A_DAY), N_("Write a day that exists, such as 2026-03-01.")),
    (re.escape(shapes.PHRASES[shapes.NO_CONTROL]), N_("Write it on one line, without special characters.")),
    (re.escape(shapes.PHRASES[shapes.LINES]), N_("Write plain text, without special characters.")),
    (re.escape(shapes.PHRASES[shapes.CODE]), N_("Write a word in small letters a to z, such as youth_centre.")),
    (re.escape(shapes.PHRASES[shapes.URI_REFERENCE]), N_("Write an address, such as urn:example:tenancy.")),
    (re.escape(shapes.PHRASES[shapes.EMAIL]), N_("Write an e-mail address, such as name@example.se.")),
    (re.escape(shapes.PHRASES[shapes.PHONE]), N_("Write a phone number, such as 036-12 34 56.")),
    (re.escape(shapes.PHRASES[shapes.MUNICIPALITY]), N_("Write the four digits, such as 0680.")),
    (re.escape(shapes.PHRASES[shapes.LANGUAGE]), N_("Write a language code, such as sv, ar or zh-Hant.")),
    (re.escape(shapes.PHRASES[shapes.MONTH]), N_("Write a month, such as 2026-04.")),
    (re.escape(shapes.PHRASES[shapes.PERIOD]), N_("Write a year, quarter or month, such as 2026, 2026-Q2 or 2026-04.")),
    (r"text without NUL characters.*", N_("Write plain text, without special characters.")),
    (r"one of .*", CHOOSE),
    (r"true or false|a valid boolean.*", CHOOSE),
    (r"a valid integer.*", N_("Write a whole number, such as 12.")),
    (r"a (valid|finite) number.*", N_("Write a number, such as 12 or 2,5.")),
    (r"greater than or equal to (?P<number>.+)", N_("Write at least {number}.")),
    (r"greater than (?P<number>.+)", N_("Write more than {number}.")),
    (r"less than or equal to (?P<number>.+)", N_("Write at most {number}.")),
    (r"String should have at most (?P<number>\d+) characters?", N_("Write at most {number} characters.")),
    (r"String should have at least 1 character", FILL_IN),
    (r"(Tuple|Dictionary) should have at least 1 item.*", N_("Give at least one.")),
    (r"(Tuple|Dictionary) should have at most (?P<number>\d+) items.*", N_("Give at most {number}.")),
    (r"each value once", N_("Give each of them once.")),
    (r"\w+ on or after the first day", N_("Write the first day or a later one.")),
    (r"age_to not below age_from", N_("Write the youngest age or a higher one.")),
    (r"a value exactly when status is final or preliminary", N_("Give a value when it is final or preliminary, and otherwise none.")),
    (r"a numerator no greater than the denominator", N_("Write at most as many as there are altogether.")),
    (r"a value to compare with", N_("Write the value to compare with.")),
    (r"no value where the comparison is done", N_("Leave this empty: nothing is compared.")),
)  # fmt: skip
"""What a schema expects, as its problems say it → what a person is told."""
ABOUT = {
    r"(\w+) on or after the first day": r"\1",
    r"age_to not .*": "age_to",
    r"a value exactly when .*": "value",
    r"a numerator .*": "numerator",
    r"(a value to compare with|no value where .*)": "value",
}
"""Rules between fields → the field that the person is sent to."""
NOT_FITTING = N_("This does not fit here.")


class Words:
    """The words of one reader's language."""

    def __init__(self, translations: gettext.NullTranslations, locale: Locale) -> None:
        self.say = translations.gettext
        self._translations = translations
        self._formats = Formats(locale)
        self._locale = locale

    def event(self, form: Form) -> str:
        return self._translations.pgettext("event", form.label)

    def label(self, field: Field) -> str:
        return self._translations.pgettext("field", field.label)

    def help(self, text: str) -> str:
        """A description; nothing where it only says the label again."""
        said = self.say(text) if text else ""
        return said if said.count(" ") > 1 else ""

    def first_sentence(self, text: str) -> str:
        """The beginning of a description, for a list."""
        said = self.say(text)
        return said.split(". ")[0].rstrip(".") + "."

    def code(self, field: str, code: str) -> str:
        """A code of the field called `field`."""
        return self._translations.pgettext(field, code_in_words(code))

    def language(self, tag: str) -> str:
        """A language in the reader's words and in its own: `arabiska (العربية)`."""
        try:
            here = Locale.parse(tag, sep="-").get_display_name(self._locale) or tag
            return here if here.lower() == own_name(tag).lower() else f"{here} ({own_name(tag)})"
        except (UnknownLocaleError, ValueError):
            return tag

    def thing(self, kind: ThingKind, thing: Thing) -> str:
        """What a thing is called: its name, or what it is, where, and its id."""
        if thing.name:
            return thing.name
        where = thing.area_name or thing.area
        what = self.code(CODES_OF[kind], thing.code) if thing.code and kind in CODES_OF else None
        said = ", ".join(part for part in (what, where) if part)
        return f"{said} ({thing.id})" if said else thing.id

    def value(self, field: Field, said: Any) -> str:
        """What was reported in a field, for reading."""
        if isinstance(said, bool):
            return self.say(N_("Yes")) if said else self.say(N_("No"))
        if isinstance(said, list):
            return "; ".join(
                ", ".join(map(str, p.values())) if isinstance(p, dict) else self._one(field, p) for p in said
            )
        if isinstance(said, dict):
            return ", ".join(f"{name}: {member}" for name, member in said.items())
        return self._one(field, said)

    def _one(self, field: Field, said: Any) -> str:
        match field.shape:
            case Shape.CHOICE | Shape.CHOICES | Shape.CODE:
                return self.code(field.last, said)
            case Shape.LANGUAGE:
                return self.language(said)
            case Shape.DAY:
                return self._formats.date(date.fromisoformat(said))
            case Shape.WHOLE if field.last != "year":
                return self._formats.number(said)
            case Shape.NUMBER:
                return f"{said:.10g}".replace(".", self._locale.number_symbols["latn"]["decimal"])
            case _:
                return str(said)

    def wrong(self, expected: str, field: Field | None) -> str:
        """What to do about a field of which a problem says what is expected there."""
        if expected == "a value":
            match field.shape if field else None:
                case Shape.CHOICE | Shape.YES_NO | Shape.CODE | Shape.LANGUAGE:
                    return self.say(CHOOSE)
                case Shape.CHOICES:
                    return self.say(CHOOSE_SOME)
                case _:
                    return self.say(FILL_IN)
        for pattern, message in EXPECTED:
            if found := re.fullmatch(pattern, expected):
                numbers = {name: number.removesuffix(".0") for name, number in found.groupdict().items()}
                return self.say(message).format(**numbers)
        return self.say(NOT_FITTING)


def about(path: str, expected: str) -> str:
    """The path of the field that a problem is for, where it is of a rule between several."""
    if path not in ("", "data"):
        return path
    for pattern, name in ABOUT.items():
        if found := re.fullmatch(pattern, expected):
            return found.expand(name)
    return path
