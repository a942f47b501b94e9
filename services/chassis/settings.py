"""Settings from the environment, and one readable line for each that is wrong."""

from typing import Any, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.chassis.vault import Vault

Settings = TypeVar("Settings", bound="ServiceSettings")


def prefix(service: str) -> SettingsConfigDict:
    """The configuration of a service's own settings class: variables begin with HEM_<SERVICE>_."""
    return SettingsConfigDict(env_prefix=f"HEM_{service.upper()}_", extra="ignore", populate_by_name=True)


class ServiceSettings(BaseSettings):
    """What every service needs. Fields with an alias are shared: one variable for all services."""

    database_url: str = Field(description="Postgres, TCP: postgres://role:password@host:port/database")
    master_key: SecretStr = Field(description="32 bytes in base64: wraps the keys of the persons this service meets")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, description="port to listen on")

    kafka_servers: str = Field(validation_alias="HEM_KAFKA_SERVERS", description="Kafka bootstrap servers, host:port,…")
    topic_prefix: str = Field(
        "", validation_alias="HEM_TOPIC_PREFIX", description="before every topic and group, where a cluster is shared"
    )
    session_secret: SecretStr = Field(
        validation_alias="HEM_SESSION_SECRET", min_length=32, description="signs sessions; the same for all services"
    )
    operator_token: SecretStr = Field(
        validation_alias="HEM_OPERATOR_TOKEN", min_length=32, description="bearer token of the hem command"
    )
    public_url: str = Field(
        "http://127.0.0.1:8000", validation_alias="HEM_PUBLIC_URL", description="where people reach the door"
    )
    loopback: bool = Field(
        False,
        validation_alias="HEM_LOOPBACK",
        description="one-machine mode: printed sign-in, figures open to all here",
    )
    made_up: bool = Field(
        False, validation_alias="HEM_MADE_UP", description="the data is made up, and every page says so"
    )
    otlp_endpoint: str | None = Field(
        None, validation_alias="HEM_OTLP_ENDPOINT", description="where traces go (OTLP over HTTP); none: nowhere"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", validation_alias="HEM_LOG_LEVEL", description="debug, info, warning or error"
    )

    @field_validator("master_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        Vault.from_base64(value.get_secret_value())
        return value


class SettingsError(Exception):
    """The environment lacks something, or holds something wrong. One line for each variable."""


def load(kind: type[Settings]) -> Settings:
    """Reads `kind` from the environment. Raises `SettingsError` naming each variable, what is wrong and the mend."""
    try:
        return kind()
    except ValidationError as error:
        raise SettingsError("\n".join(_line(kind, dict(e)) for e in error.errors(include_input=False))) from None


def variable(kind: type[ServiceSettings], field: str) -> str:
    """The environment variable that sets `field`."""
    alias = kind.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"{kind.model_config.get('env_prefix', '')}{field}".upper()


def _line(kind: type[ServiceSettings], error: dict[str, Any]) -> str:
    location = str(error["loc"][0])
    fields = {f: variable(kind, f) for f in kind.model_fields}
    field = next((f for f, name in fields.items() if location in (f, name)), None)
    if field is None:
        return f"{location}: {error['msg']}"
    wanted = kind.model_fields[field].description
    what = "is not set" if error["type"] == "missing" else f"is wrong ({error['msg']})"
    return f"{fields[field]} {what}. Set it to: {wanted}."
