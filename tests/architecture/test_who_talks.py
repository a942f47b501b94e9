"""The picture of who talks to whom is drawn from topics/*.yaml; the code subscribes and publishes just so."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.catalogue import MODELS, on_topic
from schemas.door import FROM_OUTSIDE
from schemas.topics import TOPICS
from services.chassis.service import Service
from services.reporting import projector
from tests.architecture.repository import services

TOPIC_OF = {model.__name__: model.topic for model in MODELS.values()}
BY_TOPIC = {topic: on_topic(topic) for topic in TOPICS}


def service(name: str) -> Service:
    found: Service = importlib.import_module(f"services.{name}.app").service
    return found


@pytest.mark.parametrize("name", services())
def test_a_service_hears_the_topics_that_name_it_as_a_reader(name: str) -> None:
    heard = set(projector.topics()) if name == "reporting" else set(service(name).hears)
    assert heard == {topic.name for topic in TOPICS.values() if name in topic.readers}


@pytest.mark.parametrize("name", services())
def test_a_service_publishes_to_the_topics_that_name_it_as_a_writer(name: str) -> None:
    said = set(published(service(name).folder))
    assert {TOPIC_OF[event] for event in said} <= {topic.name for topic in TOPICS.values() if name in topic.writers}
    if name == "notifications":
        assert "HousingIntroductionOffered" in said


@pytest.mark.parametrize("name", services())
def test_a_service_that_reads_has_somewhere_to_put_dead_letters(name: str) -> None:
    """Without it the copy of the first parked record would stop everything that the service sends."""
    reads = any(name in topic.readers for topic in TOPICS.values())
    assert not reads or TOPICS[f"{name}.dlq"].writers == (name,)


def test_others_publish_what_the_gateway_writes_but_for_its_own_word() -> None:
    outside = {MODELS[type_].__name__ for type_ in FROM_OUTSIDE}
    written = {
        model.__name__ for topic, models in BY_TOPIC.items() if "gateway" in TOPICS[topic].writers for model in models
    }
    assert written - outside == {"PublisherRegistered", "PublisherRetired"}
    assert outside - written == {"EventWithdrawn"}


def test_every_canonical_topic_has_one_writer() -> None:
    shared = {name for name, topic in TOPICS.items() if len(topic.writers) > 1}
    assert shared == {"surveys.invitations"}, "surveys issues them, notifications tells that they were delivered"


def published(folder: Path) -> Iterator[str]:
    """The event models made in `tx.publish(Model(…))` anywhere in a service."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="tx"), attr="publish"), args=[argument, *_]):
                    match argument:
                        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                            yield name
                        case _:
                            pytest.fail(f"{file}:{node.lineno}: publish an event made on the spot, so that it shows")
                case _:
                    pass
