"""Who is shown the operator's token and a publisher's key, and what is said when it isn't Hem that answers."""

import http.server
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hem.cli import app
from hem.door import Door, DoorError
from hem.home import Home
from hem.publish import KeyRing, publish, read_lines
from tests.hem.serving import serving

LINE = b'{"id": "1", "source": "urn:a"}'


class Other(http.server.ThreadingHTTPServer):
    """Some program that answers everything with `body`, and notes what it was asked and shown."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = b"<h1>It works!</h1>"
        self.kind = "text/html"
        self.seen: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Other

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.seen.append((self.path, self.headers.get("authorization")))
        self.send_response(200)
        self.send_header("content-type", self.server.kind)
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_POST = do_DELETE = do_GET  # noqa: N815 (their names)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def other() -> Iterator[Other]:
    with serving(Other()) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """This machine's, with its own Hem elsewhere than at `other`."""
    for variable in ("HEM_URL", "HEM_OPERATOR_TOKEN", "HEM_KEY", "HEM_PORT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HEM_HOME", str(tmp_path))
    home = Home(tmp_path)
    home.keep_url("http://127.0.0.1:9")
    home.keep_secret("operator-token", "the-token-of-this-home")
    return home


def test_token_of_a_home_is_shown_to_its_own_door_only(
    home: Home, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    other.body, other.kind = b"{}", "application/json"
    monkeypatch.setenv("HEM_URL", other.url)
    with Door(home) as door:
        door.read("/api/goals")
        with pytest.raises(DoorError, match="set HEM_OPERATOR_TOKEN"):
            door.operate("POST", "/ops/gateway/keys")
    assert other.seen == [("/api/goals", None)]

    monkeypatch.setenv("HEM_OPERATOR_TOKEN", "a-token-for-there")
    with Door(home) as door:
        door.operate("GET", "/ops/gateway/keys")
    assert other.seen[1:] == [("/ops/gateway/keys", "Bearer a-token-for-there")]

    monkeypatch.delenv("HEM_OPERATOR_TOKEN")
    home.keep_url(other.url)
    with Door(home) as door:
        door.operate("GET", "/ops/gateway/keys")
    assert other.seen[2:] == [("/ops/gateway/keys", "Bearer the-token-of-this-home")]


def test_kept_key_is_shown_to_the_door_that_made_it_only(
    home: Home, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.keep_secret("publisher-p", '{"sources": ["urn:a"], "key": "the-key-of-this-home"}')
    monkeypatch.setenv("HEM_URL", other.url)
    with Door(home) as door, pytest.raises(DoorError, match="set HEM_OPERATOR_TOKEN"):
        list(publish(KeyRing(door, "p"), read_lines([LINE])))
    assert other.seen == []

    monkeypatch.setenv("HEM_OPERATOR_TOKEN", "a-token-for-there")
    other.body, other.kind = b'{"key": "made-there"}', "application/json"
    with Door(home) as door:
        assert KeyRing(door, "p").key({"urn:a"}) == "made-there"
        assert KeyRing(door, "a/../b").key({"urn:a"}) == "made-there"
    assert len(other.seen) == 2
    with Door(home) as door:
        assert KeyRing(door, "p").key({"urn:a"}) == "made-there"
    assert len(other.seen) == 2
    with Door(home, url=home.url) as door:
        assert KeyRing(door, "p").key({"urn:a"}) == "the-key-of-this-home"


@pytest.mark.parametrize(
    "command",
    [
        ["goals"],
        ["sign-in"],
        ["parked", "list"],
        ["keys", "list"],
        ["rebuild", "reporting"],
        ["publish", "-"],
        ["doctor"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("kind", ["text/html", "application/json"])
def test_a_program_that_is_not_hem_is_said_in_words(home: Home, other: Other, command: list[str], kind: str) -> None:
    other.kind = kind
    home.keep_url(other.url)
    done = CliRunner().invoke(app, command, input=LINE)
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit), done.exception
    assert "not as Hem does" in done.output


@pytest.mark.parametrize("command", [["up"], ["dev", "gateway"], ["goals"], ["doctor"]], ids=" ".join)
def test_port_that_is_none_is_said_in_words(home: Home, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (home.root / "url").unlink()
    monkeypatch.setenv("HEM_PORT", "99999")
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert "HEM_PORT is '99999', and a port is a number from 1 to 65535." in done.output


def test_address_that_is_none_is_said_in_words(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEM_URL", "http://[::1")
    done = CliRunner().invoke(app, ["goals"])
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit), done.exception


@pytest.mark.parametrize(
    ("publisher", "path"),
    [
        ("housing", "housing"),
        ("a/b", "a%2Fb"),
        ("..", "%2E%2E"),
        ("x?id=1#y", "x%3Fid%3D1%23y"),
        ("50%25 å", "50%2525%20%C3%A5"),
    ],
)
def test_keys_of_a_publisher_of_any_name_are_revoked(home: Home, other: Other, publisher: str, path: str) -> None:
    other.body, other.kind = b'{"revoked": 1}', "application/json"
    home.keep_url(other.url)
    done = CliRunner().invoke(app, ["keys", "revoke", publisher, "--number", "7"])
    assert done.exit_code == 0, done.output
    assert [path for path, _ in other.seen] == [f"/ops/gateway/keys/{path}?id=7"]


def test_version_is_told() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output) == (0, "hem 0.1.0\n")
