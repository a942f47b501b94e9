"""The picture of who talks to whom is drawn from topics/*.yaml; the code subscribes and publishes just so."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import schemas.catalogue
from schemas.topics import TOPICS
from services.chassis.service import Service
from services.reporting import projector
from tests.architecture.repository import services

TOPIC_OF = {model.__name__: model.topic for model in schemas.catalogue.MODELS.values()}


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


def test_every_canonical_topic_has_one_writer() -> None:
    for topic in TOPICS.values():
        if not topic.name.endswith(".dlq"):
            assert len(topic.writers) == 1, topic.name


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
