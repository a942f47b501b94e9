"""hem up, hem dev, hem doctor: running everything on one machine, and looking at what runs."""

import os
from typing import Annotated

import typer

from hem import doctor as elsewhere
from hem.commands.common import fail, plain_errors, say, the_stack
from hem.home import Home
from hem.routing import SERVICES


def up(
    demo: Annotated[
        bool, typer.Option("--demo", help="When empty, play a made-up landlord first: 2018 to 2020.")
    ] = False,
) -> None:
    """Run all of Hem on this machine until Ctrl-C. Data is kept in HEM_HOME (./.hem); pages are on HEM_PORT (8000)."""
    with the_stack():
        from hem.running import run_up  # noqa: PLC0415
    with plain_errors():
        run_up(demo=demo)


def dev(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")],
) -> None:
    """Run all of Hem with one service's log on the terminal, started again whenever its files change."""
    if service not in SERVICES:
        fail(f"There is no service {service}: {', '.join(SERVICES)}.", 2)
    with the_stack():
        from hem.running import run_dev  # noqa: PLC0415
    with plain_errors():
        run_dev(service)


def doctor() -> None:
    """Look at the surroundings and at a running Hem, and say what is wrong and how to mend it. With HEM_URL: at that Hem."""
    home = Home.here()
    if os.environ.get("HEM_URL"):
        checks = elsewhere.checks(home)
    else:
        with the_stack():
            from hem.stack import examined  # noqa: PLC0415
        checks = examined.checks(home)
    if faults := elsewhere.examine(checks, say):
        fail(f"{faults} thing{'' if faults == 1 else 's'} to mend.")
