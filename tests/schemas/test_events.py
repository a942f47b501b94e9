"""The models: strict on what we write, tolerant on what we read, and nothing personal on kept topics."""

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas import fields, governance, notifications, tenancy, withdrawal
from schemas.catalogue import MODELS, on_topic, versions_of
from schemas.envelope import parse_data
from schemas.errors import Malformed
from schemas.event import ANY_TOPIC, Event
from schemas.topics import TOPICS

NOON = datetime(2019, 3, 1, 12, tzinfo=UTC)
MOVE_IN = tenancy.TenantMovedIn(
    tenancy_id="t", tenant_ref="r", area_id="oxnehaga", moved_in_on=date(2019, 3, 1), contact_rule="any"
)


def target(**changes: Any) -> dict[str, Any]:
    return {
        "goal_id": "housing-introduction-offered",
        "dimension": {"area": "oxnehaga"},
        "comparison": ">=",
        "value": 90,
        "unit": "percent",
        "valid_from": "2019-01-01",
        "document_id": "goals-2019",
        **changes,
    }


def problems_of(model: Any, data: object) -> dict[str | None, str]:
    try:
        parse_data(model, orjson.dumps(data))
    except Malformed as malformed:
        return {problem.field: problem.expected for problem in malformed.problems}
    return {}


def takes(kind: Any, value: object) -> bool:
    try:
        TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def test_catalogue_holds_the_names_others_publish() -> None:
    names = {"tenancy.events": "TenantMovedIn MoveInCancelled TenantMovedOut"}
    names["tenancy.contacts"] = "TenantContactChanged TenantContactErased"
    names["notifications.events"] = (
        "HousingIntroductionOffered HousingIntroductionAnswered HousingIntroductionBooked HousingIntroductionHeld "
        "HousingIntroductionNotHeld ConsultationInvited FeedbackSent NotificationSent NotificationFailed "
        "NotificationSuppressed"
    )
    names["governance.events"] = (
        "AreaDefined SteeringDocumentAdopted SteeringDocumentReplaced TargetSet TargetRevised ProgrammeStarted "
        "ProgrammeEnded RoleStaffed"
    )
    assert {topic: {model.type for model in on_topic(topic)} for topic in names} == {
        topic: {f"se.vatterhem.{name}.v1" for name in listed.split()} for topic, listed in names.items()
    }
    assert "se.vatterhem.EventWithdrawn.v1" in MODELS


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.__name__)
def test_every_model_is_whole(model: Any) -> None:
    assert model.topic in TOPICS or model.topic == ANY_TOPIC
    assert model.__doc__
    for field in (*model.identity_fields, *filter(None, [model.subject_field])):
        assert field in model.model_fields
    for name, info in model.model_fields.items():
        assert info.description, f"{model.__name__}.{name} says nothing to its publisher"
    if model.tombstone:
        assert list(model.model_fields) == [model.subject_field], "a tombstone carries its subject and nothing else"
        assert TOPICS[model.topic].cleanup == "compact"


@pytest.mark.parametrize("model", [m for m in MODELS.values() if m.topic != tenancy.CONTACTS], ids=lambda m: m.__name__)
def test_kept_topics_carry_nothing_personal(model: Any) -> None:
    named = set(model.model_fields)
    assert not named & {"email", "phone", "postal_address", "born_on", "age", "skills", "country_of_birth", "text"}
    assert "name" not in named or model is governance.AreaDefined
    assert "title" not in named or model is governance.SteeringDocumentAdopted
    about_a_household = named & {"tenancy_id", "tenant_ref", "message_id", "about"}
    assert not (about_a_household and named & {"language", "languages", "available_in"})


def test_versions_are_told_apart_from_names() -> None:
    assert versions_of("se.vatterhem.TenantMovedIn.v9") == ("se.vatterhem.TenantMovedIn.v1",)
    assert versions_of("se.vatterhem.TenantFlewIn.v1") == ()
    assert versions_of("TenantMovedIn") == ()


def test_event_is_filled_from_its_data_and_must_agree_with_it() -> None:
    event = Event.of(MOVE_IN, id="1", source="urn:x", time=NOON)
    assert (event.type, event.subject) == ("se.vatterhem.TenantMovedIn.v1", "t")
    assert event.dataschema == "/schemas/se.vatterhem.TenantMovedIn.v1"
    with pytest.raises(ValidationError, match=r"data\.tenancy_id"):
        Event.of(MOVE_IN, id="1", source="urn:x", time=NOON, subject="other")
    with pytest.raises(ValidationError, match="type"):
        Event(id="1", source="urn:x", type="se.vatterhem.TenantMovedOut.v1", subject="t", time=NOON, data=MOVE_IN)
    with pytest.raises(ValidationError, match="timezone"):
        Event.of(MOVE_IN, id="1", source="urn:x", time=NOON.replace(tzinfo=None))


