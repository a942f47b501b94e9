"""The door in containers and the door of one machine are made from one table, and say the same. tests/compose asks the real nginx."""

import re
from itertools import product

import pytest

from deploy import nginx
from hem.refusals import BUSY, DOWN
from hem.routing import ROUTES, SERVICES, service_of
from services.chassis.web.limits import MAX_BODY
from services.chassis.web.problem import KINDS
from services.gateway.app import service as gateway

ROUTE = re.compile(r'^ {8}"~(?P<pattern>\S+)" (?P<service>\w+);$', re.MULTILINE)


def nginx_service_of(target: str) -> str:
    """Whose `target` (path and query) is by the written file: as nginx does, the first pattern that is found decides."""
    text = nginx.FILE.read_text(encoding="utf-8")
    for route in ROUTE.finditer(text):
        if re.search(route["pattern"], target):
            return route["service"]
    [rest] = re.findall(r"map \$request_uri \$service \{\s+default (\w+);", text)
    return str(rest)


def test_the_file_is_fresh() -> None:
    assert nginx.FILE.read_text(encoding="utf-8") == nginx.config(), "stale: .venv/bin/python deploy/nginx.py"


@pytest.mark.parametrize("prefix", ROUTES)
def test_both_doors_agree(prefix: str) -> None:
    path = prefix.rstrip("/")
    ends = (
        "",
        "/",
        "/x",
        "//",
        "x",
        "-x",
        ".",
        "/..",
        "/../events",
        "%2F",
        "/%2e%2e",
        ";x",
        "/ops/gateway",
        "/mail/",
        "/a/b/c",
    )
    starts = ("", "/", "/x", "/.", "/todo/..", "/%65vents")
    for start, end, query in product(starts, ends, ("", "?", "?/events", "?a=/mail/x", "#/mail")):
        found = service_of(re.split("[?#]", start + path + end)[0])
        assert nginx_service_of(start + path + end + query) == found, start + path + end + query


def test_every_service_has_a_way_in() -> None:
    assert set(ROUTES.values()) == {*SERVICES, "overview", "catcher"}
    for service in SERVICES:
        assert service_of(f"/ops/{service}/parked") == service


def test_it_says_what_the_others_say() -> None:
    text = nginx.FILE.read_text(encoding="utf-8")
    assert DOWN.page("$service") in text
    for status in (400, 405, 413, 500):
        kind = KINDS[status]
        assert nginx.REFUSED[status] == kind
        assert (
            f'"type":"urn:hem:problem:{kind.slug}","title":"{kind.title}","status":{status},"detail":"{kind.detail}"'
            in text
        )
    for title in (DOWN.title, *(kind.title for kind in nginx.REFUSED.values())):
        assert f'"title":"{title}"' in text
    assert BUSY.title not in text  # nginx has no such limit


def test_a_body_that_is_too_large_for_a_service_still_reaches_it() -> None:
    limits = re.findall(r"client_max_body_size (\d+);", nginx.FILE.read_text(encoding="utf-8"))
    for limit, ours in zip(limits, (MAX_BODY, max(gateway.larger_bodies.values())), strict=True):
        assert ours < int(limit) <= ours + 2**20


def test_no_log_names_an_address() -> None:
    text = nginx.FILE.read_text(encoding="utf-8")
    [logged] = re.findall(r"log_format plain escape=json '(.*)';", text)
    assert set(re.findall(r"\$\w+", logged)) == {
        "$time_iso8601",
        "$request_method",
        "$service",
        "$status",
        "$bytes_sent",
        "$request_time",
    }
    assert re.findall(r"(?:access|error)_log (.*);", text) == ["stderr crit", "/dev/stdout plain"]
