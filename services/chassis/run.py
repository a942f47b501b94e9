"""`python -m services.<name>`: serve; `python -m services.<name> migrate`: bring the database up to date."""

import sys

import uvicorn
from opentelemetry import trace

from services.chassis import telemetry
from services.chassis.migrate import MigrationError, migrate
from services.chassis.service import Service
from services.chassis.settings import ServiceSettings, SettingsError, load

REQUESTS_END_WITHIN = 3  # seconds for open requests; the parts of the service have their own, ten in all


def main(service: Service) -> None:
    """Ends the process with 0, or with 2 and one readable line per fault when it can't start."""
    try:
        settings = load(service.settings)
        match sys.argv[1:]:
            case []:
                serve(service, settings)
            case ["migrate"]:
                migrate(settings.dsn, service.folder)
            case _:
                sys.exit(f"usage: python -m services.{service.name} [migrate]")
    except (SettingsError, MigrationError) as error:
        sys.stderr.write(f"{service.name} can't start.\n{error}\n")
        sys.exit(2)


def serve(service: Service, settings: ServiceSettings) -> None:
    """Serves until SIGTERM or SIGINT."""
    telemetry.logging_to_stdout(service.name, settings.log_level)
    tracing = telemetry.tracing(service.name, settings.otlp_endpoint)
    trace.set_tracer_provider(tracing)  # FastAPI's own spans go there
    uvicorn.run(
        service.app(settings, tracing=tracing),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=REQUESTS_END_WITHIN,
        forwarded_allow_ips=settings.trusted_proxies,
    )
