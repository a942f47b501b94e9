"""hem topics, hem databases, hem startup: what has to be there before the services can do their work. Jobs, in containers."""

import asyncio
import logging
from typing import Annotated

import typer

from hem import acl
from hem import topics as topics_of
from hem.commands.common import fail, kafka_here, plain_errors, say
from hem.door import Door
from hem.environment import given
from hem.home import Home
from hem.routing import SERVICES
from hem.stack.errors import StackError
from hem.startup import publish_startup, until_open

topics = typer.Typer(no_args_is_help=True, help="Kafka's topics, as schemas/topics/ declares them.")
databases = typer.Typer(no_args_is_help=True, help="A role and a database for each service.")

WITHIN = 60.0
SOMETHING_TO_DO = 3

Servers = Annotated[
    str | None, typer.Option(envvar="HEM_KAFKA_SERVERS", help="host:port,…; default: this home's Kafka, where it runs.")
]
Prefix = Annotated[str, typer.Option(envvar="HEM_TOPIC_PREFIX", help="Before every name, where a cluster is shared.")]
Replicas = Annotated[int, typer.Option(envvar="HEM_TOPIC_REPLICAS", min=1, help="Brokers that keep a new topic.")]


@topics.command("plan")
def topics_plan(servers: Servers = None, prefix: Prefix = "") -> None:
    """Say what is missing and what differs, and change nothing. Ends with 0 when there is nothing to do, else with 3."""
    with plain_errors():
        planned = asyncio.run(topics_of.plan(_servers(servers), prefix=prefix, within=WITHIN))
    if planned.lines():
        say(planned.text())
        raise typer.Exit(SOMETHING_TO_DO)
    say("All topics are as declared.")


@topics.command("apply")
def topics_apply(
    servers: Servers = None,
    prefix: Prefix = "",
    replicas: Replicas = 1,
    change: Annotated[
        bool, typer.Option("--change", help="Also set what is declared on topics that are there.")
    ] = False,
) -> None:
    """Make what is missing, and say what differs. Ends with 1 when Kafka refuses, with 0 also where something still differs."""
    with plain_errors():
        done = asyncio.run(
            topics_of.provision(_servers(servers), prefix=prefix, replicas=replicas, change=change, within=WITHIN)
        )
    for name in done.made:
        say(f"Topic {name} is made.")
    for difference in done.changed:
        say(f"Topic {difference.topic} now has {difference.option}={difference.declared}; it had {difference.found}.")
    for difference in done.left:
        say(f"{difference}" + (" `hem topics apply --change` sets it." if difference.mendable else ""))
    if not (done.made or done.changed or done.left):
        say("All topics are as declared.")


@topics.command("acl")
def topics_acl(
    prefix: Prefix = "",
    publisher: Annotated[
        list[str] | None,
        typer.Option(help="One that writes to its own topic; may be given again. Without it: the gateway is asked."),
    ] = None,
    services_only: Annotated[bool, typer.Option("--services-only", help="No publishers; no Hem is asked.")] = False,
    strimzi: Annotated[
        str | None, typer.Option(metavar="CLUSTER", help="As KafkaUser resources in YAML for this Kafka of Strimzi's.")
    ] = None,
) -> None:
    """Print who may do what in Kafka: commands for kafka-acls.sh. It changes nothing, and asks no Kafka."""
    with plain_errors():
        names = [] if services_only else publisher or _publishers()
    found = acl.users(names, prefix=prefix)
    if strimzi:
        say(acl.strimzi(found, cluster=strimzi).rstrip())
        return
    for line in acl.commands(found):
        say(line)


@databases.command("apply")
def databases_apply() -> None:
    """Make what is missing and set the passwords. HEM_POSTGRES_URL is the superuser's address.

    The passwords are in HEM_POSTGRES_PASSWORD and HEM_<SERVICE>_DATABASE_PASSWORD, or in the files that these names
    with _FILE after them name.
    """
    from hem import databases as databases_of  # noqa: PLC0415 (it loads the chassis, which takes a second)

    with plain_errors():
        url = given("HEM_POSTGRES_URL")
        passwords = {service: given(f"HEM_{service.upper()}_DATABASE_PASSWORD") for service in SERVICES}
        missing = [f"HEM_{service.upper()}_DATABASE_PASSWORD" for service, word in passwords.items() if not word]
        missing += [] if url else ["HEM_POSTGRES_URL"]
        if not url or missing:
            raise StackError(f"Not set: {', '.join(missing)}. Each can come from a file: its name with _FILE after it.")
        asyncio.run(
            databases_of.prepare(
                url,
                {service: word for service, word in passwords.items() if word},
                password=given("HEM_POSTGRES_PASSWORD"),
                within=WITHIN,
            )
        )
    say(f"Every service has its role and its database: {', '.join(f'hem_{service}' for service in SERVICES)}.")


def startup() -> None:
    """Publish what every Hem knows from its first day. Doing it again changes nothing."""
    with plain_errors(), Door(Home.here()) as door:
        until_open(door, WITHIN)
        new = publish_startup(door)
    say(f"The start-up data is published: {new} events were new.")


def _publishers() -> list[str]:
    with Door(Home.here()) as door:
        rows = door.operate("GET", "/ops/gateway/publishers")
    return [row["publisher"] for row in rows if row["kafka"] and row["retired_at"] is None]


def _servers(said: str | None) -> str:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it would tell of every try; we say it once
    servers = said or kafka_here()
    if servers is None:
        fail(f"Where is Kafka? Set HEM_KAFKA_SERVERS to its host:port; no Hem has run in {Home.here().root}.")
    return servers
