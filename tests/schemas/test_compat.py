"""The comparison of two schemas: every kind of change is named by its field and for those it hits, and no other is."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.compat import Break, breaks
from tests.schemas import golden
from tests.schemas.made import values

LAST = golden.VERSIONS[-1]
BOTH = {"publishers", "readers"}
Json = dict[str, Any]


def schema(**fields: Any) -> Json:
    """One with `fields`, of which those named `…_` are optional."""
    properties = {name.removesuffix("_"): field for name, field in fields.items()}
    needed = [name for name in fields if not name.endswith("_")]
    return {"x-type": "t", "type": "object", "properties": properties, "required": needed}


def found(old: Json, new: Json) -> set[tuple[str, str]]:
    return {(one.field, one.whom) for one in breaks(old, new)}


@pytest.mark.parametrize("type_", golden.types(LAST))
def test_a_schema_breaks_nothing_of_its_own(type_: str) -> None:
    published = golden.schema(LAST, type_)
    assert breaks(published, published) == []
    reworded = deepcopy(published) | {"description": "Other words.", "examples": [], "title": "T", "x-help": "Hjälp"}
    for field in reworded["properties"].values():
        field |= {"description": "Other words.", "deprecated": True, "x-label": {"sv": "Ord"}}
    reworded["properties"] = {"brand_new": {"type": "string"}} | reworded["properties"]
    assert breaks(published, reworded) == []


def mutations(published: Json) -> Iterator[tuple[str, str, set[str], Json]]:
    """(what was done, field, whom it must hit, the schema): each field of a schema changed in every way."""
    for name, field in published["properties"].items():
        without = deepcopy(published)
        del without["properties"][name]
        without["required"] = [needed for needed in published.get("required", ()) if needed != name]
        yield "removed", name, BOTH, without
        renamed = deepcopy(without)
        renamed["properties"][f"{name}_2"] = field
        yield "renamed", name, BOTH, renamed
        retyped = deepcopy(published)
        retyped["properties"][name] = {"type": "string" if field.get("type") == "boolean" else "boolean"}
        yield "retyped", name, BOTH, retyped
        optional = deepcopy(published)
        if name in published.get("required", ()):
            optional["required"].remove(name)
            yield "made optional", name, {"readers"}, optional
        else:
            optional["required"] = [*published.get("required", ()), name]
            yield "made required", name, {"publishers"}, optional
        if "enum" in field:
            narrowed, widened = deepcopy(published), deepcopy(published)
            narrowed["properties"][name]["enum"].pop()
            widened["properties"][name]["enum"].append("another")
            yield "narrowed", name, {"publishers"}, narrowed
            yield "widened", name, {"readers"}, widened
    demanding = deepcopy(published)
    demanding["properties"]["brand_new"] = {"type": "string"}
    demanding["required"] = [*published.get("required", ()), "brand_new"]
    yield "new and required", "brand_new", {"publishers"}, demanding


@pytest.mark.parametrize("type_", golden.types(LAST))
def test_every_change_of_every_field_is_named(type_: str) -> None:
    published = golden.schema(LAST, type_)
    for done, field, whom, changed in mutations(published):
        named = [one for one in breaks(published, changed) if one.field == field]
        assert {one.whom for one in named} == whom, f"{type_}: {field} {done}"
        assert all(field in str(one) for one in named)


TEXT: Json = {"type": "string", "minLength": 1, "maxLength": 9}
CASES: list[tuple[Json, Json | bool, set[str]]] = [
    (TEXT, {**TEXT, "maxLength": 8}, {"publishers"}),
    (TEXT, {**TEXT, "maxLength": 10}, {"readers"}),
    (TEXT, {"type": "string", "minLength": 1}, {"readers"}),
    ({"type": "string"}, {"type": "string", "maxLength": 9}, {"publishers"}),
    (TEXT, {**TEXT, "minLength": 2}, {"publishers"}),
    (TEXT, {**TEXT, "minLength": 0}, {"readers"}),
    (TEXT, {**TEXT, "pattern": "^a"}, {"publishers"}),
    ({**TEXT, "pattern": "^a"}, TEXT, {"readers"}),
    ({**TEXT, "pattern": "^a"}, {**TEXT, "pattern": "^b"}, BOTH),
    ({"type": "string"}, {"type": "string", "format": "date"}, {"publishers"}),
    ({"type": "string"}, {"enum": ["a"], "type": "string"}, {"publishers"}),
    ({"enum": ["a"], "type": "string"}, {"type": "string"}, {"readers"}),
    ({"const": "a", "type": "string"}, {"enum": ["a"], "type": "string"}, set()),
    ({"const": "a", "type": "string"}, {"enum": ["a", "b"], "type": "string"}, {"readers"}),
    ({"type": "number"}, {"type": "integer"}, {"publishers"}),
    ({"type": "integer"}, {"type": "number"}, {"readers"}),
    ({"type": "integer", "maximum": 5}, {"type": "number", "maximum": 4}, BOTH),
    ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "minimum": 0}, BOTH),
    ({"type": "number"}, {"type": "number", "multipleOf": 5}, {"publishers"}),
    ({"type": "string"}, {"type": ["string", "null"]}, {"readers"}),
    ({"type": ["string", "null"]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}, set()),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string"}, {"publishers"}),
    ({"anyOf": [TEXT, {"type": "null"}]}, {"anyOf": [{**TEXT, "maxLength": 8}, {"type": "null"}]}, {"publishers"}),
    ({"anyOf": [TEXT, TEXT]}, {"anyOf": [TEXT, {"type": "string"}]}, BOTH),
    ({"anyOf": [TEXT, {"type": "null"}]}, {"anyOf": [TEXT, {"type": "null"}], "maxLength": 3}, BOTH),
    ({}, {"type": "string"}, {"publishers"}),
    ({"type": "string"}, {}, {"readers"}),
    ({"type": "string"}, True, {"readers"}),
    ({"type": "string"}, False, BOTH),
    ({"type": "string"}, {"type": "string", "default": "a"}, BOTH),
    ({"type": "string", "default": None}, {"type": "string"}, set()),
    ({"type": "array", "items": TEXT}, {"type": "array", "items": TEXT, "maxItems": 3}, {"publishers"}),
    ({"type": "array", "items": TEXT}, {"type": "array", "items": TEXT, "uniqueItems": True}, {"publishers"}),
    ({"type": "string"}, {"allOf": [{"minLength": 3}], "type": "string"}, {"publishers"}),
    ({"$ref": "#/$defs/A"}, {"type": "string", "maxLength": 5}, set()),
    ({"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A", "maxLength": 4}, {"publishers"}),
    ({"anyOf": [TEXT, TEXT]}, {"anyOf": [{**TEXT, "description": "x"}, TEXT]}, set()),
    ({"enum": ["a", "b"], "const": "a"}, {"enum": ["a", "c"], "const": "a"}, set()),
    ({"enum": ["a", "b"], "const": "a"}, {"enum": ["a", "b"], "const": "b"}, BOTH),
    ({"enum": ["a", "b"], "const": "a"}, {"enum": ["a", "b"]}, {"readers"}),
    ({"not": {"properties": {"title": TEXT}}}, {"not": {"properties": {"title": {"type": "null"}}}}, BOTH),
    ({"if": {"enum": [{"title": "a"}]}}, {"if": {"enum": [{"title": "b"}]}}, BOTH),
]


@pytest.mark.parametrize(("old", "new", "whom"), CASES, ids=range(len(CASES)))
def test_whom_a_change_hits(old: Json, new: Json | bool, whom: set[str]) -> None:
    defs = {"A": {"type": "string", "maxLength": 5}}
    hit = breaks(schema(a=old) | {"$defs": defs}, schema(a=new) | {"$defs": defs})
    assert {one.whom for one in hit} == whom
    assert {one.field for one in hit} <= {"a"}


@pytest.mark.parametrize("keyword", ["oneOf", "allOf", "prefixItems", "not", "if", "contains", "propertyNames"])
def test_a_reference_within_a_keyword_is_followed_in_its_own_schema(keyword: str) -> None:
    def told(definition: Json) -> Json:
        held: Any = {"$ref": "#/$defs/A", "description": "x"}
        field = {keyword: [held, TEXT] if keyword in {"oneOf", "allOf", "prefixItems"} else held}
        return schema(a=field) | {"$defs": {"A": definition}}

    reworded = told(TEXT | {"description": "Other words.", "x-label": "Ord"})
    assert breaks(told(TEXT), reworded) == []
    assert found(told(TEXT), told(TEXT | {"maxLength": 3})) == {("a", "publishers"), ("a", "readers")}
    by_pattern = schema(a={"patternProperties": {"^title$": {"$ref": "#/$defs/A"}}})
    assert found(by_pattern | {"$defs": {"A": TEXT}}, by_pattern | {"$defs": {"A": {"type": "null"}}})


def test_fields_within_fields_are_named_by_their_path() -> None:
    old = schema(lines={"type": "array", "items": schema(places={"type": "integer"}, kind=TEXT)})
    new = schema(lines={"type": "array", "items": schema(places={"type": "integer"}, kind_=TEXT)})
    assert found(old, new) == {("lines[].kind", "readers")}
    assert found(new, old) == {("lines[].kind", "publishers")}
    share: Json = {"type": "object", "additionalProperties": schema(n={"type": "number"})}
    whole: Json = {"type": "object", "additionalProperties": schema(n={"type": "integer"})}
    assert found(schema(indices=share), schema(indices=whole)) == {("indices.*.n", "publishers")}
    assert found(schema(a={"type": "object"}), schema(a=share)) == {("a.*", "publishers")}
    closed = schema(a={"type": "object", "additionalProperties": False})
    assert found(closed, schema(a={"type": "object"})) == {("a.*", "readers")}
    assert found(schema(a={"type": "object"}), closed) == {("a.*", "publishers")}


def test_a_new_field_must_suit_what_was_promised_of_those_without_a_name() -> None:
    texts: Json = {"x-type": "t", "type": "object", "additionalProperties": {"type": "string"}}
    assert found(texts, texts | {"properties": {"a": {"type": "string"}}}) == set()
    assert found(texts, texts | {"properties": {"a": {"type": "boolean"}}}) == {("a", "publishers"), ("a", "readers")}
    closed = schema() | {"additionalProperties": False}
    assert found(closed, schema(a_=TEXT) | {"additionalProperties": False}) == {("a", "readers")}
    assert found(schema(), schema() | {"required": ["a"]}) == {("a", "publishers")}


@pytest.mark.parametrize("name", ["x-topic", "x-subject", "x-identity", "x-tombstone", "x-own"])
def test_an_event_goes_where_it_went(name: str) -> None:
    assert found(schema() | {name: "a"}, schema() | {name: "b"}) == {("", "publishers"), ("", "readers")}
    assert str(breaks(schema() | {name: "a"}, schema() | {name: "b"})[0]).startswith("the event: x-")
    assert found(schema() | {name: "a"}, schema()) == set(), "a proposal without that line leaves it as it is"
    assert found(schema(), schema() | {name: "b"}) == set(), "told for the first time"


def test_another_type_or_major_version_is_not_compared() -> None:
    with pytest.raises(ValueError, match="u is not a version of t"):
        breaks(schema(), schema() | {"x-type": "u"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"properties": 7},
        {"properties": {"a": "text"}},
        {"properties": {"a": {"$ref": "#/$defs/none"}}},
        {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"$ref": "#/$defs/A"}}},
        {
            "properties": {"a": {"anyOf": [{"$ref": "#/$defs/A"}] * 2}},
            "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}] * 2}},
        },
        {"required": 7},
    ],
    ids=range(6),
)
def test_what_cannot_be_followed_is_refused(wrong: Json) -> None:
    with pytest.raises(ValueError, match=r"followed|deeper|more than"):
        breaks(schema(a=TEXT), schema(a=TEXT) | wrong)


def test_a_schema_that_refers_to_itself_comes_to_an_end() -> None:
    tree = schema(a={"$ref": "#/$defs/A"}) | {
        "$defs": {"A": {"type": "object", "properties": {"b": {"$ref": "#/$defs/A"}}}}
    }
    other = deepcopy(tree)
    other["$defs"]["A"]["required"] = ["b"]
    assert breaks(tree, tree) == []
    assert ("a.b", "publishers") in found(tree, other)


FIELDS: list[Json] = [
    {"type": "string", "maxLength": 3},
    {"type": "string", "minLength": 2, "maxLength": 4},
    {"type": "string", "enum": ["a", "b"]},
    {"type": "string", "enum": ["a"]},
    {"type": "integer", "minimum": 0, "maximum": 3},
    {"type": "integer"},
    {"type": "number", "minimum": 0, "maximum": 3},
    {"type": "boolean"},
    {"type": "null"},
    {"type": "array", "items": {"type": "integer", "maximum": 5}, "maxItems": 2},
    {"type": "array", "items": {"type": "number"}, "maxItems": 1},
    {
        "type": "object",
        "additionalProperties": {"type": "boolean"},
        "propertyNames": {"maxLength": 2},
        "maxProperties": 2,
    },
    {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]},
    {"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"type": "null"}}},
]
ONE = st.sampled_from(FIELDS)
EITHER = ONE | st.lists(ONE, min_size=2, max_size=2, unique_by=lambda f: f["type"]).map(lambda ways: {"anyOf": ways})


@st.composite
def schemas(draw: st.DrawFn) -> Json:
    fields = draw(st.dictionaries(st.sampled_from("pq"), EITHER, max_size=2))
    needed = draw(st.sets(st.sampled_from(sorted(fields)))) if fields else set()
    return {"x-type": "t", "type": "object", "properties": fields, "required": sorted(needed)}


@given(schemas(), schemas(), st.data())
@settings(max_examples=400)
def test_where_no_break_is_told_every_event_is_taken(old: Json, new: Json, data: st.DataObject) -> None:
    """Against an independent validator: who isn't named must not be hit."""
    hit = {one.whom for one in breaks(old, new)}
    if "publishers" not in hit:
        assert Draft202012Validator(new).is_valid(data.draw(values(old, old)))
    if "readers" not in hit:
        said = data.draw(values(new, new))
        known = {name: value for name, value in said.items() if name in old["properties"]}
        assert Draft202012Validator(old).is_valid(known)


def test_a_break_is_told_in_words() -> None:
    assert str(Break("a", "is gone", "readers")) == "a: is gone (breaks readers)"
