"""What surveys hears, serves and runs, on one screen: nothing of its own yet."""

from services.chassis.service import Service

from .settings import SurveysSettings

service = Service("surveys", settings=SurveysSettings)
