"""`python -m services.<name>`: serve; `python -m services.<name> migrate`: bring the database up to date."""

import gc
import socket
import sys
from contextlib import suppress

import uvicorn
from opentelemetry import trace

from services.chassis import telemetry
from services.chassis.errors import Never
from services.chassis.migrate import MigrationError, migrate
from services.chassis.service import Service
from services.chassis.settings import ServiceSettings, SettingsError, load, variable

REQUESTS_END_WITHIN = 3  # seconds for open requests; the parts of the service have their own, ten in all


def main(service: Service) -> None:
    """Serves or migrates. Ends the process with 2 and one readable line per fault when it can't start.

    After it has served, SIGTERM ends it as that signal does (143 to a shell): uvicorn raises it again.
    """
    try:
        settings = load(service.settings)
        match sys.argv[1:]:
            case []:
                serve(service, settings)
            case ["migrate"]:
                migrate(settings.dsn, service.folder)
            case _:
                sys.exit(f"usage: python -m services.{service.name} [migrate]")
    except (SettingsError, MigrationError, Never) as error:
        what = "can't be migrated" if isinstance(error, MigrationError) else "can't start"
        sys.stderr.write("".join(f"{service.name} {what}: {line}\n" for line in str(error).splitlines()))
        sys.exit(2)


def serve(service: Service, settings: ServiceSettings) -> None:
    """Serves until SIGTERM or SIGINT. Raises `Never` when it turns out, now or later, that it can't start."""
    telemetry.logging_to_stdout(service.name, settings.log_level)
    tracing = telemetry.tracing(service.name, settings.otlp_endpoint)
    trace.set_tracer_provider(tracing)  # FastAPI's own spans go there
    given_up: list[Never] = []

    def give_up(why: Never) -> None:
        given_up.append(why)
        server.should_exit = True

    server = uvicorn.Server(
        uvicorn.Config(
            service.app(settings, tracing=tracing, give_up=give_up),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=REQUESTS_END_WITHIN,
            forwarded_allow_ips=settings.trusted_proxies,
        )
    )
    # A batch makes tens of thousands of objects that live until it is answered: to look through them after every 700,
    # as Python does, takes a third of the processor's time. What stands since the start is never looked at again.
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)
    with _door(settings) as door, suppress(KeyboardInterrupt):
        server.run(sockets=[door])
    if given_up:
        raise given_up[0]


def _door(settings: ServiceSettings) -> socket.socket:
    """Bound, but not yet listening: nobody gets through before the service can answer."""
    host, port = settings.host, settings.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        names = " or ".join(variable(type(settings), field) for field in ("host", "port"))
        raise Never(f"{host}, port {port} can't be listened on ({error.strerror}): set {names} to another") from error
    return door
