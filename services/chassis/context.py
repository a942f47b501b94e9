"""What a running service has at hand: made once at start, given to workers and routes."""

from dataclasses import dataclass
from typing import Any

from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry

from services.chassis.clock import Clock
from services.chassis.health import Health
from services.chassis.metrics import Metrics
from services.chassis.postgres import Database
from services.chassis.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Context:
    """Settings, database, clock, health and telemetry of one running service."""

    name: str
    settings: Any  # the service's own ServiceSettings subclass; typed again where it is used
    db: Database
    clock: Clock
    health: Health
    metrics: Metrics
    tracer: Tracer
    registry: CollectorRegistry

    def topic(self, name: str) -> str:
        """The name in Kafka of a topic of the catalogue."""
        return f"{self._shared.topic_prefix}{name}"

    @property
    def group(self) -> str:
        """The consumer group of this service."""
        return f"{self._shared.topic_prefix}{self.name}"

    def catalogue_name(self, topic: str) -> str:
        """The name in the catalogue of a topic in Kafka: the reverse of `topic`."""
        return topic.removeprefix(self._shared.topic_prefix)

    @property
    def _shared(self) -> ServiceSettings:
        settings: ServiceSettings = self.settings
        return settings
