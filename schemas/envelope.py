"""From loose CloudEvents attributes and data to a checked `Event`, whichever binding they came by.

Attributes arrive as text (headers) or as JSON values (structured mode); both read the same. What is wrong is collected
and named; nothing but `Malformed` is raised.
"""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson
from pydantic import ValidationError

from . import fields
from .catalogue import MODELS, versions_of
from .errors import Malformed, Problem, UnknownType, kind
from .event import Event, EventData
from .text import NOT_JSON, dump_json, parse_json, unstorable

REQUIRED: Final = ("specversion", "id", "source", "type", "time")
_REQUIRED: Final = frozenset(REQUIRED)
IGNORED: Final = frozenset({"traceparent", "tracestate", "partitionkey", "sequencetype", "data", "data_base64"})
ALIKE: Final = 0.7
"""How much of a field's name must be in a misspelling of it."""
Location = tuple[int | str, ...]
"""Where in the data, as pydantic says it."""
ESCAPED_NUL: Final = rb"\u0000"
A_MOMENT: Final = "a time with offset, such as 2019-03-01T12:00:00+01:00, that exists"

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_URI = re.compile(fields.URI_REFERENCE)
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_TRACESTATE = re.compile(r"[\x20-\x7e]{1,512}")
_NAME = re.compile(r"[a-z0-9]+")
_DIGITS = re.compile(r"[0-9]{1,19}")
JSON_MEDIA_TYPE: Final = re.compile(
    r"application/([a-z0-9.-]+\+)?json\s*(;\s*charset\s*=\s*\"?utf-?8\"?\s*)?", re.IGNORECASE
)


class Attributes(NamedTuple):
    """The CloudEvents attributes of one event, checked; its data not looked at. `subject` is "" when it was absent."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    recordedtime: datetime | None
    dataschema: str | None
    sequence: int | None
    history: bool
    test: bool
    traceparent: str | None
    tracestate: str | None


class _Unfit(ValueError):
    """Says what is expected."""


def _specversion(value: object) -> str:
    if value != "1.0":
        raise _Unfit("1.0")
    return "1.0"


def _id(value: object) -> str:
    if isinstance(value, str) and 0 < len(value) <= 128:
        # Most ids pass the first test, which is quick; letters outside ASCII take the second.
        if value.isascii() and value.isprintable():
            return value
        if not _CONTROL.search(value):
            return value
    raise _Unfit("text of 1 to 128 characters without control characters")


@lru_cache(maxsize=1024)
def _is_uri_reference(value: str) -> bool:
    return len(value) <= 256 and _URI.fullmatch(value) is not None


def _uri_reference(value: object) -> str:
    if isinstance(value, str) and _is_uri_reference(value):
        return value
    raise _Unfit(f"{fields.PHRASES[fields.URI_REFERENCE]}, at most 256 characters")


def _type(value: object) -> str:
    if isinstance(value, str) and 0 < len(value) <= 256 and value.isascii() and value.isprintable():
        return value
    raise _Unfit("an event type, such as se.vatterhem.TenantMovedIn.v1")


def _moment(value: object) -> datetime:
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value.upper())
        except ValueError:
            pass
        else:
            if 1900 <= moment.year <= 9998:
                return moment
    raise _Unfit(A_MOMENT)


def _sequence(value: object) -> int:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise _Unfit("a whole number from 0 up")
    return value


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    # "True" is what the CloudEvents SDK for Python writes.
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise _Unfit("true or false")


def _json_media_type(value: object) -> str:
    if not isinstance(value, str) or not JSON_MEDIA_TYPE.fullmatch(value):
        raise _Unfit("application/json in UTF-8")
    return value


CHECKS: Final[Mapping[str, Callable[[object], Any]]] = {
    "specversion": _specversion,
    "id": _id,
    "source": _uri_reference,
    "type": _type,
    "time": _moment,
    "subject": _id,
    "datacontenttype": _json_media_type,
    "dataschema": _uri_reference,
    "recordedtime": _moment,
    "sequence": _sequence,
    "history": _boolean,
    "test": _boolean,
}


_KNOWN: Final = IGNORED | CHECKS.keys()


def attributes_of(raw: Mapping[str, object]) -> Attributes:
    """Check the attributes in `raw` (name without prefix → text or JSON value). Raises Malformed with every problem.

    Attributes we do not know are passed over, and a trace context that is not one is dropped, as W3C asks.
    """
    checked: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in raw.items():
        check = CHECKS.get(name)
        if check is not None and value is not None:
            try:
                checked[name] = check(value)
            except _Unfit as unfit:
                problems.append(Problem("invalid_attribute", name, str(unfit), kind(value)))
    if problems or not checked.keys() >= _REQUIRED:
        absent = [name for name in REQUIRED if raw.get(name) is None]
        problems.extend(Problem("missing_attribute", name, expected_of(name), "nothing") for name in absent)
        raise Malformed(problems)
    get = checked.get
    return Attributes(
        checked["id"],
        checked["source"],
        checked["type"],
        get("subject", ""),
        checked["time"],
        get("recordedtime"),
        get("dataschema"),
        get("sequence"),
        get("history", False),
        get("test", False),
        *_trace(raw.get("traceparent"), raw.get("tracestate")),
    )


def _trace(parent: object, state: object) -> tuple[str | None, str | None]:
    if not isinstance(parent, str) or not _TRACEPARENT.fullmatch(parent):
        return None, None
    return parent, state if isinstance(state, str) and _TRACESTATE.fullmatch(state) else None


def expected_of(name: str) -> str:
    """What an attribute should be, as a phrase."""
    try:
        CHECKS[name](None)
    except _Unfit as unfit:
        return str(unfit)
    raise LookupError(name)


def unknown_attributes(raw: Mapping[str, object]) -> list[str]:
    """Extension attributes that Hem does not carry on: they are dropped, since they could say anything about anyone."""
    return [name for name in raw if name not in _KNOWN]


def strays(raw: Mapping[str, object], unknown: Sequence[str]) -> list[Problem]:
    """What is wrong with the `unknown` attributes in `raw`: CloudEvents says how any is named and what it may hold."""
    problems = []
    for name in unknown:
        if not _NAME.fullmatch(name):
            problems.append(Problem("invalid_attribute", named(name), "a name of a-z and 0-9", "another name"))
        elif not isinstance(raw[name], str | int | None):
            expected = "text, a whole number, true or false"
            problems.append(Problem("invalid_attribute", named(name), expected, kind(raw[name])))
    return problems


def named(attribute: str) -> str:
    """An attribute's name as it can stand in an answer."""
    return ascii(attribute)[1:-1][:128]


