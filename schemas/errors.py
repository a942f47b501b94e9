"""What is wrong with an event, said so that its publisher can mend it and no personal value leaks.

Nothing here carries a value that was sent: a problem names the field, what is expected there and which *kind* of
thing came instead ("text of 300 characters", "a number", "nothing").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Code = Literal[
    "no_value",  # a Kafka tombstone whose type is not one that erases
    "empty_body",
    "not_json",  # also: not UTF-8, nested too deep
    "not_an_object",
    "too_many",  # events in one HTTP batch
    "media_type",
    "header_encoding",  # a header that is null or not UTF-8 (Kafka), or badly percent-encoded (HTTP)
    "missing_attribute",
    "invalid_attribute",
    "key_mismatch",  # the Kafka record key is not the subject
    "unknown_type",
    "unknown_version",  # the name is known, the major version is not
    "missing_field",
    "invalid_field",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one event: `field` is a path such as `data.moved_in_on`, or an attribute name such as `time`."""

    code: Code
    field: str | None
    expected: str
    got: str


class Malformed(ValueError):
    """A record or request that is not an event of ours; `problems` has at least one entry, the first of which is shown.
    `unknown` are the paths of data fields that are not known, and would have been dropped.

    `code` is what to count and park by, `field` where it is, `expected` what should be there, `detail` one sentence.
    """

    def __init__(self, problems: Sequence[Problem], unknown: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        self.unknown = tuple(unknown)
        first = self.problems[0]
        self.code: Code = first.code
        self.field = first.field
        self.expected = first.expected
        where = f"{first.field}: " if first.field else ""
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        self.detail = f"{where}expected {first.expected}, got {first.got}{more}"
        super().__init__(f"{self.code}: {self.detail}")

    @classmethod
    def because(cls, code: Code, expected: str, got: str, field: str | None = None) -> "Malformed":
        return cls([Problem(code, field, expected, got)])


class UnknownType(Malformed):
    """An event whose type the catalogue does not hold: `unknown_type`, or `unknown_version` of a known name."""


def kind(value: object) -> str:
    """The kind of a JSON value, never the value: "text of 12 characters", "a number", "a list of 3", "nothing"."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return f"text of {len(value)} characters" if value else "empty text"
        case list() | tuple():
            return f"a list of {len(value)}"
        case dict():
            return "an object"
        case _:
            return f"a {type(value).__name__}"
