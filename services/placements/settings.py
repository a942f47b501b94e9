"""What placements needs from its surroundings: what every service does, under its own prefix."""

from services.chassis.settings import ServiceSettings, prefix


class PlacementsSettings(ServiceSettings):
    model_config = prefix("placements")
