"""A wrong environment is answered with the variable's name and the mend."""

import pytest
from pydantic import Field

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
