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
from schemas.generate import example
from schemas.topics import TOPICS
from tests.schemas.samples import event

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
    names["property.events"] = (
        "RenovationPlanned RenovationChanged RenovationCancelled RenovationStarted ConstructionStarted "
        "DwellingCompleted DwellingSold PremisesRegistered PremisesLet PremisesVacated"
    )
    names["procurement.events"] = "ProcurementPublished SocialRequirementSet ContractAwarded ContractEnded"
    names["community.events"] = (
        "ConsultationHeld PartnerMeetingHeld MeetingPlaceOpened MeetingPlaceClosed VisitCounted YouthSessionHeld "
        "YouthDialogueHeld AreaGroupMet InitiativeStarted LocalPolicePresenceChanged SponsorshipGranted "
        "SponsorshipReported OutreachPerformed BusinessHotelOpened ContactMatched ServiceHoursReported "
        "TenantInfluenceAgreementSigned"
    )
    names["statistics.events"] = "OfficialStatisticImported"
    names["gateway.events"] = "PublisherRegistered PublisherRetired SourceChecked PageRated"
    names["placements.events"] = (
        "PlacementCommitmentMade CommitmentRevised CommitmentDelegated CommitmentCancelled PlaceOpened PlaceWithdrawn "
        "CandidateRegistered CandidateWithdrawn MatchProposed MatchAccepted MatchDeclined PlacementStarted "
        "AttendanceRecorded PlacementInterrupted PlacementCompleted EmploymentOutcomeRecorded SummerJobApplied "
        "SummerJobRoundDrawn SummerJobAllocated SummerJobDeclined ReferralMade ReferralAnswered"
    )
    names["placements.contacts"] = "PlacementContactChanged PlacementContactErased"
    names["surveys.events"] = (
        "SurveyPublished ResponsesCounted SurveyClosed ResultPublished ActionPlanned ActionRevised ActionCompleted "
        "ActionCancelled"
    )
    names["surveys.invitations"] = "InvitationIssued ReminderIssued InvitationDelivered"
    names["surveys.contacts"] = "SurveyContactChanged SurveyContactErased"
    names["reporting.events"] = "FigurePublished PeriodClosed ReportPublished ReportRestated AlertRaised AlertCleared"
    assert set(names) == {name for name in TOPICS if not name.endswith(".dlq")}
    assert {topic: {model.type for model in on_topic(topic)} for topic in names} == {
        topic: {f"se.vatterhem.{name}.v1" for name in listed.split()} for topic, listed in names.items()
    }
    assert "se.vatterhem.EventWithdrawn.v1" in MODELS


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.__name__)
def test_every_model_is_whole(model: Any) -> None:
    assert model.topic in TOPICS or model.topic == ANY_TOPIC
    assert model.__doc__
    for field in (*model.identity_fields, *filter(None, model.subject_field.split(":"))):
        assert field in model.model_fields
    for name, info in model.model_fields.items():
        assert info.description, f"{model.__name__}.{name} says nothing to its publisher"
    if model.tombstone:
        assert list(model.model_fields) == [model.subject_field], "a tombstone carries its subject and nothing else"
        assert TOPICS[model.topic].cleanup == "compact"


ABOUT_ONE = {
    "tenancy_id", "tenant_ref", "message_id", "about", "candidate_ref", "person_ref", "match_id", "placement_id",
    "application_id", "referral_id", "rating_id", "host_contact_ref", "contact_id", "invitation_id", "dwelling_id",
}  # fmt: skip
"""Fields that lead to one person or household."""
KEPT = [m for m in MODELS.values() if m.topic == ANY_TOPIC or not (TOPICS[m.topic].personal or TOPICS[m.topic].private)]


@pytest.mark.parametrize("model", KEPT, ids=lambda m: m.__name__)
def test_kept_topics_carry_nothing_personal(model: Any) -> None:
    named = set(model.model_fields)
    assert not named & {"email", "phone", "postal_address", "born_on", "age", "skills", "country_of_birth", "text"}
    assert "name" not in named or model is governance.AreaDefined
    assert "title" not in named or model is governance.SteeringDocumentAdopted
    assert not (named & ABOUT_ONE and named & {"language", "languages", "available_in", "age_from", "sex", "code"})


