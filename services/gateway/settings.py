"""What the gateway needs from its surroundings: what every service does, under its own prefix."""

from pathlib import Path

from pydantic import Field

from services.chassis.settings import ServiceSettings, prefix


class GatewaySettings(ServiceSettings):
    model_config = prefix("gateway")

    topic_replicas: int = Field(
        1, ge=1, validation_alias="HEM_TOPIC_REPLICAS", description="brokers that keep a publisher's own topic"
    )
    rate_limit: int = Field(
        300_000, ge=1, description="events a minute of each publisher with whom no other number is agreed"
    )
    connectors: Path | None = Field(
        None, description="folder with a YAML file for each connector; without it there is none (docs/connectors.md)"
    )
