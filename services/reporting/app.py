"""What reporting hears, serves and runs, on one screen."""

from services.chassis.service import Service
from services.reporting import gauges, pages, projector, routes
from services.reporting.settings import ReportingSettings

service = Service(
    "reporting",
    settings=ReportingSettings,
    reactions={},  # the projector reads every topic itself, in large batches
    routes=[pages.router, routes.router],
    workers=[projector.run, gauges.run],
    replay=projector.replay,
)
