"""The topics: what is kept is kept whatever the broker's defaults, and what is personal leaves no copies."""

import pytest

from schemas.catalogue import on_topic
from schemas.topics import TOPICS, Topic, milliseconds, parse

DAY_MS = 86_400_000
TOPIC = {
    "description": "x", "owner": "a", "writers": ["a"], "readers": ["b"], "key": "id", "partitions": 4,
    "retention": "keep", "max_message_bytes": 1,
}  # fmt: skip


def test_who_writes_and_who_reads() -> None:
    arrows = {name: (topic.writers, topic.readers, topic.ordered) for name, topic in TOPICS.items()}
    assert arrows == {
        "tenancy.events": (("gateway",), ("notifications", "reporting"), ()),
        "tenancy.contacts": (("gateway",), ("notifications",), ()),
        "governance.events": (("gateway",), ("notifications", "reporting"), ("notifications",)),
        "notifications.events": (("notifications",), ("reporting",), ()),
        "notifications.dlq": (("notifications",), (), ()),
        "reporting.dlq": (("reporting",), (), ()),
        "property.events": (("gateway",), ("reporting",), ()),
        "procurement.events": (("gateway",), ("reporting",), ()),
        "community.events": (("gateway",), ("reporting",), ()),
        "statistics.events": (("gateway",), ("reporting",), ()),
        "gateway.events": (("gateway",), ("reporting",), ()),
        "placements.events": (("placements",), ("reporting",), ()),
        "placements.contacts": (("placements",), (), ()),
        "surveys.events": (("surveys",), ("reporting",), ()),
        "surveys.invitations": (("surveys", "notifications"), (), ()),
        "surveys.contacts": (("surveys",), (), ()),
        "reporting.events": (("reporting",), ("notifications", "reporting"), ()),
    }


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_a_topic_is_whole(topic: Topic) -> None:
    assert topic.owner in topic.writers
    assert set(topic.ordered) <= set(topic.readers)
    assert topic.max_message_bytes == 1_048_576
    if topic.name.endswith(".dlq"):
        assert (topic.partitions, topic.retention_ms, topic.readers) == (1, 30 * DAY_MS, ())
    else:
        assert (topic.partitions, topic.retention_ms) == (4, 60 * DAY_MS if topic.private else -1)
        assert on_topic(topic.name)


def test_reporting_reads_every_topic_that_is_neither_personal_nor_private_and_no_other() -> None:
    read = {name for name, topic in TOPICS.items() if "reporting" in topic.readers}
    assert read == {name for name, t in TOPICS.items() if not (t.personal or t.private or name.endswith(".dlq"))}


@pytest.mark.parametrize("name", ["tenancy.contacts", "placements.contacts", "surveys.contacts"])
def test_contacts_are_personal_compacted_and_for_notifications_alone(name: str) -> None:
    topic = TOPICS[name]
    assert (topic.personal, topic.cleanup, topic.config()["max.compaction.lag.ms"]) == (True, "compact", str(DAY_MS))
    assert topic.tombstones_ms == 90 * DAY_MS
    assert set(topic.readers) <= {"notifications"}
    assert [model.tombstone for model in on_topic(name)] == [False, True], "a contact can be changed and erased"


def test_kept_means_kept_whatever_the_broker_says() -> None:
    assert TOPICS["tenancy.events"].config() == {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "max.message.bytes": "1048576",
    }


def test_durations() -> None:
    assert [milliseconds(text) for text in ("keep", "24 h", "30 d")] == [-1, DAY_MS, 30 * DAY_MS]


@pytest.mark.parametrize("wrong", [{"colour": "red"}, {"retention": "30 weeks"}, {"retention": "soon"}])
def test_a_file_that_does_not_fit_is_refused(wrong: dict[str, str]) -> None:
    assert parse("a.events", TOPIC).partitions == 4
    with pytest.raises((KeyError, ValueError)):
        parse("a.events", TOPIC | wrong)
