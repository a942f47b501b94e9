"""nginx gives each path, as it was sent, to the service that the one table names, and its answer back."""

import http.client
import json

import pytest

from hem.routing import OVERVIEW, SERVICES, service_of
from services.chassis.testkit import eventually
from tests.compose.driver import Compose

pytestmark = pytest.mark.timeout(400)

PATHS = [
    "/", "/?next=/todo", "/goals/housing-introduction-offered", "/api/goals", "/subjects/x", "/nothing/here",
    "/events", "/events/", "/events/batch", "/eventsource", "/Events", "/events?x=/todo", "/events;x", "/events%2Fx",
    "/schemas", "/schemas/se.vatterhem.TenantMovedIn.v1", "/static/hem.css", "/static/../todo", "/static//hem.css",
    "/sign-in", "/sign-in?code=x", "/ops", "/ops/gateway", "/ops/gateway/keys", "/ops/gateway%2Fkeys", "/ops//gateway",
    "/ops/placements/parked", "/ops/surveys/parked", "/ops/notifications/parked", "/ops/reporting/rebuild",
    "/areas", "/compare", "/definitions", "/status", "/publications", "/yearly", "/yearly/drafts/2019", "/alerts", "/api/v1/goals",
    "/todo", "/todo/../events", "/todo/..%2Fevents", "/todo/%2e%2e/ops/gateway/keys", "/todo/a%00b", "/todo/%F0%28",
    "/%65vents", "//events", "/./events", "/health/live", "/health/ready", "/health",
    "/health/ready/../../ops/gateway/keys", "/metrics", "/metrics/", "/mailbox",
]  # fmt: skip
ABOVE_THE_ROOT = ["/../events", "/%2e%2e/todo"]  # nginx lets nothing of the kind in
NGINX_ANSWERS = ["/health/live", "/todo/a%00b"]
STATUSES = """
import http.client, json, sys
for line in sys.argv[1:]:
    service, path = line.split(" ", 1)
    connection = http.client.HTTPConnection(service, 8000, timeout=10)
    connection.putrequest("GET", path)
    connection.endheaders()
    print(connection.getresponse().status)
"""


def ask(hem: Compose, path: str, **headers: str) -> tuple[int, bytes]:
    """Asks with the path as it is written. Gives status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", hem.port, timeout=20)
    try:
        connection.putrequest("GET", path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


async def test_a_path_gets_the_status_that_its_service_gives_it(hem: Compose) -> None:
    asked = [f"{service_of(path.partition('?')[0])} {path}" for path in PATHS]
    own = (await hem.inside("overview", "python", "-c", STATUSES, *asked)).split()
    through = [str(ask(hem, path)[0]) for path in PATHS]
    assert dict(zip(PATHS, through, strict=True)) == dict(zip(PATHS, own, strict=True))
    assert {ask(hem, path)[0] for path in ABOVE_THE_ROOT} == {400}


async def test_a_service_that_is_down_is_named_and_everybody_stops_in_time(hem: Compose) -> None:
    ours = (*SERVICES, OVERVIEW)
    try:
        await hem.compose("stop", *ours, within=60)
        for container in await hem.containers(*ours):
            # Ended by itself after the signal, and not killed after 15 s.
            assert container["State"]["ExitCode"] in {0, 143}, container["Name"]
        down = [path for path in PATHS if path not in NGINX_ANSWERS]
        said = {path: (status, json.loads(body).get("service")) for path in down for status, body in [ask(hem, path)]}
        assert said == {path: (502, service_of(path.partition("?")[0])) for path in down}
        status, body = ask(hem, "/", Accept="text/html")
        assert (status, b"svarar inte just nu" in body) == (502, True)
        assert ask(hem, "/health/live")[0] == 200
    finally:
        await hem.compose("start", *ours)

    async def ready() -> bool:
        return (await hem.ready())["code"] == 200

    await eventually("everything to be ready", ready, within=60)
