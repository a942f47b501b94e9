"""Forms from JSON Schemas: which fields an event's form has, in what shape, and what each may hold. Pure.

A field's `name` is that of its inputs: `area_id`, or `statistics_regions.0.code` in the first row of a list. Texts for
people are not here but their ids: `label` (what the field is called in English) and `help` (its description).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import Any

from schemas import fields as shapes
from schemas.catalogue import MODELS
from schemas.event import PREFIX, EventData
from schemas.generate import OF_A_DAY, json_schema

Json = Any

LONG_TEXT = 200
"""From so many characters on a text gets more than one line to write on."""


class Shape(Enum):
    """How a field is filled in: a closed set, one for each kind of value in our schemas."""

    LINE = "line"
    TEXT = "text"
    WHOLE = "whole"
    NUMBER = "number"
    DAY = "day"
    MONTH = "month"
    YES_NO = "yes_no"
    CHOICE = "choice"
    CHOICES = "choices"
    CODE = "code"  # of a set that may grow
    LANGUAGE = "language"
    LINES = "lines"  # a list of short texts, one on each line
    ROWS = "rows"  # a list of objects or long texts
    PAIRS = "pairs"  # an object whose names are free


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `options` are the codes of a choice, or the usual ones of a CODE; `columns` the parts of a row.

    `own_id`: the event brings this thing into being, so a new id is proposed. `email` and `phone` tell a phone's keyboard.
    """

    name: str
    shape: Shape
    required: bool
    label: str
    help: str
    options: tuple[str, ...] = ()
    default: Json = None
    columns: tuple["Field", ...] = ()
    own_id: bool = False
    identity: bool = False
    keyboard: str = "text"
    longest: int | None = None
    most: int | None = None

    @property
    def last(self) -> str:
        """Its own name, without those it stands in: what codes are told apart by."""
        return self.name.rpartition(".")[2]

    def at(self, row: int) -> tuple["Field", ...]:
        """Its columns as the fields of row `row`."""
        return tuple(
            replace(column, name=f"{self.name}.{row}.{column.name}" if column.name else f"{self.name}.{row}")
            for column in self.columns
        )


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one type. `help` is the first paragraph of its description."""

    type: str
    label: str
    help: str
    fields: tuple[Field, ...]
    tombstone: bool

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)


PROPOSED = frozenset({
    "MeetingPlaceOpened.meeting_place_id", "InitiativeStarted.initiative_id", "SponsorshipGranted.grant_id",
    "BusinessHotelOpened.hotel_id", "ContactMatched.contact_id", "PageRated.rating_id", "TenantMovedIn.tenant_ref",
    "SteeringDocumentAdopted.document_id", "ProcurementPublished.procurement_id", "ContractAwarded.contract_id",
    "TenantInfluenceAgreementSigned.agreement_id",
})  # fmt: skip
"""The ids that are made here, because the report is the first that is heard of the thing."""

USUAL: Mapping[str, tuple[str, ...]] = {
    "RenovationPlanned.kind": ("pipes", "bathrooms", "kitchens", "facade", "roof", "energy", "whole_building", "other"),
    "RenovationChanged.kind": ("pipes", "bathrooms", "kitchens", "facade", "roof", "energy", "whole_building", "other"),
    "PremisesLet.business_kind": ("grocery", "pharmacy", "restaurant"),
    "ProcurementPublished.category": ("construction", "painting", "cleaning"),
    "SocialRequirementSet.kind": ("internship", "trainee", "summer_job", "project_job", "employment", "other"),
    "PartnerMeetingHeld.partner": ("tenants_association",),
    "MeetingPlaceOpened.kind": ("art_hall", "gym", "pop_up", "youth_centre", "community_room", "garden", "other"),
    "InitiativeStarted.kind": ("garden", "homework_help", "night_walk"),
    "SponsorshipGranted.association_kind": ("sports", "culture", "tenants"),
    "ProgrammeStarted.programme": ("housing_introduction",),
    "ProgrammeEnded.programme": ("housing_introduction",),
    "RoleStaffed.role": ("integration_strategist",),
    "TenantInfluenceAgreementSigned.party": ("tenants_association", "local_tenants"),
}
"""Codes of sets that may grow which the form offers to choose from, each named in its field's description."""


CALLED = {
    "on": "Day",
    "from": "From day",
    "amount_sek": "Amount in kronor",
    "planned_start_on": "Planned start",
    "tenant_ref": "Household",
}
"""What fields are called whose names say it badly."""
SIGNS = {">": "More than", ">=": "At least", "<=": "At most"}
LANGUAGES = ("sv", "en", "ar", "so", "ti", "fa", "ku", "uk", "pl", "bs", "tr", "es", "am", "th", "vi")
"""Those that are offered first; any other can be written."""


@lru_cache(maxsize=256)
def form_of(event_type: str) -> Form:
    """The form of an event type. Raises KeyError for one that the catalogue lacks."""
    model = MODELS[event_type]
    schema = json_schema(model)
    parts = schema.get("$defs", {})
    needed = set(schema.get("required", ()))
    return Form(
        type=event_type,
        label=in_words(_name(model)),
        help=first_paragraph(schema["description"]),
        fields=tuple(
            _field(model, name, field, parts, required=name in needed) for name, field in schema["properties"].items()
        ),
        tombstone=model.tombstone,
    )


