"""What the gateway needs from its surroundings: what every service does, under its own prefix."""

from services.chassis.settings import ServiceSettings, prefix


class GatewaySettings(ServiceSettings):
    model_config = prefix("gateway")
