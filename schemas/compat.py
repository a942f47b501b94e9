"""What a change of an event's schema would break, and for whom.

A published schema is a promise in two directions. Whoever publishes by it must still be let in, and whoever reads by it
must still understand what is sent. So within one major version a schema changes by new optional fields and by better
words, and by nothing else: not even a code more in a closed set, which readers of the old one could not take.

Schemas are compared as written (JSON Schema 2020-12, as `schemas.generate` makes it). Where a keyword isn't known here,
any difference in it counts as a break. Lines about the route (`x-topic` and the like) that a proposal leaves out are
taken to stay as they are.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Schema = Mapping[str, Any]
Whom = Literal["publishers", "readers"]

WORDS: Final = frozenset(
    {"$schema", "$id", "$comment", "$defs", "title", "description", "examples", "deprecated", "readOnly", "writeOnly"}
)
"""Keywords that change nothing for those who send or read; nor does one that begins with `x-`."""
ROUTE: Final = ("x-topic", "x-subject", "x-identity", "x-tombstone", "x-own")
LEAST: Final = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
MOST: Final = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
APART: Final = frozenset(
    {"properties", "required", "items", "additionalProperties", "enum", "const", "type", "default"}
)
"""Keywords with a rule of their own."""
NAMED: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "dependentRequired"})
"""Keywords that hold a mapping by the names of fields."""
LITERAL: Final = frozenset({"enum", "const", "default"})
"""Keywords that hold values as they are sent, which are no schemas."""
DEEPEST: Final = 40


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that a change breaks: `field` is a path such as `lines[].places`, or empty for the event as a whole.

    `what` says it in a few words, `whom` who is hit: `publishers`, whose events would be refused or lose a value, or
    `readers`, who would get what they were told could not come.
    """

    field: str
    what: str
    whom: Whom

    def __str__(self) -> str:
        return f"{self.field or 'the event'}: {self.what} (breaks {self.whom})"


def breaks(published: Schema, proposed: Schema) -> list[Break]:
    """What `proposed` would break of `published`: empty when it may replace it within the major version.

    Raises ValueError when they are not of one type in one major version, for then nothing is promised (the next major
    version stands beside the old one), and when `proposed` is no JSON Schema, or nests deeper than DEEPEST.
    """
    before, after = published.get("x-type"), proposed.get("x-type")
    if before != after:
        raise ValueError(f"{after} is not a version of {before}: only schemas of one type and major version compare")
    try:
        found = [*_routes(published, proposed), *_Comparison(published, proposed).whole()]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not a JSON Schema that can be followed: {error}") from error
    return list(dict.fromkeys(found))


def _routes(published: Schema, proposed: Schema) -> Iterator[Break]:
    for name in ROUTE:
        if name in published and published[name] != proposed.get(name, published[name]):
            what = f"{name} was {published[name]}, would be {proposed[name]}"
            yield Break("", what, "publishers")
            yield Break("", what, "readers")


