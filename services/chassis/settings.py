"""Settings from the environment and from the files it names, and one readable line for each that is wrong."""

import os
import re
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args
from urllib.parse import SplitResult, parse_qs, quote, urlsplit, urlunsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from services.chassis.vault import Vault

Settings = TypeVar("Settings", bound="ServiceSettings")

SERVER = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[^\s:\[\]/]+)(?::(\d{1,5}))?")
HIGHEST_PORT = 65535
BY_FILE = "_FILE"  # after a variable's name: the file that holds its value


def prefix(service: str) -> SettingsConfigDict:
    """The configuration of a service's own settings class: variables begin with HEM_<SERVICE>_."""
    return SettingsConfigDict(
        env_prefix=f"HEM_{service.upper()}_", extra="ignore", populate_by_name=True, env_ignore_empty=True
    )


class ServiceSettings(BaseSettings):
    """What every service needs. Fields with an alias are shared: one variable for all services."""

    database_url: str = Field(
        repr=False, description="Postgres, TCP: postgres://role:password@host:port/database, the password here or apart"
    )
    database_password: SecretStr | None = Field(
        None, description="password of the database's role, where the address has none"
    )
    master_key: SecretStr = Field(description="32 bytes in base64: wraps the keys of the persons this service meets")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=1, le=HIGHEST_PORT, description="port to listen on")

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
    trusted_proxies: str = Field(
        "127.0.0.1",
        validation_alias="HEM_TRUSTED_PROXIES",
        description="whose X-Forwarded-For and -Proto are believed: addresses or networks, with commas between; *: all",
    )
    sign_in_links: bool = Field(
        False,
        validation_alias="HEM_SIGN_IN_LINKS",
        description="one-time sign-in addresses from the operator's hem sign-in work wherever the door is reached",
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

    @property
    def dsn(self) -> str:
        """The database's address with the password in it: for connecting, never for showing."""
        if self.database_password is None:
            return self.database_url
        parts = urlsplit(self.database_url)
        role, _, host = parts.netloc.rpartition("@")
        password = quote(self.database_password.get_secret_value(), safe="")
        return urlunsplit(parts._replace(netloc=f"{role.removesuffix(':')}:{password}@{host}"))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Environment(settings_cls)

    @field_validator("database_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        # The parser's own words quote what stands before a stray slash: the password, as a rule.
        try:
            parts = urlsplit(value)
            complete = parts.scheme in ("postgres", "postgresql") and all((parts.hostname, parts.path.strip("/")))
            complete = complete and parts.port != 0
        except ValueError:
            complete = False
        if not complete:
            raise ValueError("not an address of this form; in a password, / and @ and : are written %2F, %40 and %3A")
        return value

    @field_validator("database_password")
    @classmethod
    def _is_the_only_one(cls, value: SecretStr | None, said: ValidationInfo) -> SecretStr | None:
        if value is not None and "database_url" in said.data:
            parts = urlsplit(said.data["database_url"])
            if _has_password(parts):
                raise ValueError("the database's address holds a password too; give one of the two")
            if not parts.username:
                raise ValueError("the database's address names no role that it could be the password of")
        return value

    @field_validator("kafka_servers")
    @classmethod
    def _are_servers(cls, value: str) -> str:
        found = [SERVER.fullmatch(one.strip()) for one in value.split(",")]
        if not all(match and 0 < int(match[1] or 1) <= HIGHEST_PORT for match in found):
            raise ValueError("not of this form")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, value: str) -> str:
        try:
            if value != "*":
                for one in value.split(","):
                    ip_network(one.strip())
        except ValueError:
            raise ValueError("neither an address nor a network such as 10.0.0.0/8, the bits after /8 all 0") from None
        return value

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
        raise SettingsError("\n".join(_line(kind, dict(e)) for e in error.errors())) from None


def variable(kind: type[BaseSettings], field: str) -> str:
    """The environment variable that sets `field`. With `_FILE` after it, the one that names a file holding the value."""
    alias = kind.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"{kind.model_config.get('env_prefix', '')}{field}".upper()


@dataclass(frozen=True)
class _Fault:
    """Takes the place of a value that could not be had: no field takes it, and `line` says why."""

    line: str


class _Environment(EnvSettingsSource):
    """The environment, with the contents of the files that <VARIABLE>_FILE names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        value, key, is_complex = super().get_field_value(field, field_name)
        name = variable(self.settings_cls, field_name)
        path = os.environ.get(name + BY_FILE)
        if path and value is not None:
            value = _Fault(f"{name} and {name}{BY_FILE} are both set. Set one of them.")
        elif path:
            value = _content(name, Path(path), field)
        return value, key, is_complex

    def prepare_field_value(self, field_name: str, field: FieldInfo, value: Any, value_is_complex: bool) -> Any:
        if isinstance(value, _Fault):
            return value
        try:
            return super().prepare_field_value(field_name, field, value, value_is_complex)
        except ValueError:
            return _Fault(f"{_named(self.settings_cls, field_name)} is not JSON. Set it to: {field.description}.")


def _content(name: str, path: Path, field: FieldInfo) -> str | _Fault | None:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n") or None
    except FileNotFoundError:
        what = "which is not there"
    except IsADirectoryError:
        what = "which is a folder"
    except UnicodeDecodeError:
        what = "which is not text in UTF-8"
    except OSError as error:
        what = f"which can't be read here ({error.strerror})"
    mend = "Make it by: make secrets." if _is_secret(field) else f"Let it hold: {field.description}."
    return _Fault(f"{name}{BY_FILE} names {path}, {what}. {mend}")


def _line(kind: type[ServiceSettings], error: dict[str, Any]) -> str:
    if isinstance(error["input"], _Fault):
        return error["input"].line
    location = str(error["loc"][0])
    field = next((f for f in kind.model_fields if location in (f, variable(kind, f))), None)
    if field is None:
        return f"{location}: {error['msg']}"
    wanted = kind.model_fields[field].description
    said = str(error["msg"]).removeprefix("Value error, ")
    what = "is not set" if error["type"] == "missing" else f"is wrong ({said})"
    return f"{_named(kind, field)} {what}. Set it to: {wanted}."


def _named(kind: type[BaseSettings], field: str) -> str:
    """The variable of a field, and the file its value came from."""
    name = variable(kind, field)
    path = os.environ.get(name + BY_FILE)
    return f"{name} (in the file {path})" if path else name


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr in (field.annotation, *get_args(field.annotation))


def _has_password(address: SplitResult) -> bool:
    return bool(address.password) or "password" in parse_qs(address.query)