def every_field(form: Form) -> Iterator[Field]:
    """The fields of a form, those of rows too."""
    for field in form.fields:
        yield field
        yield from field.columns


def first_paragraph(description: str) -> str:
    return " ".join(description.split("\n\n", maxsplit=1)[0].split())


def in_words(name: str) -> str:
    """What a name in code is called in English: `meeting_place_id` → Meeting place, `AreaGroupMet` → Area group met."""
    if "_" not in name and name[:1].isupper():
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
    if name in CALLED:
        return CALLED[name]
    if name.endswith("_ids"):
        name = f"{name.removesuffix('_ids')}s"
    for ending in ("_id", "_ref"):
        name = name.removesuffix(ending)
    name = name.removeprefix("is_").removeprefix("was_")
    return name.replace("_", " ").capitalize()


def code_in_words(code: str) -> str:
    """What a code is called in English: `social_services` → Social services. One with capitals is a name and stays."""
    if code in SIGNS:
        return SIGNS[code]
    return code.replace("_", " ").replace("-", " ").capitalize() if code == code.lower() else code


def _name(model: type[EventData]) -> str:
    return model.type.removeprefix(PREFIX).rpartition(".v")[0]


def _field(
    model: type[EventData], name: str, schema: Mapping[str, Any], parts: Mapping[str, Any], *, required: bool
) -> Field:
    where = f"{_name(model)}.{name}"
    identity = {model.model_fields[field].alias or field for field in model.identity_fields}
    made = _shaped(name, schema, parts, required=required)
    usual = USUAL.get(where)
    return replace(
        made,
        own_id=where in PROPOSED,
        identity=name in identity,
        options=usual if usual and made.shape is Shape.CODE else made.options,
    )


def _shaped(name: str, schema: Mapping[str, Any], parts: Mapping[str, Any], *, required: bool) -> Field:
    """The field of a schema. Raises LookupError for a kind of value that no form can ask for."""
    description = str(schema.get("description", "")).removesuffix(OF_A_DAY).strip()
    base = Field(name, Shape.LINE, required, in_words(name), description, default=schema.get("default"))
    if "anyOf" in schema:
        [schema] = [way for way in schema["anyOf"] if way.get("type") != "null"]
    if "$ref" in schema:
        schema = parts[schema["$ref"].rpartition("/")[2]]
    match schema:
        case {"enum": options}:
            return replace(base, shape=Shape.CHOICE, options=tuple(options))
        case {"type": "boolean" | "integer" | "number" as kind}:
            return replace(base, **PLAIN[kind])
        case {"type": "string"}:
            return _text(base, schema)
        case {"type": "array", "items": item}:
            return _several(replace(base, most=schema.get("maxItems")), item, parts)
        case {"type": "object", "additionalProperties": {"type": "string"}}:
            pair = tuple(Field(part, Shape.LINE, True, in_words(part), "") for part in ("name", "member"))
            return replace(base, shape=Shape.PAIRS, columns=pair, most=schema.get("maxProperties"))
        case _:
            raise LookupError(f"no form asks for {name}: {dict(schema)}")


def _several(base: Field, item: Mapping[str, Any], parts: Mapping[str, Any]) -> Field:
    match item:
        case {"enum": options}:
            return replace(base, shape=Shape.CHOICES, options=tuple(options))
        case {"type": "string", "maxLength": longest} if longest <= LONG_TEXT:
            return replace(base, shape=Shape.LINES)
        case {"type": "string"}:
            column = _text(Field("", Shape.LINE, True, base.label, ""), item)
            return replace(base, shape=Shape.ROWS, columns=(column,))
        case {"$ref": where}:
            part = parts[where.rpartition("/")[2]]
            needed = set(part.get("required", ()))
            columns = tuple(_shaped(n, f, parts, required=n in needed) for n, f in part["properties"].items())
            return replace(base, shape=Shape.ROWS, columns=columns)
        case _:
            raise LookupError(f"no form asks for a list of {dict(item)}")


def _text(base: Field, schema: Mapping[str, Any]) -> Field:
    kind = schema.get("pattern", schema.get("format"))
    return replace(base, **{"longest": schema.get("maxLength"), **TEXTS.get(str(kind), {})})


PLAIN: Mapping[str, Mapping[str, Any]] = {
    "boolean": {"shape": Shape.YES_NO},
    "integer": {"shape": Shape.WHOLE, "keyboard": "numeric"},
    "number": {"shape": Shape.NUMBER, "keyboard": "decimal"},
}
TEXTS: Mapping[str, Mapping[str, Any]] = {
    "date": {"shape": Shape.DAY, "longest": None},
    shapes.MONTH: {"shape": Shape.MONTH},
    shapes.CODE: {"shape": Shape.CODE},
    shapes.LINES: {"shape": Shape.TEXT},
    shapes.LANGUAGE: {"shape": Shape.LANGUAGE, "options": LANGUAGES},
    shapes.EMAIL: {"keyboard": "email"},
    shapes.PHONE: {"keyboard": "tel"},
    shapes.MUNICIPALITY: {"keyboard": "numeric"},
}
"""Pattern or format of a text → what its field is besides a line of text."""
