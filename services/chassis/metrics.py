"""Operational metrics: how much, how long, how far behind. Never a label of area, language, person or event id."""

from dataclasses import dataclass

from opentelemetry.metrics import Counter, Histogram, Meter


@dataclass(frozen=True, slots=True)
class Metrics:
    """The chassis' own instruments; a service makes more from `meter`."""

    meter: Meter
    sent: Counter
    received: Counter
    handled: Counter
    parked: Counter
    tests: Counter
    waits: Counter
    batch_duration: Histogram


def instruments(meter: Meter) -> Metrics:
    return Metrics(
        meter=meter,
        sent=meter.create_counter("hem_outbox_sent", description="records acknowledged by Kafka"),
        received=meter.create_counter("hem_records_received", description="records read from Kafka, repeats included"),
        handled=meter.create_counter("hem_events_handled", description="events that had their effect"),
        parked=meter.create_counter(
            "hem_events_parked", description="records set aside, with a reason; not those of test events"
        ),
        tests=meter.create_counter("hem_test_events", description="test events that passed; nothing came of them"),
        waits=meter.create_counter("hem_dependency_waits", description="pauses because a dependency was down"),
        batch_duration=meter.create_histogram("hem_batch_duration", unit="s", description="one batch, one transaction"),
    )
