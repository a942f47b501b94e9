"""What notifications needs from its surroundings."""

from enum import StrEnum
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from schemas.fields import NO_CONTROL
from services.chassis.settings import HIGHEST_PORT, ServiceSettings, prefix


class Mode(StrEnum):
    """Whom messages may reach. `hold` sends nothing; whatever is held stays queued."""

    HOLD = "hold"
    ALLOW_LIST = "allow-list"
    SEND = "send"


THIS_MACHINE = {"127.0.0.1", "::1", "localhost"}


class NotificationsSettings(ServiceSettings):
    model_config = prefix("notifications")

    mode: Mode = Field(Mode.HOLD, description="hold (send nothing), allow-list (only to those listed) or send")
    allow_list: frozenset[str] = Field(
        frozenset(), description='addresses that mode allow-list sends to, as JSON: ["anna@example.se"]'
    )
    landlord: str = Field(
        "Vätterhem", min_length=1, pattern=NO_CONTROL, description="the company's name as tenants know it"
    )
    smtp_host: str = Field("127.0.0.1", description="mail server")
    smtp_port: int = Field(
        25, ge=1, le=HIGHEST_PORT, description="port of the mail server, often 25, 465 (tls) or 587 (starttls)"
    )
    smtp_security: Literal["none", "starttls", "tls"] = Field(
        "none", description="none, starttls or tls: how the conversation with the mail server is protected"
    )
    smtp_username: str | None = Field(None, description="user name at the mail server; none: no sign-in")
    smtp_password: SecretStr | None = Field(None, description="password at the mail server")
    smtp_from: str = Field(
        "bointroduktion@vatterhem.invalid",
        validate_default=True,
        pattern=r"^[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+$",
        description="address that letters come from and tenants answer to: somebody reads it",
    )
    smtp_lanes: int = Field(4, ge=1, le=32, description="conversations with the mail server at the same time")

    @field_validator("smtp_username", "smtp_password")
    @classmethod
    def _is_protected(cls, value: str | SecretStr | None, said: ValidationInfo) -> str | SecretStr | None:
        unprotected = said.data.get("smtp_security") == "none" and said.data.get("smtp_host") not in THIS_MACHINE
        if value is not None and unprotected:
            raise ValueError("it would cross the network for all to read: SMTP_SECURITY must be starttls or tls")
        return value

    @field_validator("smtp_from")
    @classmethod
    def _can_be_answered(cls, value: str, said: ValidationInfo) -> str:
        is_in_earnest = said.data.get("mode") is Mode.SEND and not said.data.get("loopback")
        if is_in_earnest and value.lower().endswith(".invalid"):
            raise ValueError("no answer would ever arrive at it, and mode is send")
        return value
