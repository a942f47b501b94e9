"""Reading files of events and sending them in batches, against a gateway that goes away."""

import http.server
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from hem.door import Door, DoorError
from hem.home import Home
from hem.publish import BATCH_EVENTS, TOO_DEEP, KeyRing, Line, publish, read_lines, register
from tests.hem.serving import serving


class Gateway(http.server.ThreadingHTTPServer):
    """Answers batches as the gateway does; the first answers can be set beforehand."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.first: list[int] = []
        self.batches: list[list[dict[str, Any]]] = []
        self.orders: list[dict[str, Any]] = []
        self.registered: list[dict[str, Any]] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: Gateway

    def do_GET(self) -> None:
        self._answer(200, self.server.registered)

    def do_POST(self) -> None:
        body = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/ops/gateway/publishers":
            self.server.registered = [body | {"retired_at": None}]
            self._answer(201, body)
            return
        if self.path == "/ops/gateway/keys":
            self.server.orders.append(body)
            self._answer(201, {"publisher": body["publisher"], "key": f"key-{len(self.server.orders)}"})
        elif self.server.first:
            self._answer(self.server.first.pop(0), {"title": "Not now", "detail": "because"})
        else:
            self.server.batches.append(body)
            self._answer(202, [{"id": e["id"], "source": e["source"], "status": "accepted"} for e in body])

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, status: int, value: Any) -> None:
        body = orjson.dumps(value)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with serving(Gateway()) as server:
        yield server


@pytest.fixture
def door(gateway: Gateway, tmp_path: Path) -> Iterator[Door]:
    home = Home(tmp_path)
    home.keep_secret("operator-token", "t" * 40)
    home.keep_url(f"http://127.0.0.1:{gateway.server_address[1]}")
    with Door(home, url=home.url) as door:
        yield door


def event(number: int, source: str = "urn:a") -> Line:
    content = {"id": str(number), "source": source}
    return Line(number, len(orjson.dumps(content)), content)


@pytest.mark.parametrize(
    ("known", "owner"),
    [
        (None, "Unit"),
        ({"owner": None, "retired_at": None}, "Unit"),  # a home of 0.2.0
        ({"owner": "Letting", "retired_at": None}, "Letting"),
        ({"owner": None, "retired_at": "2026-11-01"}, None),
    ],
)
def test_our_own_publishers_get_an_owner_unless_somebody_has_decided(
    door: Door, gateway: Gateway, known: dict[str, Any] | None, owner: str | None
) -> None:
    gateway.registered = [{"publisher": "p"} | known] if known else []

    for _ in range(2):
        register(door, "p", owner="Unit", contact="unit@example.com")

    assert [one["owner"] for one in gateway.registered] == [owner]


def test_lines_that_are_no_events_keep_their_number_and_say_why() -> None:
    lines = list(
        read_lines([b'{"id":"1"}\n', b"\n", b'{"a":\n', b"7\n", b'{"a":"\xff"}\n', b'{"a":"\\ud800"}'], history=True)
    )

    assert [(line.number, line.event, bool(line.fault)) for line in lines] == [
        (1, {"id": "1", "history": True}, False),
        (3, None, True),
        (4, None, True),
        (5, None, True),
        (6, None, True),
    ]


@pytest.mark.parametrize("depth", [250, 300, 1000])
def test_a_line_nested_too_deep_is_a_fault_or_can_be_sent(door: Door, depth: int) -> None:
    """Reading JSON takes more levels than writing it."""
    source = b'{"id":"1","source":"urn:a","data":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    [result] = [result for batch in publish(KeyRing(door, "p"), read_lines([source])) for result in batch]
    assert (result.status, result.words) == (("refused", TOO_DEEP) if depth > 250 else ("accepted", ""))


def test_byte_order_mark_of_a_file_is_no_fault() -> None:
    lines = list(read_lines([b'\xef\xbb\xbf{"id":"1"}\n', b'{"id":"2"}\n', b'\xef\xbb\xbf{"id":"3"}\n']))
    assert [line.fault is None for line in lines] == [True, True, False]


def test_batches_hold_every_line_once_and_in_order(door: Door, gateway: Gateway) -> None:
    big = Line(7, 1_500_000, {"id": "7", "source": "urn:a"})
    lines = (
        [event(n) for n in range(1, 7)] + [big, replace_size(event(8), 1_500_000)] + [event(n) for n in range(9, 2500)]
    )

    results = [result for batch in publish(KeyRing(door, "p"), lines) for result in batch]

    assert [result.number for result in results] == list(range(1, 2500))
    assert [int(e["id"]) for batch in gateway.batches for e in batch] == list(range(1, 2500))
    assert max(len(batch) for batch in gateway.batches) <= BATCH_EVENTS
    assert gateway.batches[0][-1]["id"] == "7"


def replace_size(line: Line, size: int) -> Line:
    return Line(line.number, size, line.event)


def test_batch_is_sent_again_while_the_gateway_is_away_or_it_was_too_much(door: Door, gateway: Gateway) -> None:
    gateway.first = [502, 429, 503]
    (results,) = publish(KeyRing(door, "p"), [event(1)])
    assert [result.status for result in results] == ["accepted"]
    assert len(gateway.batches) == 1


def test_key_is_made_once_kept_and_widened_when_a_new_source_turns_up(door: Door, gateway: Gateway) -> None:
    list(publish(KeyRing(door, "p"), [event(1)]))
    list(publish(KeyRing(door, "p"), [event(2)]))
    list(publish(KeyRing(door, "p"), [event(3, "urn:b")]))
    assert [order["sources"] for order in gateway.orders] == [["urn:a"], ["urn:a", "urn:b"]]


def test_key_that_is_no_longer_known_is_made_anew_but_a_given_one_is_refused(door: Door, gateway: Gateway) -> None:
    gateway.first = [401]
    list(publish(KeyRing(door, "p"), [event(1)]))
    assert len(gateway.orders) == 2

    gateway.first = [401]
    with pytest.raises(DoorError, match=r"Not now \(401\): because"):
        list(publish(KeyRing(door, "p", "given"), [event(2)]))
    assert len(gateway.orders) == 2