def test_withdrawal_needs_the_subject_of_what_it_withdraws() -> None:
    withdrawn = withdrawal.EventWithdrawn(withdrawn_source="urn:x", withdrawn_id="1", reason="sent_twice")
    with pytest.raises(ValidationError):
        Event.of(withdrawn, id="2", source="urn:x", time=NOON)
    assert Event.of(withdrawn, id="2", source="urn:x", time=NOON, subject="t").subject == "t"


def test_frozen_and_strict_in_code() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        MOVE_IN.area_id = "raslatt"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        tenancy.MoveInCancelled(tenancy_id="t", reason="other", colour="red")  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        tenancy.TenantMovedOut(tenancy_id=1, moved_out_on=date(2019, 3, 1))  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        tenancy.TenantMovedOut(tenancy_id="t", moved_out_on=NOON)


def test_unknown_fields_are_dropped_and_named() -> None:
    region = {"code": "0680R012", "kind": "RegSO", "version": "2018", "weight": 1, "tint": "red"}
    area: dict[str, object] = {"area_id": "a", "name": "A", "municipality_code": "0680", "statistics_regions": [region]}
    area |= {"valid_from": "2019-01-01", "colour": "red", "\u202etxt": 1}
    data, unknown = parse_data(governance.AreaDefined, orjson.dumps(area))
    assert set(unknown) == {"statistics_regions[0].tint", "colour", "\\u202etxt"}
    assert "colour" not in data.model_dump()


def test_every_wrong_field_is_named_without_its_value() -> None:
    data = {
        "tenancy_id": 7,
        "area_id": "",
        "moved_in_on": "2019-02-30",
        "contact_rule": "Amal",
        "building_id": "a\u0007",
    }
    problems = problems_of(tenancy.TenantMovedIn, data)
    assert set(problems) == {
        f"data.{name}" for name in ("tenancy_id", "tenant_ref", "area_id", "moved_in_on", "contact_rule", "building_id")
    }
    assert problems["data.contact_rule"] == "one of 'any' or 'letter_only'"
    assert "Amal" not in str(problems)


@pytest.mark.parametrize(
    "wrong",
    ["2019-02-30", "2019-2-3", "20190203", "1551398400", "2019-03-01T00:00:00", "1819-03-01", "٢٠١٩-03-01", "", 7],
)
def test_a_day_is_a_date_that_exists(wrong: object) -> None:
    assert problems_of(tenancy.TenantMovedOut, {"tenancy_id": "t", "moved_out_on": wrong}) == {
        "data.moved_out_on": fields.A_DAY
    }


@given(st.dates(min_value=date(1900, 1, 1)))
def test_any_other_day_survives_the_wire(day: date) -> None:
    data = tenancy.TenantMovedOut(tenancy_id="t", moved_out_on=day)
    assert parse_data(tenancy.TenantMovedOut, data.json_bytes()) == (data, [])


@given(st.text(max_size=140))
def test_an_id_is_text_without_control_characters(text: str) -> None:
    control = any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in text)
    assert takes(fields.Id, text) == (1 <= len(text) <= 128 and not control)


@given(st.text(alphabet=st.characters(categories=["Cs"]), min_size=1, max_size=3))
def test_a_lone_surrogate_is_not_text(text: str) -> None:
    assert not takes(fields.Id, text)


@pytest.mark.parametrize(
    ("tag", "canonical"),
    [("sv", "sv"), ("AR", "ar"), ("zh-hant-tw", "zh-Hant-TW"), ("fa-af", "fa-AF"), ("ckb", "ckb"), ("es-419", "es-419"),
     ("de-1996", "de-1996"), ("sl-rozaj", "sl-rozaj"), ("ar-u-nu-latn", "ar-u-nu-latn"), ("en-x-AB", "en-x-ab")],
)  # fmt: skip
def test_languages_are_put_in_their_usual_case(tag: str, canonical: str) -> None:
    assert TypeAdapter(fields.Language).validate_python(tag) == canonical


