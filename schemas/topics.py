"""The topics, from `topics/*.yaml`: one file each, the single place that says who writes and who reads.

Names are without the prefix an installation may put before them (HEM_TOPIC_PREFIX).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import yaml

FOLDER = Path(__file__).parent / "topics"
UNITS_MS = {"h": 3_600_000, "d": 86_400_000}
KEEP = -1


@dataclass(frozen=True)
class Topic:
    """One topic. Times are in milliseconds, sizes in bytes.

    `writers` and `readers` are services. `key` says what the record key is, in words. `personal`: carries contact
    details; `private`: answers or codes; neither has dead letters or outbox rows that stay. `ordered`: the readers
    that queue later events of a key behind one they could not handle.
    """

    name: str
    description: str
    owner: str
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    ordered: tuple[str, ...]
    key: str
    partitions: int
    cleanup: Literal["delete", "compact"]
    retention_ms: int
    compaction_lag_ms: int | None
    tombstones_ms: int | None
    max_message_bytes: int
    personal: bool
    private: bool

    def config(self) -> dict[str, str]:
        """Kafka's topic configuration, explicit where a broker's default could lose what is to be kept."""
        config = {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "retention.bytes": "-1",
            "max.message.bytes": str(self.max_message_bytes),
        }
        if self.compaction_lag_ms is not None:
            config["max.compaction.lag.ms"] = str(self.compaction_lag_ms)
        if self.tombstones_ms is not None:
            config["delete.retention.ms"] = str(self.tombstones_ms)
        return config


def milliseconds(text: str) -> int:
    """`keep` → −1, `30 d` → 2592000000, `24 h` → 86400000."""
    if text == "keep":
        return KEEP
    number, unit = text.split()
    return int(number) * UNITS_MS[unit]


def parse(name: str, fields: Mapping[str, Any]) -> Topic:
    """The topic `name` of a parsed YAML file. Raises KeyError or ValueError naming what does not fit."""
    rest = dict(fields)
    lag, tombstones = rest.pop("compaction_lag", None), rest.pop("tombstones", None)
    topic = Topic(
        name=name,
        description=rest.pop("description").strip(),
        owner=rest.pop("owner"),
        writers=tuple(rest.pop("writers")),
        readers=tuple(rest.pop("readers")),
        ordered=tuple(rest.pop("ordered", ())),
        key=rest.pop("key"),
        partitions=rest.pop("partitions"),
        cleanup=rest.pop("cleanup", "delete"),
        retention_ms=milliseconds(rest.pop("retention")),
        compaction_lag_ms=milliseconds(lag) if lag else None,
        tombstones_ms=milliseconds(tombstones) if tombstones else None,
        max_message_bytes=rest.pop("max_message_bytes"),
        personal=rest.pop("personal", False),
        private=rest.pop("private", False),
    )
    if rest:
        raise ValueError(f"topic {name}: unknown {', '.join(sorted(rest))}")
    return topic


def load(folder: Path = FOLDER) -> Mapping[str, Topic]:
    """Every topic in `folder`, by name."""
    files = sorted(folder.glob("*.yaml"))
    return MappingProxyType({file.stem: parse(file.stem, yaml.safe_load(file.read_text())) for file in files})


TOPICS: Mapping[str, Topic] = load()
"""Name, such as `tenancy.events` → topic."""
SERVICES = tuple(sorted({service for topic in TOPICS.values() for service in (*topic.writers, *topic.readers)}))
"""The services that write or read: every one of Hem's."""
