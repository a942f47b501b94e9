"""Who may do what in Kafka, from the catalogue's topics and the register of publishers: nobody needs more, and nobody gets it.

The installation's users are `hem-<service>`, `hem-topics` for the job that makes topics, and `publisher-<name>`.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import yaml

from hem.routing import SERVICES
from schemas.topics import TOPICS, Topic

INBOUND = "inbound."
"""What a publisher's own topic begins with; `services.gateway.domain.inbound` makes them."""
Kind = Literal["topic", "group", "cluster"]


@dataclass(frozen=True, slots=True)
class Grant:
    """Operations (Kafka's names for them) on one resource; `prefixed`: on all whose names begin with `name`."""

    kind: Kind
    name: str
    operations: tuple[str, ...]
    prefixed: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """One account in Kafka and everything it may do there."""

    name: str
    grants: tuple[Grant, ...]


# Since Kafka 2.8 it follows from Write on any topic; older brokers, and some that only speak its protocol, ask for it.
IDEMPOTENT = Grant("cluster", "kafka-cluster", ("IdempotentWrite",))


def users(publishers: Iterable[str], *, prefix: str = "", topics: Mapping[str, Topic] = TOPICS) -> list[User]:
    """Every service's account, that of the job for topics, and one for each of `publishers` (those that use Kafka)."""
    before = re.sub(r"[^a-z0-9]+", "-", prefix.lower())
    found = [User(f"{before}hem-{service}", tuple(_service(service, prefix, topics))) for service in SERVICES]
    everything = Grant("topic", prefix or "*", ("Create", "Describe", "DescribeConfigs", "AlterConfigs"), bool(prefix))
    found.append(User(f"{before}hem-topics", (everything,)))
    for name in sorted(publishers):
        own = Grant("topic", f"{prefix}{INBOUND}{name}", ("Write", "Describe"))
        found.append(User(f"{before}publisher-{name}", (own, IDEMPOTENT)))
    return found


def _service(service: str, prefix: str, topics: Mapping[str, Topic]) -> Iterator[Grant]:
    for name, topic in topics.items():
        operations = ("Read",) * (service in topic.readers) + ("Write",) * (service in topic.writers)
        if operations:
            yield Grant("topic", f"{prefix}{name}", (*operations, "Describe"))
    if service == "gateway":
        yield Grant("topic", f"{prefix}{INBOUND}", ("Read", "Describe", "Create"), prefixed=True)
    yield Grant("group", f"{prefix}{service}", ("Read", "Describe"))
    yield IDEMPOTENT


def commands(found: Sequence[User]) -> Iterator[str]:
    """Lines for a shell, as Kafka's own `kafka-acls.sh` understands them. Doing them twice does no harm."""
    yield "# KAFKA: the brokers' host:port. ADMIN: a file with an administrator's settings, as --command-config wants it."
    for user in found:
        for together in _alike(user.grants):
            first = together[0]
            said = ["--add", "--allow-principal", f"User:{user.name}"]
            said += [word for operation in first.operations for word in ("--operation", operation)]
            if first.kind == "cluster":
                said.append("--cluster")
            else:
                said += ["--resource-pattern-type", "prefixed" if first.prefixed else "literal"]
                said += [word for grant in together for word in (f"--{grant.kind}", grant.name)]
            yield f'kafka-acls.sh --bootstrap-server "$KAFKA" --command-config "$ADMIN" {shlex.join(said)}'


def _alike(grants: Sequence[Grant]) -> list[list[Grant]]:
    """Those that differ by the name alone, together."""
    found: dict[tuple[Kind, tuple[str, ...], bool], list[Grant]] = {}
    for grant in grants:
        found.setdefault((grant.kind, grant.operations, grant.prefixed), []).append(grant)
    return list(found.values())


def strimzi(found: Sequence[User], *, cluster: str) -> str:
    """KafkaUser resources in YAML, for the Strimzi operator (0.49 or later) of the Kafka named `cluster`."""
    return yaml.safe_dump_all([_kafka_user(user, cluster) for user in found], sort_keys=False)


def _kafka_user(user: User, cluster: str) -> dict[str, object]:
    acls = [{"resource": _resource(grant), "operations": list(grant.operations)} for grant in user.grants]
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaUser",
        "metadata": {"name": user.name, "labels": {"strimzi.io/cluster": cluster}},
        "spec": {
            "authentication": {"type": "scram-sha-512"},
            "authorization": {"type": "simple", "acls": acls},
        },
    }


def _resource(grant: Grant) -> dict[str, str]:
    if grant.kind == "cluster":
        return {"type": "cluster"}
    return {"type": grant.kind, "name": grant.name, "patternType": "prefix" if grant.prefixed else "literal"}
