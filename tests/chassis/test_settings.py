"""A wrong environment is answered with the variable's name and the mend."""

from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from services.chassis.settings import ServiceSettings, SettingsError, load, prefix

GOOD = {
    "HEM_TRIAL_DATABASE_URL": "postgres://trial@127.0.0.1/trial",
    "HEM_TRIAL_MASTER_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "HEM_TRIAL_WEIGHT": "3",
    "HEM_KAFKA_SERVERS": "127.0.0.1:9092",
    "HEM_SESSION_SECRET": "s" * 32,
    "HEM_OPERATOR_TOKEN": "o" * 32,
}


class TrialSettings(ServiceSettings):
    model_config = prefix("trial")

    weight: int = Field(description="how heavy")
    colours: frozenset[str] = Field(frozenset(), description="which, as JSON")
    note: SecretStr | None = Field(None, description="something between us")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_own_and_shared_variables_are_read() -> None:
    settings = load(TrialSettings)
    assert (settings.weight, settings.kafka_servers) == (3, "127.0.0.1:9092")


@pytest.mark.parametrize("name", list(GOOD))
def test_a_missing_variable_is_named_with_what_to_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(SettingsError) as caught:
        load(TrialSettings)
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"{name} is not set. Set it to: ")


def test_every_wrong_variable_gets_its_line_and_no_secret_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEM_TRIAL_WEIGHT", "heavy")
    monkeypatch.setenv("HEM_TRIAL_MASTER_KEY", "c2VjcmV0")
    with pytest.raises(SettingsError) as caught:
        load(TrialSettings)
    lines = str(caught.value).splitlines()
    assert sorted(line.split()[0] for line in lines) == ["HEM_TRIAL_MASTER_KEY", "HEM_TRIAL_WEIGHT"]
    assert "c2VjcmV0" not in str(caught.value)


def refused() -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(TrialSettings)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("name", list(GOOD))
def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "")
    [line] = refused()
    assert line.startswith(f"{name} is not set. Set it to: ")


@pytest.mark.parametrize("name", list(GOOD))
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_every_variable_can_come_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, end: str
) -> None:
    expected = load(TrialSettings)
    (tmp_path / "value").write_bytes((GOOD[name] + end).encode())
    monkeypatch.delenv(name)
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "value"))
    assert load(TrialSettings) == expected


def test_optional_ones_come_from_files_too_and_an_empty_file_gives_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, content in {"COLOURS": '["red"]\n', "NOTE": "\n", "PORT": ""}.items():
        (tmp_path / name).write_text(content)
        monkeypatch.setenv(f"HEM_TRIAL_{name}_FILE", str(tmp_path / name))
    settings = load(TrialSettings)
    assert (settings.colours, settings.note, settings.port) == (frozenset({"red"}), None, 8000)


def test_an_empty_file_for_what_is_needed_is_not_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    monkeypatch.delenv("HEM_SESSION_SECRET")
    monkeypatch.setenv("HEM_SESSION_SECRET_FILE", str(tmp_path / "empty"))
    [line] = refused()
    assert line.startswith(f"HEM_SESSION_SECRET (in the file {tmp_path}/empty) is not set. Set it to: ")


def test_a_variable_and_its_file_are_one_too_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "value").write_text(GOOD["HEM_SESSION_SECRET"])
    monkeypatch.setenv("HEM_SESSION_SECRET_FILE", str(tmp_path / "value"))
    assert refused() == ["HEM_SESSION_SECRET and HEM_SESSION_SECRET_FILE are both set. Set one of them."]


@pytest.mark.parametrize("said", ["which is not there", "which is a folder", "which is not text"])
@pytest.mark.parametrize(
    ("name", "mend"), [("HEM_SESSION_SECRET", "Make it by: make secrets."), ("HEM_TRIAL_WEIGHT", "how heavy.")]
)
def test_a_file_that_gives_nothing_is_named_with_the_mend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, name: str, mend: str
) -> None:
    path = tmp_path / "value"
    if said == "which is a folder":
        path.mkdir()
    elif said == "which is not text":
        path.write_bytes(b"\xff")
    monkeypatch.delenv(name)
    monkeypatch.setenv(f"{name}_FILE", str(path))
    [line] = refused()
    assert line.startswith(f"{name}_FILE names {path}, {said}")
    assert line.endswith(mend)