@pytest.mark.parametrize("tag", ["arabiska", "english", "s", "", "sv_SE", "sv-", "sv--SE", "sv SE", "ar\n", "sv-SE-FI"])
def test_what_is_not_a_language_tag(tag: str) -> None:
    assert not takes(fields.Language, tag)


@pytest.mark.parametrize("email", ["a@b.se", "amal.o'hara+hem@sub.example.se", "åsa@exempel.se", "a@xn--exmpel-bua.se"])
def test_email_addresses(email: str) -> None:
    assert takes(fields.Email, email)


@pytest.mark.parametrize(
    "wrong", ["", "a", "a@b", "@b.se", "a@.se", "a@b.", "a b@c.se", "a@b@c.se", "a@b.se\nBcc: x@y.se", "<a@b.se>",
              "a,b@c.se", "a@b..se", "a@b.se ", "a" * 250 + "@b.se"],
)  # fmt: skip
def test_what_is_not_an_email_address(wrong: str) -> None:
    assert not takes(fields.Email, wrong)


@pytest.mark.parametrize(
    ("phone", "good"),
    [("+46701740605", True), ("070-174 06 05", True), ("036 (10) 50 00", True), ("112", False), ("+46", False),
     ("070-174 06 05 hemma", False), ("+" + "1" * 16, False), ("070\n1740605", False), ("", False)],
)  # fmt: skip
def test_phone_numbers(phone: str, good: bool) -> None:
    assert takes(fields.Phone, phone) is good


def test_contact_keeps_line_breaks_in_the_address_only() -> None:
    contact = {"tenant_ref": "r", "name": "A", "language": "sv", "postal_address": "Gatan 1\n561 00 Huskvarna"}
    assert problems_of(tenancy.TenantContactChanged, contact) == {}
    assert set(problems_of(tenancy.TenantContactChanged, contact | {"name": "A\nB"})) == {"data.name"}
    assert set(problems_of(tenancy.TenantContactChanged, contact | {"opted_out_of": ["mail"]})) == {
        "data.opted_out_of[0]"
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"comparison": "="}, "data.comparison"),
        ({"value": None}, "data"),
        ({"comparison": "done"}, "data"),
        ({"value": True}, "data.value"),
        ({"unit": "%"}, "data.unit"),
        ({"valid_to": "2018-12-31"}, "data"),
        ({"dimension": {"Area": "oxnehaga"}}, "data.dimension.Area.[key]"),
        ({"dimension": "oxnehaga"}, "data.dimension"),
    ],
)
def test_what_is_not_a_target(changes: dict[str, Any], field: str) -> None:
    assert list(problems_of(governance.TargetSet, target(**changes))) == [field]


@pytest.mark.parametrize("changes", [{"comparison": ">"}, {"comparison": "increase", "value": None},
                                     {"comparison": "done", "value": None}, {"dimension": None}])  # fmt: skip
def test_targets_of_each_kind(changes: dict[str, Any]) -> None:
    assert problems_of(governance.TargetSet, target(**changes)) == {}


def test_nan_is_not_a_value() -> None:
    body = orjson.dumps(target()).replace(b":90,", b":NaN,")
    with pytest.raises(Malformed):
        parse_data(governance.TargetSet, body)


def test_identity_tells_targets_apart_that_share_a_goal() -> None:
    def identity(**changes: Any) -> tuple[object, ...]:
        return parse_data(governance.TargetSet, orjson.dumps(target(**changes)))[0].identity

    assert hash(identity()) == hash(identity(value=95))
    assert identity() == identity(value=95)
    assert identity() != identity(dimension={"area": "raslatt"})
    assert identity() != identity(valid_from="2020-01-01")
    assert MOVE_IN.identity == ("t",)


def test_from_is_called_from_on_the_wire() -> None:
    started = governance.ProgrammeStarted(programme="housing_introduction", area_id="oxnehaga", from_=date(2019, 1, 1))
    assert orjson.loads(started.json_bytes())["from"] == "2019-01-01"
    assert problems_of(governance.ProgrammeStarted, {"programme": "housing_introduction", "area_id": "a"}) == {
        "data.from": "a value"
    }


def test_suppression_reasons_are_the_listed_ones() -> None:
    for reason in ("opted_out", "by_hand", "duplicate", "expired"):
        notifications.NotificationSuppressed(
            message_id="m",
            occasion="housing_introduction",
            about="t",
            reason=reason,
        )
    with pytest.raises(ValidationError):
        notifications.NotificationSuppressed(
            message_id="m",
            occasion="housing_introduction",
            about="t",
            reason="ill",  # type: ignore[arg-type]
        )
