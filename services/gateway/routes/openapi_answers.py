"""The shapes of the gateway's answers, as components of its OpenAPI document."""

from schemas.openapi import Json, ref

TEXT: Json = {"type": "string"}
MAYBE: Json = {"type": ["string", "null"]}
COUNT: Json = {"type": "integer", "minimum": 0}
WHOSE: Json = {"id": MAYBE, "source": MAYBE}
"""As they were sent, where they could be read."""


def answers() -> dict[str, Json]:
    """Component name → schema."""
    return {**_of_events(), **_of_publishers(), **_of_others()}


def _object(properties: Json, *, optional: tuple[str, ...] = (), **more: object) -> Json:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, **more}


def _of_events() -> dict[str, Json]:
    warnings = {
        "type": "array",
        "items": TEXT,
        "description": "What was dropped of the event and why, and what to know.",
    }
    accepted = {"type": "string", "enum": ["accepted", "duplicate"]}
    refused = {"type": "string", "const": "refused"}
    problem = {
        "type": {"type": "string", "pattern": "^urn:hem:problem:[a-z-]+$"},
        "title": TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": TEXT,
        "event": _object({"index": COUNT, **WHOSE}),
        "errors": {"type": "array", "items": ref("FieldError")},
    }
    return {
        "Accepted": _object({**WHOSE, "status": accepted, "warnings": warnings}, optional=("warnings",)),
        "Refused": _object(
            {**WHOSE, "status": refused, "problem": ref("Problem"), "warnings": warnings}, optional=("warnings",)
        ),
        "Problem": _object(
            problem,
            optional=("event", "errors"),
            description="RFC 9457. `errors` name the fields, what is expected there and what kind of thing came.",
        ),
        "FieldError": _object({"field": TEXT, "expected": TEXT, "got": TEXT}),
    }


def _of_publishers() -> dict[str, Json]:
    heard = _object({"source": TEXT, "heard_at": MAYBE, "is_silent": {"type": "boolean"}})
    counts = {"type": "object", "additionalProperties": COUNT}
    numbers = {
        "accepted": COUNT,
        "duplicate": COUNT,
        "refused": {**counts, "description": "By the slug of the problem."},
        "by_road": counts,
        "types": {"type": "array", "items": _object({"type": TEXT, "count": COUNT, "heard_at": TEXT})},
    }
    publisher = {
        "publisher": TEXT,
        "owner": MAYBE,
        "contact": MAYBE,
        "allow": {"type": "array", "items": TEXT},
        "sources": {"type": "array", "items": heard},
        "keys": {"type": "array", "items": {"type": "object"}},
        "last_30_days": ref("Numbers"),
        "last_30_days_of_tests": ref("Numbers"),
        "last_refused": {"type": "array", "items": {"type": "object"}},
    }
    return {"Publisher": _object(publisher), "Numbers": _object(numbers)}


def _of_others() -> dict[str, Json]:
    listed = ("type", "name", "topic", "subject", "description", "published_by", "schema")
    parts = {"type": "object", "additionalProperties": TEXT}
    return {
        "EventType": _object(dict.fromkeys(listed, TEXT)),
        "Health": _object({"status": TEXT, "parts": parts}, optional=("parts",)),
    }
