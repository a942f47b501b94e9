"""Traces that go on across HTTP, outbox, Kafka and inbox; metrics for Prometheus; logs that carry trace ids."""

import asyncio
import logging
import sys
import traceback
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry import propagate, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.propagators.textmap import Getter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode, Tracer
from prometheus_client import CollectorRegistry

from services.chassis.errors import describe
from services.chassis.seldom import Seldom

# OpenTelemetry's own bounds begin at 5 seconds.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def tracing(service: str, otlp_endpoint: str | None) -> TracerProvider:
    """A provider that sends spans over OTLP when there is somewhere to send them; ids are made in any case."""
    provider = TracerProvider(resource=Resource.create({"service.name": f"hem-{service}"}))
    if otlp_endpoint:
        # Some megabytes that most installations have no use for.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        exporter = OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces", timeout=2)
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def measuring(service: str, registry: CollectorRegistry) -> MeterProvider:
    # Each reader has its registry: the default one is shared by all in a process, and series collide.
    reader = PrometheusMetricReader(registry=registry)
    durations = View(instrument_name="*duration*", aggregation=ExplicitBucketHistogramAggregation(SECONDS))
    return MeterProvider([reader], resource=Resource.create({"service.name": f"hem-{service}"}), views=[durations])


def logging_to_stdout(service: str, level: str) -> None:
    """One JSON object a line on standard output, our own lines and the libraries'."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _trace_ids,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _exceptions_without_values,
        lambda _logger, _method, event: {"service": service, **event},
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    handler.addFilter(_Repeating())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiokafka", "uvicorn.access", "faststream"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _Repeating(logging.Filter):
    """The Kafka client says with every try that the broker is away: once a minute is enough."""

    def __init__(self) -> None:
        super().__init__()
        self._news: defaultdict[str, Seldom] = defaultdict(Seldom)

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.name.startswith("aiokafka") or self._news[str(record.msg)](record.getMessage())


def _exceptions_without_values(
    _logger: Any, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Where it broke and the kind of error. Messages are left out: Postgres and pydantic quote the values in them."""
    exc_info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if exc_info is True else exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if isinstance(error, BaseException):
        event["error"] = describe(error)
        event["at"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ]
    return event


def _trace_ids(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = trace.format_trace_id(span.trace_id)
        event["span_id"] = trace.format_span_id(span.span_id)
    return event


@contextmanager
def span(tracer: Tracer, name: str, **options: Any) -> Iterator[None]:
    """A span that says what kind of error ended it. OpenTelemetry's own would send the message, values and all."""
    with tracer.start_as_current_span(
        name, record_exception=False, set_status_on_exception=False, **options
    ) as current:
        try:
            yield
        except Exception as error:
            current.set_status(Status(StatusCode.ERROR, describe(error)))
            raise


def keep_values_out_of_loop_errors(loop: asyncio.AbstractEventLoop) -> None:
    """asyncio's own words on an exception that nobody took quote the exception."""

    def handle(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        said = "an exception was left over" if error is not None else str(context.get("message"))
        logging.getLogger("asyncio").error(said, exc_info=error)

    loop.set_exception_handler(handle)


class _Attributes(Getter[Any]):
    """Reads the trace context of an event, whose attributes are named like the headers."""

    def get(self, carrier: Any, key: str) -> list[str] | None:
        value = getattr(carrier, key, None)
        return [value] if value else None

    def keys(self, carrier: Any) -> list[str]:
        return ["traceparent", "tracestate"]


def context_of(event: Any) -> Any:
    """The OpenTelemetry context that an event (with `traceparent`, `tracestate`) carries; empty where it is junk."""
    return propagate.extract(event, getter=_Attributes())