class _Comparison:
    """Two schemas side by side, each with its own `$defs`."""

    def __init__(self, published: Schema, proposed: Schema) -> None:
        self._published, self._proposed = published, proposed
        self._under_way: set[tuple[int, int]] = set()

    def whole(self) -> Iterator[Break]:
        return self._between(self._published, self._proposed, "")

    def _between(self, old: Schema | bool, new: Schema | bool, at: str) -> Iterator[Break]:
        if at.count(".") + at.count("[]") > DEEPEST:
            raise ValueError(f"nests deeper than {DEEPEST}")
        old, new = _schema(old), _schema(new)
        yield from _default(old, new, at)
        before, after = _ways(old, self._published), _ways(new, self._proposed)
        if before is None or after is None:  # alternatives of one kind: compared as they are written
            if _canonical(old, self._published) != _canonical(new, self._proposed):
                yield from _both(at, "has other alternatives")
            return
        yield from _kinds(set(before), set(after), at)
        for kind, like in sorted(
            {(kind, _like(kind, after)) for kind in before} | {(_like(kind, before), kind) for kind in after}
        ):
            if kind in before and like in after:
                yield from self._alike(before[kind], after[like], at)

    def _alike(self, old: Schema, new: Schema, at: str) -> Iterator[Break]:
        """Of one kind of value: text with text, object with object."""
        seen = (id(old), id(new))
        if seen in self._under_way:  # a schema that refers to itself
            return
        self._under_way.add(seen)
        yield from _closed_sets(old, new, at)
        yield from _bounds(old, new, at)
        for name in sorted((old.keys() | new.keys()) - WORDS - APART - LEAST - MOST):
            if not name.startswith("x-"):
                yield from self._keyword(name, old, new, at)
        yield from self._items(old, new, at)
        yield from self._fields(old, new, at)
        yield from self._others(old, new, at)
        self._under_way.discard(seen)

    def _keyword(self, name: str, old: Schema, new: Schema, at: str) -> Iterator[Break]:
        """Compared as written; in keywords that hold schemas, each with its own references followed."""
        before = _canonical(old[name], self._published, names=name in NAMED) if name in old else None
        after = _canonical(new[name], self._proposed, names=name in NAMED) if name in new else None
        if before is None:
            yield Break(at, f"{name} is new: {after}", "publishers")
        elif after is None:
            yield Break(at, f"{name} would no longer hold: {before}", "readers")
        elif before != after:
            yield from _both(at, f"{name} was {before}, would be {after}")

    def _items(self, old: Schema, new: Schema, at: str) -> Iterator[Break]:
        yield from self._inner(old.get("items", {}), new.get("items", {}), f"{at}[]")

    def _others(self, old: Schema, new: Schema, at: str) -> Iterator[Break]:
        """Fields without a name of their own, as in a mapping of dimension to member."""
        yield from self._inner(old.get("additionalProperties", {}), new.get("additionalProperties", {}), f"{at}.*")

    def _inner(self, old: Any, new: Any, at: str) -> Iterator[Break]:
        old, new = ({} if old is True else old, {} if new is True else new)
        if old == new == {} or old is new is False:
            return
        if new is False or old == {}:
            yield Break(at.removeprefix("."), "would not take everything", "publishers")
        elif old is False or new == {}:
            yield Break(at.removeprefix("."), "could be anything", "readers")
        else:
            yield from self._between(old, new, at.removeprefix("."))

    def _fields(self, old: Schema, new: Schema, at: str) -> Iterator[Break]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed_before, needed = set(old.get("required", ())), set(new.get("required", ()))
        others = old.get("additionalProperties", True)
        for name in dict.fromkeys([*before, *after, *sorted(needed_before | needed)]):
            here = f"{at}.{name}".removeprefix(".")
            if name in before and name not in after:
                yield from _both(here, "is gone or has another name")
                continue
            if name in needed - needed_before:
                was = "was optional" if name in before else "is new"
                yield Break(here, f"{was}, would be required", "publishers")
            if name in needed_before - needed:
                yield Break(here, "was always there, would be optional", "readers")
            if name in before:
                yield from self._between(before[name], after[name], here)
            elif name in after and others is False:
                yield Break(here, "is new where nothing new was to come", "readers")
            elif name in after and others is not True:
                yield from self._between(others, after[name], here)


def _both(at: str, what: str) -> Iterator[Break]:
    yield Break(at, what, "publishers")
    yield Break(at, what, "readers")


def _default(old: Schema, new: Schema, at: str) -> Iterator[Break]:
    if old.get("default") != new.get("default"):
        what = f"left out meant {json.dumps(old.get('default'))}, would mean {json.dumps(new.get('default'))}"
        yield from _both(at, what)


def _kinds(before: set[str], after: set[str], at: str) -> Iterator[Break]:
    if lost := sorted(kind for kind in before if _like(kind, after) not in after):
        yield Break(at, f"would no longer take {', '.join(lost)}", "publishers")
    if "number" in before and "integer" in after and "number" not in after:
        yield Break(at, "would take whole numbers only", "publishers")
    if won := sorted(kind for kind in after if _like(kind, before) not in before):
        yield Break(at, f"could also be {', '.join(won)}", "readers")
    if "integer" in before and "number" in after and "number" not in before:
        yield Break(at, "could be a number that is not whole", "readers")


