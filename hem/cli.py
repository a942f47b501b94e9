"""The hem command: a contents page."""

import typer

from hem.commands import events, operate, run

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Hem: events in, goal figures out."
)
app.command("up")(run.up)
app.command("dev")(run.dev)
app.command("publish")(events.publish_file)
app.command("goals")(events.goals)
app.command("sign-in")(operate.sign_in)
app.command("rebuild")(operate.rebuild)
app.command("doctor")(run.doctor)
app.add_typer(operate.parked, name="parked")
app.add_typer(operate.keys, name="keys")


def main() -> None:
    app()


if __name__ == "__main__":
    main()
