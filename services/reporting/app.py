"""What reporting hears, serves and runs, on one screen."""

from services.chassis.service import Service
from services.reporting import alerting, gauges, projector
from services.reporting.routes import (
    about,
    alerts,
    api,
    areas,
    assets,
    behind,
    compare,
    definitions,
    exports,
    goals,
    lineage,
    live,
    notes,
    ops,
    publications,
    quality,
    report,
    report_draft,
    subjects,
)
from services.reporting.service import filling
from services.reporting.settings import ReportingSettings

service = Service(
    "reporting",
    settings=ReportingSettings,
    reactions={},  # the projector reads every topic itself, in large batches
    routes=[
        goals.router,
        live.router,
        notes.router,
        areas.router,
        compare.router,
        lineage.router,
        subjects.router,
        definitions.router,
        quality.router,
        about.router,
        publications.router,
        report.router,
        report_draft.router,
        alerts.router,
        api.router,
        behind.router,
        exports.router,
        assets.router,
        ops.router,
    ],
    workers=[projector.run, filling.run, gauges.run, alerting.run],
    replay=projector.replay,
)