def model_of(type_: str) -> type[EventData]:
    """The model of a CloudEvents type; raises UnknownType that tells an unknown name from an unknown major version."""
    model = MODELS.get(type_)
    if model is not None:
        return model
    if known := versions_of(type_):
        raise UnknownType.because("unknown_version", " or ".join(known), "another major version", "type")
    raise UnknownType.because("unknown_type", "a type that GET /schemas lists", "a type that is not known", "type")


def parse_data(model: type[EventData], body: bytes) -> tuple[EventData, list[str]]:
    """Validate JSON `body` as `model`: the data, and the paths of fields it does not know. Raises Malformed."""
    if ESCAPED_NUL in body:
        refuse_unstorable(parse_json(body, "data"), "data")
    try:
        return model.model_validate_json(body), []
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            refuse_unstorable(parse_json(body, "data"), "data")
            raise Malformed.because("not_json", NOT_JSON, f"{len(body)} bytes that are not", "data") from None
        strangers = [entry["loc"] for entry in error.errors() if entry["type"] == "extra_forbidden"]
        unknown = [*map(path, strangers)]
        if len(unknown) < error.error_count():
            raise Malformed(_problems(error, strangers), unknown) from None
    return model.model_validate_json(body, extra="ignore"), unknown


def parse_event(found: Attributes, body: bytes) -> tuple[Event[EventData], list[str]]:
    """The event of checked attributes and a JSON body, and the unknown fields in it. Raises Malformed, UnknownType.

    A subject that was absent is filled from the data.
    """
    model = model_of(found.type)
    data, unknown = parse_data(model, body)
    return event_of(found, data), unknown


_EVENT: Final = Event[EventData]


