"""What the gateway serves and runs, on one screen. It hears nothing: events come in over HTTP, and from publishers' own topics."""

from services.chassis.service import Service

from . import forgetting, inbound, listening, recalling
from .connectors import worker as connecting
from .connectors.fetching import MAX_FILE
from .routes import (
    asyncapi,
    catalogue,
    connector_pages,
    connectors,
    events,
    keys,
    openapi,
    publisher_pages,
    publishers,
    ratings,
    reports,
    schemas,
)
from .routes import inbound as own_topics
from .settings import GatewaySettings

service = Service(
    "gateway",
    settings=GatewaySettings,
    routes=[
        events.router,
        schemas.router,
        catalogue.router,
        connectors.router,
        connector_pages.router,
        asyncapi.router,
        keys.router,
        openapi.router,
        own_topics.router,
        publishers.router,
        ratings.router,
        reports.router,
        publisher_pages.router,  # last: an address below /publishers that is nobody else's names a publisher
    ],
    workers=[connecting.run, forgetting.run, inbound.run, listening.run, recalling.run],
    larger_bodies={"/connectors": MAX_FILE + 2**20, "/ops/gateway/connectors": MAX_FILE + 2**20},
)
