"""What the gateway serves and runs, on one screen. It hears nothing: events come in over HTTP, and from publishers' own topics."""

from services.chassis.service import Service

from . import forgetting, inbound, listening
from .routes import events, keys, openapi, publishers, schemas
from .routes import inbound as own_topics
from .settings import GatewaySettings

service = Service(
    "gateway",
    settings=GatewaySettings,
    routes=[events.router, schemas.router, keys.router, openapi.router, own_topics.router, publishers.router],
    workers=[forgetting.run, inbound.run, listening.run],
)