@pytest.mark.parametrize("model", KEPT, ids=lambda m: m.__name__)
def test_every_reason_is_a_closed_code(model: Any) -> None:
    if "reason" in model.model_fields:
        assert "enum" in model.model_json_schema()["properties"]["reason"]


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


def test_a_subject_of_two_fields_is_both_joined_by_a_colon() -> None:
    said = event("se.vatterhem.OfficialStatisticImported.v1")
    assert said.subject == said.data.subject == "employment-rate-bas:0680"
    assert orjson.loads(said.data.json_bytes())["register"] == "BAS"
    with pytest.raises(ValidationError, match=r"data\.series:region_code"):
        Event.of(said.data, id="1", source="urn:x", time=NOON, subject="employment-rate-bas")


@pytest.mark.parametrize(
    ("type_", "changes"),
    [
        ("OfficialStatisticImported", {"value": None}),
        ("OfficialStatisticImported", {"status": "missing"}),
        ("OfficialStatisticImported", {"age_to": 19}),
        ("OfficialStatisticImported", {"numerator": 8, "denominator": 7}),
        ("FigurePublished", {"status": "not_shown"}),
        ("FigurePublished", {"status": "no_data", "value": None}),
        ("FigurePublished", {"value": None}),
        ("ResponsesCounted", {"answered": 213}),
        ("InvitationIssued", {"person_ref": "p"}),
        ("InvitationIssued", {"tenancy_id": None}),
        ("PlacementCommitmentMade", {"window_to": "2018-09-02"}),
        ("SurveyPublished", {"closes_on": "2019-09-15"}),
        ("ActionPlanned", {"due_on": "2019-12-01"}),
    ],
)
def test_fields_that_contradict_each_other_are_refused(type_: str, changes: dict[str, Any]) -> None:
    model, data = MODELS[f"se.vatterhem.{type_}.v1"], example(f"se.vatterhem.{type_}.v1")["data"]
    assert problems_of(model, data) == {}
    assert list(problems_of(model, data | changes)) == ["data"]


def test_a_missing_value_is_said_without_one() -> None:
    data = example("se.vatterhem.OfficialStatisticImported.v1")["data"] | {"value": None, "status": "missing"}
    assert problems_of(MODELS["se.vatterhem.OfficialStatisticImported.v1"], data) == {}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (fields.Month, ["2019-04"], ["2019-4", "2019-13", "201904", "2019-04\n"]),
        (fields.Week, ["2019-W01", "2020-W53"], ["2019-W00", "2019-W54", "2019W01", "2019-1"]),
        (fields.Period, ["2019", "2019-Q4", "2019-12"], ["19", "2019-Q5", "2019-00", "2019-W01", ""]),
        (fields.Interval, ["P1D", "P365D", "PT6H"], ["P0D", "1D", "P1M", "PT30M", "P1DT6H"]),
        (fields.InvitationCode, ["7KQ4-M2XD-9RTB", "7KQ4M2XD"], ["7kq4", "7KQ4-", "", "7KQ4 M2XD", "A" * 60]),
        (fields.Digest, ["0" * 64], ["0" * 63, "g" * 64, "A" * 64]),
        (fields.Source, ["urn:example:x"], ["urn:" + "x" * 125, "two words", ""]),
        (fields.Year, [2019], [19, "2019", 2019.0, True]),
        (fields.EachOnce[fields.Language], [("sv", "ar"), ()], [("sv", "sv"), ("ar", "AR"), ["sv"]]),
    ],
    ids=["month", "week", "period", "interval", "code", "digest", "source", "year", "set"],
)
def test_kinds_of_value(kind: Any, good: list[object], bad: list[object]) -> None:
    assert [value for value in good if not takes(kind, value)] == []
    assert [value for value in bad if takes(kind, value)] == []


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
