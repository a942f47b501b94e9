"""What surveys needs from its surroundings: what every service does, under its own prefix."""

from services.chassis.settings import ServiceSettings, prefix


class SurveysSettings(ServiceSettings):
    model_config = prefix("surveys")
