"""Settings that would lose letters or give a password away are refused before anything starts."""

import inspect

import pytest

from hem.supervisor import ServerProcess
from services.chassis.settings import SettingsError, load
from services.notifications.sender import STOP_SECONDS
from services.notifications.settings import NotificationsSettings

NEEDED = {
    "HEM_NOTIFICATIONS_DATABASE_URL": "postgres://hem@127.0.0.1/hem",
    "HEM_NOTIFICATIONS_MASTER_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "HEM_KAFKA_SERVERS": "127.0.0.1:9092",
    "HEM_SESSION_SECRET": "x" * 32,
    "HEM_OPERATOR_TOKEN": "x" * 32,
}
REAL = {"MODE": "send", "SMTP_FROM": "hem@example.se", "SMTP_HOST": "mail.example.se"}
SIGN_IN = {"SMTP_USERNAME": "hem", "SMTP_PASSWORD": "secret"}


def settings(monkeypatch: pytest.MonkeyPatch, said: dict[str, str], *, loopback: bool = False) -> NotificationsSettings:
    for name, value in {**NEEDED, "HEM_LOOPBACK": str(loopback)}.items():
        monkeypatch.setenv(name, value)
    for name, value in said.items():
        monkeypatch.setenv(f"HEM_NOTIFICATIONS_{name}", value)
    return load(NotificationsSettings)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"MODE": "send"}, "SMTP_FROM"),
        (REAL | {"SMTP_FROM": "other@VATTERHEM.INVALID"}, "SMTP_FROM"),
        (REAL | SIGN_IN, "SMTP_USERNAME"),
        (REAL | {"SMTP_PASSWORD": "secret"}, "SMTP_PASSWORD"),
        (REAL | {"LANDLORD": "Vätterhem\r\nBcc: all@example.se"}, "LANDLORD"),
    ],
)
def test_what_is_refused_is_named(monkeypatch: pytest.MonkeyPatch, said: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=f"HEM_NOTIFICATIONS_{named} is wrong") as refused:
        settings(monkeypatch, said)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "loopback"),
    [
        ({}, False),
        ({"MODE": "send"}, True),
        (REAL | {"LANDLORD": "", "SMTP_PASSWORD": ""}, False),
        (REAL, False),
        (REAL | SIGN_IN | {"SMTP_SECURITY": "starttls"}, False),
        (REAL | SIGN_IN | {"SMTP_SECURITY": "tls"}, False),
        (REAL | SIGN_IN | {"SMTP_HOST": "127.0.0.1"}, False),
    ],
)
def test_what_is_safe_is_taken(monkeypatch: pytest.MonkeyPatch, said: dict[str, str], *, loopback: bool) -> None:
    assert settings(monkeypatch, said, loopback=loopback).landlord == "Vätterhem"


def test_a_letter_on_its_way_ends_before_the_supervisor_kills() -> None:
    assert inspect.signature(ServerProcess.stop).parameters["within"].default >= STOP_SECONDS + 1