def test_what_is_wrong_in_files_is_said_together_and_never_quoted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "value").write_text("heavy-secret")
    for name in ("HEM_TRIAL_WEIGHT", "HEM_TRIAL_MASTER_KEY", "HEM_TRIAL_COLOURS", "HEM_TRIAL_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "value"))
    monkeypatch.delenv("HEM_OPERATOR_TOKEN")
    monkeypatch.setenv("HEM_OPERATOR_TOKEN_FILE", "/nowhere")
    lines = refused()
    assert sorted(line.split()[0] for line in lines) == [
        "HEM_OPERATOR_TOKEN_FILE",
        "HEM_TRIAL_COLOURS",
        "HEM_TRIAL_DATABASE_URL",
        "HEM_TRIAL_MASTER_KEY",
        "HEM_TRIAL_WEIGHT",
    ]
    assert "heavy-secret" not in "".join(lines)
    assert sum(f"(in the file {tmp_path}/value) is" in line for line in lines) == 4


@pytest.mark.parametrize(
    ("url", "joined"),
    [
        (
            "postgres://trial@db:5432/trial?sslmode=disable",
            "postgres://trial:a%2Fb%40%3A%25@db:5432/trial?sslmode=disable",
        ),
        ("postgres://trial:@db/trial", "postgres://trial:a%2Fb%40%3A%25@db/trial"),
    ],
)
def test_the_password_is_joined_into_the_address_and_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch, url: str, joined: str
) -> None:
    monkeypatch.setenv("HEM_TRIAL_DATABASE_URL", url)
    monkeypatch.setenv("HEM_TRIAL_DATABASE_PASSWORD", "a/b@:%")
    settings = load(TrialSettings)
    assert settings.dsn == joined
    assert "a/b@:%" not in repr(settings)
    assert joined not in repr(settings)


def test_a_password_in_the_address_alone_is_used_and_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEM_TRIAL_DATABASE_URL", "postgres://trial:hush@db/trial")
    settings = load(TrialSettings)
    assert settings.dsn == "postgres://trial:hush@db/trial"
    assert "hush" not in f"{settings!r}{settings}"


@pytest.mark.parametrize(
    "url", ["postgres://trial:hush@db/trial", "postgres://trial@db/trial?password=hush", "postgres://db/trial"]
)
def test_a_password_that_fits_no_address_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HEM_TRIAL_DATABASE_URL", url)
    monkeypatch.setenv("HEM_TRIAL_DATABASE_PASSWORD", "whisper")
    [line] = refused()
    assert line.startswith("HEM_TRIAL_DATABASE_PASSWORD is wrong (the database's address ")
    assert "hush" not in line
    assert "whisper" not in line


@pytest.mark.parametrize("url", ["trial", "http://db/trial", "postgres://trial@db", "postgres://trial:hu/sh@db/trial"])
def test_an_address_that_is_none_is_refused_without_quoting_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HEM_TRIAL_DATABASE_URL", url)
    [line] = refused()
    assert line.startswith("HEM_TRIAL_DATABASE_URL is wrong (not an address of this form")
    assert "hu/sh" not in line


@pytest.mark.parametrize("port", ["0", "65536", "80000"])
def test_a_port_is_one(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("HEM_TRIAL_PORT", port)
    [line] = refused()
    assert line.startswith("HEM_TRIAL_PORT is wrong (")
    monkeypatch.setenv("HEM_TRIAL_PORT", "65535")
    assert load(TrialSettings).port == 65535


@pytest.mark.parametrize(
    ("said", "fine"),
    [("*", True), ("127.0.0.1, 10.0.0.0/8,::1", True), ("nginx", False), ("10.0.0.5/8", False)],
)
def test_trusted_proxies_are_addresses(monkeypatch: pytest.MonkeyPatch, said: str, *, fine: bool) -> None:
    monkeypatch.setenv("HEM_TRUSTED_PROXIES", said)
    if fine:
        assert load(TrialSettings).trusted_proxies == said
    else:
        [line] = refused()
        assert line.startswith("HEM_TRUSTED_PROXIES is wrong (neither an address nor a network ")


@pytest.mark.parametrize(
    ("said", "fine"),
    [
        ("kafka:9092, 10.0.0.1:9093,[::1]:9092", True),
        ("kafka:65535,10.0.0.1", True),
        ("kafka:99999", False),
        ("kafka:0", False),
        ("kafka:port", False),
        ("http://kafka:9092", False),
        ("a:1,,b:2", False),
    ],
)
def test_kafka_servers_are_hosts_and_ports(monkeypatch: pytest.MonkeyPatch, said: str, *, fine: bool) -> None:
    monkeypatch.setenv("HEM_KAFKA_SERVERS", said)
    if fine:
        assert load(TrialSettings).kafka_servers == said
    else:
        [line] = refused()
        assert line.startswith("HEM_KAFKA_SERVERS is wrong (not of this form). Set it to: ")
