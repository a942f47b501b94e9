"""The hem command: a contents page."""

import os
from importlib.metadata import version as installed
from typing import Annotated

import typer

from hem.commands import connect, contracts, events, goals, keys, operate, provide, publishers, run

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Hem: events in, goal figures out."
)


def tell_version(asked: bool) -> None:
    if asked:
        # An image has the code and no record of an installation; it says which version it was made of.
        print(f"hem {os.environ.get('HEM_VERSION') or installed('hem')}")
        raise typer.Exit


@app.callback()
def options(
    asked: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", is_eager=True, callback=tell_version)
    ] = False,
) -> None:
    """What goes before a command."""


app.command("up")(run.up)
app.command("dev")(run.dev)
app.command("publish")(events.publish_file)
app.command("validate")(contracts.validate)
app.command("compat")(contracts.compat)
app.command("sign-in")(operate.sign_in)
app.command("rebuild")(operate.rebuild)
app.command("doctor")(run.doctor)
app.command("startup")(provide.startup)
app.add_typer(goals.goals, name="goals")
app.add_typer(provide.topics, name="topics")
app.add_typer(provide.databases, name="databases")
app.add_typer(connect.connect, name="connect")
app.add_typer(operate.parked, name="parked")
app.add_typer(keys.keys, name="keys")
app.add_typer(publishers.publishers, name="publishers")


def main() -> None:
    os.umask(0o077)  # personal data: whatever we or our children write is ours alone
    app()


if __name__ == "__main__":
    main()
