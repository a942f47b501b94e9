"""Figures as files to keep: CSV, XLSX, JSON-stat, and charts as SVG and PNG. What they may be about is as in the API."""

import asyncio
import json
from collections.abc import Callable
from typing import Literal
from urllib.parse import quote

from fastapi import Request, Response

from services.chassis.web import Ctx, Permission, Router
from services.chassis.web.words import N_
from services.reporting import charts
from services.reporting.exports import csv_file, images, jsonstat, tables, xlsx_file
from services.reporting.exports.footnotes import Words, remarks
from services.reporting.exports.rows import Table
from services.reporting.routes import asked
from services.reporting.routes.asking import Wrong, words
from services.reporting.service.notes import applying
from services.reporting.service.shapes import Figure
from services.reporting.written import Written

router = Router()
Write = Callable[[Table, Words], bytes]


async def _file(request: Request, ctx: Ctx, ending: str, media_type: str, write: Write) -> Response:
    """The figures that the request names as a file with this ending, made in a thread: a workbook takes a while."""
    try:
        found = await asked.figures(request, ctx)
    except Wrong as wrong:
        return wrong.answer
    unchanged, headers = asked.kept_by_client(request, found, asked.in_json(request, found))
    if unchanged:
        return unchanged
    texts = words(request)
    periods = list(dict.fromkeys(figure.period.label for figure in found.figures))
    goals = list(dict.fromkeys(figure.goal.text(texts.language).title for figure in found.figures))
    title = f"{goals[0] if len(goals) == 1 else texts.text(N_('Goals'))} {', '.join(periods)}".strip()
    table = tables.table(
        found.figures, found.notes, texts, title=title, as_of=found.as_of, address=asked.address(request, found)
    )
    content = await asyncio.to_thread(write, table, texts)
    name = f"{'-'.join(['hem', *_names(request), *periods[:2]])}.{ending}"
    headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return Response(content, media_type=media_type, headers=headers)


def _names(request: Request) -> list[str]:
    goals = request.query_params.getlist("goal")
    return goals[:1] if len(goals) == 1 else ["goals"]


@router.get("/api/v1/figures.csv", permission=Permission.PUBLIC)
async def as_csv(request: Request, ctx: Ctx) -> Response:
    """As Excel of the reader's language opens it: `lang=sv` (the default) or `lang=en`."""
    return await _file(
        request, ctx, "csv", csv_file.MEDIA_TYPE, lambda table, texts: csv_file.write(table, texts.language)
    )


@router.get("/api/v1/figures.xlsx", permission=Permission.PUBLIC)
async def as_xlsx(request: Request, ctx: Ctx) -> Response:
    """A workbook of figures, definitions and sources."""
    return await _file(
        request, ctx, "xlsx", xlsx_file.MEDIA_TYPE, lambda table, texts: xlsx_file.write(table, texts.text)
    )


@router.get("/api/v1/figures.jsonstat", permission=Permission.PUBLIC)
async def as_jsonstat(request: Request, ctx: Ctx) -> Response:
    """A JSON-stat 2.0 dataset."""
    return await _file(
        request,
        ctx,
        "json",
        jsonstat.MEDIA_TYPE,
        lambda table, texts: json.dumps(jsonstat.write(table, texts.text), ensure_ascii=False).encode(),
    )


@router.get("/api/v1/chart.svg", permission=Permission.PUBLIC)
async def as_svg(request: Request, ctx: Ctx) -> Response:
    """The trend of one figure, with its footnotes and where it comes from."""
    return await _chart(request, ctx, "svg")


@router.get("/api/v1/chart.png", permission=Permission.PUBLIC)
async def as_png(request: Request, ctx: Ctx) -> Response:
    """The same as a picture."""
    return await _chart(request, ctx, "png")


async def _chart(request: Request, ctx: Ctx, ending: Literal["svg", "png"]) -> Response:
    try:
        found = await asked.figures(request, ctx)
        figure = _one(request, found)
    except Wrong as wrong:
        return wrong.answer
    unchanged, headers = asked.kept_by_client(request, found, asked.in_json(request, found))
    if unchanged:
        return unchanged
    texts, written = words(request), Written.of(request)
    title = f"{tables.title_of(figure, texts.language)}, {written.place(figure)} {figure.period.label}"
    source = tables.citation(title, found.as_of, asked.address(request, found), texts)
    aim = written.target(figure)
    drawing = charts.alone(
        written.picture(figure, applying(found.notes, figure.area)),
        title,
        f"{written.in_words(figure)} {aim[:1].upper()}{aim[1:]}.",
        [*remarks(figure, texts), source],
    )
    name = f"hem-{figure.goal.id}-{figure.area or asked.WHOLE}-{figure.period.label}.{ending}"
    headers["content-disposition"] = f"inline; filename*=UTF-8''{quote(name)}"
    if ending == "svg":
        return Response(drawing, media_type=images.SVG, headers=headers)
    return Response(await asyncio.to_thread(images.png, drawing), media_type=images.PNG, headers=headers)


def _one(request: Request, found: asked.Found) -> Figure:
    """The figure that a chart is of: the first measure's, of the area asked for or the company. Raises `Wrong`."""
    area = request.query_params.get("area") or None
    if len(set(request.query_params.getlist("goal"))) != 1:
        raise Wrong(400, "one-goal", N_("A chart is of one goal"), "Say which: goal=housing-introduction-offered.")
    figure = next((f for f in found.figures if f.area == area and f.dimension is None), None)
    if figure is None:
        raise Wrong(404, "no-figure", N_("There is no such figure"), "Nothing has been published for that.")
    return figure