def event_of(found: Attributes, data: EventData) -> Event[EventData]:
    """Join checked attributes and data; the subject must be the data's own."""
    subject = data.subject or found.subject
    if not subject:
        raise Malformed.because("missing_attribute", expected_of("subject"), "nothing", "subject")
    if found.subject and found.subject != subject:
        expected = f"the value of data.{data.subject_field}"
        raise Malformed.because("invalid_attribute", expected, "another id", "subject")
    return _EVENT(
        id=found.id,
        source=found.source,
        type=found.type,
        subject=subject,
        time=found.time,
        data=data,
        recordedtime=found.recordedtime,
        dataschema=found.dataschema,
        sequence=found.sequence,
        history=found.history,
        test=found.test,
        traceparent=found.traceparent,
        tracestate=found.tracestate,
    )


def parse_structured(whole: object) -> tuple[Mapping[str, object], bytes]:
    """The attributes and the data's JSON of an event in structured mode. Raises Malformed."""
    if not isinstance(whole, dict):
        raise Malformed.because("not_an_object", "an event as a JSON object", kind(whole))
    data, encoded = whole.get("data"), whole.get("data_base64")
    if data is not None and encoded is not None:
        raise Malformed.because("invalid_field", "nothing beside data", "both", "data_base64")
    if data is None and isinstance(encoded, str):
        try:
            return whole, base64.b64decode(encoded, validate=True)
        except ValueError:
            raise Malformed.because("invalid_field", "base64", "text that is not", "data_base64") from None
    return whole, _storable(data)


def _storable(data: object) -> bytes:
    """JSON of an event's data. Raises Malformed where it holds what Postgres stores not, or nests too deep."""
    try:
        body = orjson.dumps(data)  # it refuses lone surrogates itself, and writes NUL as an escape
    except TypeError:
        body = ESCAPED_NUL
    if ESCAPED_NUL in body:
        refuse_unstorable(data, "data")
        return dump_json(data)
    return body


def refuse_unstorable(value: object, under: str) -> None:
    """Raise Malformed for a NUL character or lone surrogate anywhere in JSON `value`: Postgres stores neither."""
    where = unstorable(value, under)
    if where is not None:
        raise Malformed.because(
            "invalid_field", "text without NUL characters and lone surrogates", "text with one", where
        )


def path(loc: Location) -> str:
    """A pydantic location as a path; what is not printable ASCII in a field's name is escaped, and it is cut at 128."""
    written = ""
    for step in loc:
        written += f"[{step}]" if isinstance(step, int) else f".{ascii(step)[1:-1]}"
    return written.removeprefix(".")[:128]


def _problems(error: ValidationError, strangers: Sequence[Location]) -> list[Problem]:
    """What is wrong; `strangers` are the places of fields that are not known."""
    found: list[Problem] = []
    for entry in error.errors(include_url=False):
        where = f"data.{path(entry['loc'])}" if entry["loc"] else "data"
        match entry["type"]:
            case "extra_forbidden":
                continue
            case "model_type" | "dict_type" if not entry["loc"]:
                found.append(Problem("not_an_object", "data", "a JSON object", kind(entry["input"])))
            case "missing":
                found.append(Problem("missing_field", where, "a value", _nothing_but(entry["loc"], strangers)))
            case _:
                found.append(Problem("invalid_field", where, _expected(entry), kind(entry["input"])))
    return found


def _nothing_but(missing: Location, strangers: Sequence[Location]) -> str:
    """What came where a field is missing. Of the unknown fields beside it only one that looks like it is named."""
    beside = [ascii(stranger[-1])[1:-1] for stranger in strangers if stranger[:-1] == missing[:-1]]
    near = get_close_matches(str(missing[-1]), beside, n=1, cutoff=ALIKE)
    return f"nothing; {near[0]} is not known: did you mean {missing[-1]}?" if near else "nothing"


def _expected(entry: Any) -> str:
    """pydantic's words without the value; our own where we have better ones."""
    context = entry.get("ctx", {})
    match entry["type"]:
        case "string_pattern_mismatch":
            return fields.PHRASES.get(context["pattern"], f"text like {context['pattern']}")
        case "string_type" | "string_unicode":
            return "text"
        case "date_type":
            return fields.A_DAY
        case "literal_error":
            return f"one of {context['expected']}"
        case "bool_type":
            return "true or false"
        case _:
            return str(entry["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
