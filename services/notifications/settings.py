"""What notifications needs from its surroundings."""

from enum import StrEnum
from typing import Literal

from pydantic import Field, SecretStr

from services.chassis.settings import ServiceSettings, prefix


class Mode(StrEnum):
    """Whom messages may reach. `hold` sends nothing; whatever is held stays queued."""

    HOLD = "hold"
    ALLOW_LIST = "allow-list"
    SEND = "send"


class NotificationsSettings(ServiceSettings):
    model_config = prefix("notifications")

    mode: Mode = Field(Mode.HOLD, description="hold (send nothing), allow-list (only to those listed) or send")
    allow_list: frozenset[str] = Field(
        frozenset(), description='addresses that mode allow-list sends to, as JSON: ["anna@example.se"]'
    )
    landlord: str = Field("Vätterhem", min_length=1, description="the company's name as tenants know it")
    smtp_host: str = Field("127.0.0.1", description="mail server")
    smtp_port: int = Field(25, description="port of the mail server, often 25, 465 (tls) or 587 (starttls)")
    smtp_security: Literal["none", "starttls", "tls"] = Field(
        "none", description="none, starttls or tls: how the conversation with the mail server is protected"
    )
    smtp_username: str | None = Field(None, description="user name at the mail server; none: no sign-in")
    smtp_password: SecretStr | None = Field(None, description="password at the mail server")
    smtp_from: str = Field(
        "bointroduktion@vatterhem.invalid",
        pattern=r"^[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+$",
        description="address that letters come from and tenants answer to: somebody reads it",
    )
    smtp_lanes: int = Field(4, ge=1, le=32, description="conversations with the mail server at the same time")
