"""hem goals: figures out; hem goals check, hem goals list: the files that say what is measured."""

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.table import Table

from hem.commands.common import console, errors, fail, folding_table, plain_errors, print_json
from hem.door import Door
from hem.home import Home

if TYPE_CHECKING:
    from services.reporting.definitions import Goal


class Checked(NamedTuple):
    """A goal file: the goal, or what is wrong with it."""

    goal: "Goal | None"
    mistakes: list[str]


goals = typer.Typer(help="The goals with their figures; check and list the files that define them.")


@goals.callback(invoke_without_command=True)
def figures(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as the API gives them.")] = False,
    period: Annotated[str | None, typer.Option(help="A year, such as 2019.")] = None,
) -> None:
    """Show the goals with their figures. `check` and `list` look at the files that define them."""
    if context.invoked_subcommand is not None:
        return
    with plain_errors(), Door(Home.here()) as door:
        found = door.read("/api/goals", {"period": period} if period else None)
    if as_json:
        print_json(found)
    else:
        show_goals(found)


@goals.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Goal files, or folders of them.", metavar="FILE…")],
) -> None:
    """Check goal files as reporting does before it takes them over. Every mistake is told as `file:line: field: what`."""
    with plain_errors():
        read = _read(files)
    mistakes = [mistake for _, found in read for mistake in found]
    for mistake in mistakes:
        print(mistake)
    if not read:
        fail("There is no goal file (*.yaml) there.")
    if mistakes:
        fail(
            f"{len(mistakes)} mistake{'' if len(mistakes) == 1 else 's'} in {len(read)} file{'' if len(read) == 1 else 's'}."
        )
    console.print(f"{len(read)} goal{'' if len(read) == 1 else 's'} without mistakes", highlight=False)


@goals.command("list")
def list_goals(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders or files; none: those that come with Hem.", metavar="[FOLDER]…")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For other programs.")] = False,
) -> None:
    """List the goals that files define: what they measure, by what, and the document they rest on."""
    with plain_errors():
        read = _read(folders)
    rows = [_row(goal) for goal, _ in read if goal is not None]
    if as_json:
        print_json(rows)
    else:
        table = folding_table("goal", "title", "measures", "by", "counts", "target", "document")
        for row in rows:
            table.add_row(
                row["goal"],
                row["title"],
                "\n".join(f"{name} ({kind})" for name, kind in row["measures"].items()),
                ", ".join(row["by"]),
                row["counts"],
                row["comparison"],
                row["document"],
            )
        console.print(table)
    wrong = [mistake for _, found in read for mistake in found]
    for mistake in wrong:
        errors.print(mistake, markup=False, highlight=False, soft_wrap=True)
    if wrong:
        raise typer.Exit(1)


def _row(goal: "Goal") -> dict[str, Any]:
    return {
        "goal": goal.id,
        "title": goal.text("en").title,
        "version": goal.version,
        "measures": {measure.id: measure.kind for measure in goal.measures},
        "by": list(goal.dimensions),
        "counts": goal.counts,
        "comparison": goal.aim.comparison,
        "document": goal.document,
    }


def _read(places: list[Path] | None) -> list[Checked]:
    """Every goal file of the files and folders; none: those that come with reporting. Raises `OSError`."""
    try:
        from services.reporting.definitions import DefinitionError, parse, shipped  # noqa: PLC0415
    except ModuleNotFoundError as error:
        fail(
            f"Goal files are looked at where reporting's own code is ({error.name} is not installed here): in a copy of "
            "the repository, after `make run` or `make test` has installed what it needs."
        )
    found = []
    for place in places or [Path(str(shipped()))]:
        files = sorted(place.glob("*.yaml")) if place.is_dir() else [place]
        for file in files:
            try:
                found.append(Checked(parse(file.name, file.read_text(encoding="utf-8")), []))
            except DefinitionError as error:
                where = file.parent.as_posix()
                said = str(error).splitlines()
                found.append(Checked(None, said if where == "." else [f"{where}/{line}" for line in said]))
            except UnicodeDecodeError:
                found.append(Checked(None, [f"{file}:1: the file is not UTF-8"]))
    return found


def show_goals(figures: list[dict[str, Any]]) -> None:
    """A table for each goal: the company, then its areas."""
    for (title, period), rows in groupby(figures, key=lambda figure: (figure["title"], figure["period"])):
        table = Table(
            "area",
            "figure",
            "of",
            "target",
            "status",
            header_style="bold",
            title=f"{title}, {period}",
            title_justify="left",
        )
        for figure in rows:
            target = figure["target"]
            table.add_row(
                figure["area"] or "(company)",
                _value(figure),
                f"{figure['numerator']} of {figure['denominator']}" if figure["denominator"] is not None else "",
                f"{target['comparison']} {target['value'] or ''}".strip() if target else "",
                figure["status"].replace("_", " "),
            )
        console.print(table)


def _value(figure: dict[str, Any]) -> str:
    return "–" if figure["value"] is None else f"{figure['value']:.1f} {figure['unit'] or ''}".strip()
