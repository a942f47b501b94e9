"""The OpenAPI document: the official validator takes it, it says all there is, and the gateway does as it says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import uvicorn
from openapi_spec_validator import validate
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.openapi import from_dict

from schemas.catalogue import MODELS
from schemas.door import FROM_OUTSIDE
from schemas.envelope import CHECKS
from schemas.generate import example
from schemas.openapi import ATTRIBUTES, DATA, EVENT, component_of, ref
from schemas.tenancy import TenantMovedIn
from schemas.withdrawal import EventWithdrawn
from services.chassis.testkit import Running, eventually
from services.gateway.domain.door import ProblemType
from tests.gateway.conftest import STRUCTURED, MakeKey

TRIES = 40
"""Generated requests an operation, besides examples and boundary values."""
TELLING = (TenantMovedIn.type, EventWithdrawn.type)
"""The types whose boundary values are tried: of all of them it would take many minutes, and the door is one for all."""


@pytest.fixture
async def document(gateway: Running) -> dict[str, Any]:
    answer = await gateway.client.get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
async def port(gateway: Running) -> AsyncIterator[int]:
    """A loopback port that the running gateway listens on, for a client that isn't ours."""
    server = uvicorn.Server(uvicorn.Config(gateway.app, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())

    async def up() -> bool:
        return server.started

    await eventually("the gateway to listen", up)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    with suppress(TimeoutError):
        await asyncio.wait_for(serving, 5)


async def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)


async def test_it_has_every_type_every_attribute_and_every_refusal(document: dict[str, Any]) -> None:
    components, publish = document["components"]["schemas"], document["paths"]["/events"]["post"]
    assert {component_of(type_) for type_ in MODELS} <= components.keys()
    assert components["Event"]["discriminator"]["mapping"].keys() == FROM_OUTSIDE
    assert {*ATTRIBUTES, "type"} == {*CHECKS, "traceparent", "tracestate"}
    assert {str(one.status) for one in ProblemType} <= publish["responses"].keys()


@pytest.mark.timeout(240)
async def test_the_gateway_does_as_the_document_says(document: dict[str, Any], port: int, make_key: MakeKey) -> None:
    """Examples, boundary values, other methods, generated requests right and wrong: no defect, no undocumented answer."""
    key = await make_key(sources=sorted({example(type_)["source"] for type_ in FROM_OUTSIDE}))
    tried, wrong = await asyncio.to_thread(explore, narrowed(document), port, key)
    assert not wrong, "\n".join(wrong)
    assert {"202", "207", "403", "415", "422"} <= tried["POST /events"]
    assert tried.keys() == {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}


def narrowed(document: dict[str, Any]) -> dict[str, Any]:
    """The document, with events of the telling types only."""
    names = [component_of(type_) for type_ in TELLING]
    unions = {EVENT: {"oneOf": [ref(f"{name}Event") for name in names]}, DATA: {"anyOf": [ref(name) for name in names]}}
    document["components"]["schemas"] |= unions
    structured = document["paths"]["/events"]["post"]["requestBody"]["content"][STRUCTURED]
    structured["examples"] = {name: structured["examples"][name] for name in names}
    return document


def explore(document: dict[str, Any], port: int, key: str) -> tuple[dict[str, set[str]], list[str]]:
    """Schemathesis' whole run: the statuses seen by operation, and what was wrong."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "base-url": f"http://127.0.0.1:{port}",
            "headers": {"Authorization": f"Bearer {key}"},
            "generation": {"deterministic": True, "max-examples": TRIES, "no-shrink": True},
            "phases": {"stateful": {"enabled": False}},
            "continue-on-failure": True,
            "checks": {
                # A subject that isn't the data's, or a source that isn't the key's, is no matter of the schema.
                "positive_data_acceptance": {"enabled": False},
                "negative_data_rejection": {"expected-statuses": [207, "4xx"]},  # a batch is answered event by event
            },
        }
    )
    tried: dict[str, set[str]] = {}
    wrong: list[str] = []
    for event in from_schema(from_dict(document, config=config)).execute():
        match event:
            case events.ScenarioFinished(recorder=recorder, phase=phase):
                for interaction in recorder.interactions.values():
                    if interaction.response is not None:
                        tried.setdefault(recorder.label, set()).add(str(interaction.response.status_code))
                for number, checks in recorder.checks.items():
                    case = recorder.cases[number].value
                    wrong += [
                        f"{phase.name} {recorder.label}: {check.name}: {check.failure_info.failure.title}: "
                        f"{check.failure_info.failure.message} {case.as_curl_command()[:1500]}"
                        for check in checks
                        if check.failure_info is not None
                    ]
            case events.NonFatalError(info=info):
                wrong.append(info.format())
            case events.FatalError(exception=exception):
                raise exception
            case _:
                pass
    return tried, wrong