def _like(kind: str, among: Collection[str]) -> str:
    """The kind among those of the other schema to compare `kind` with: a whole number is a number too."""
    other = {"integer": "number", "number": "integer"}.get(kind, kind)
    near = [near for near in (kind, other, "anything") if near in among]
    return near[0] if near else kind


def _closed_sets(old: Schema, new: Schema, at: str) -> Iterator[Break]:
    before, after = _allowed(old), _allowed(new)
    if before is None and after is not None:
        yield Break(at, f"would take {', '.join(sorted(after))} only", "publishers")
    elif before is not None and after is None:
        yield Break(at, "could be something else than the codes told", "readers")
    elif before is not None and after is not None:
        if lost := sorted(before - after):
            yield Break(at, f"would no longer take {', '.join(lost)}", "publishers")
        if won := sorted(after - before):
            yield Break(at, f"could also be {', '.join(won)}", "readers")


def _allowed(schema: Schema) -> set[str] | None:
    both = [schema[name] if name == "enum" else [schema[name]] for name in ("enum", "const") if name in schema]
    sets = [{json.dumps(value, sort_keys=True) for value in listed} for listed in both]
    return set.intersection(*sets) if sets else None


def _bounds(old: Schema, new: Schema, at: str) -> Iterator[Break]:
    for name in sorted(LEAST | MOST):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        tighter = before is None or (after is not None and (after > before) == (name in LEAST))
        what = f"{name} was {'none' if before is None else before}, would be {'none' if after is None else after}"
        yield Break(at, what, "publishers" if tighter else "readers")


def _schema(written: Schema | bool) -> Schema:
    """`true` takes anything, `false` nothing."""
    return written if not isinstance(written, bool) else {} if written else {"not": {}}


def _ways(schema: Schema, root: Schema) -> dict[str, Schema] | None:
    """Kind of value → what must hold for it; kind `anything` where none is named.

    None where alternatives overlap, or something else must hold beside them.
    """
    schema = _followed(schema, root)
    if "anyOf" not in schema:
        kinds = schema.get("type", "anything")
        return dict.fromkeys([kinds] if isinstance(kinds, str) else kinds, schema)
    ways: dict[str, Schema] = {}
    for way in schema["anyOf"]:
        found = _followed(way, root)
        kind = found.get("type", "anything")
        if "anyOf" in found or not isinstance(kind, str) or kind in ways:
            return None
        ways[kind] = found
    beside = {name for name in schema if not name.startswith("x-")} - WORDS - {"anyOf", "default"}
    return None if beside or "anything" in ways or {"integer", "number"} <= ways.keys() else ways


def _followed(schema: Schema, root: Schema) -> Schema:
    """What a `$ref` into `$defs` stands for, with what is written beside it."""
    for _ in range(DEEPEST):
        if "$ref" not in schema:
            return schema
        target = root["$defs"][schema["$ref"].rpartition("/")[2]]
        beside = {name: value for name, value in schema.items() if name not in {"$ref", "default", *WORDS}}
        schema = {**target, **beside} if beside else target
    raise ValueError(f"references follow each other more than {DEEPEST} times")


def _canonical(schema: Any, root: Schema, *, names: bool = False) -> str:
    """As text, with references followed and words left out. `names`: it is a mapping of names to schemas."""

    def plain(value: Any, depth: int, names: bool) -> Any:
        if depth > DEEPEST:
            raise ValueError(f"nests deeper than {DEEPEST}")
        if isinstance(value, list):
            return [plain(inner, depth + 1, names=False) for inner in value]
        if not isinstance(value, dict):
            return value
        if not names:
            followed = _followed(value, root)
            value = {name: followed[name] for name in followed if name not in WORDS and not name.startswith("x-")}
        return {
            name: inner if not names and name in LITERAL else plain(inner, depth + 1, names=not names and name in NAMED)
            for name, inner in value.items()
        }

    return json.dumps(plain(schema, 0, names), sort_keys=True)
