"""Pages: in the reader's language, whole without a script, safe with any text, readable in light and dark."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from services.chassis.web.formats import Formats
from services.chassis.web.languages import Catalogues, direction, locale, own_name
from services.chassis.web.pages import LOCALES, TEMPLATES
from services.chassis.web.static import FOLDER, address

from .conftest import DOOR, HTML, Build, House

ROOT = Path(__file__).parents[3]
SHEETS = [FOLDER / "hem.css", *sorted((ROOT / "services").glob("*/static/*.css"))]
OWN = """{% extends "base.html" %}{% from "pieces.html" import status, tally, notice, empty %}
{% block title %}{{ _("Goals") }}{% endblock %}
{% block content %}<h1>{{ name }}</h1><p>{{ 91.333 | percent }} {{ 1234 | number }}</p>
{{ status("behind") }}{{ tally([("met", 3), ("missed", 0), ("no_data", 1)], "4") }}{{ notice(name, "met") }}
{% call empty("None") %}<p>all done</p>{% endcall %}
{% endblock %}"""


@pytest.fixture
def house(build: Build) -> House:
    return build(templates={"own.html": OWN}, offered=("sv", "en", "ar"))


@pytest.mark.parametrize(
    ("query", "cookie", "accept", "expected"),
    [
        ("", "", "", "sv"),
        ("", "", "en-US,en;q=0.9,sv;q=0.8", "en"),
        ("", "", "de, sv;q=0.3, en;q=0.7", "en"),
        ("", "", "sv-FI", "sv"),
        ("", "", "xx, *;q=0.5", "sv"),
        ("", "", "en;q=oops, ;;,,q=", "en"),
        ("", "en", "sv", "en"),
        ("?lang=ar", "en", "sv", "ar"),
        ("?lang=../x", "", "", "sv"),
        ("?lang=", "xx", "", "sv"),
    ],
)
async def test_the_language_is_asked_for(house: House, query: str, cookie: str, accept: str, expected: str) -> None:
    headers = {"Accept-Language": accept} | ({"Cookie": f"hem_language={cookie}"} if cookie else {})
    async with house.visit(headers=headers) as client:
        answer = await client.get(f"/page{query}")
    assert f'<html lang="{expected}" dir="{"rtl" if expected == "ar" else "ltr"}">' in answer.text
    assert answer.headers["content-language"] == expected


async def test_a_chosen_language_stays_chosen(house: House) -> None:
    async with house.visit() as client:
        await client.get("/page?lang=en")
        assert '<html lang="en"' in (await client.get("/page")).text


async def test_the_choice_of_language_keeps_the_page_and_its_filters(house: House) -> None:
    async with house.visit() as client:
        text = (await client.get("/page?area=r%C3%A5sl%C3%A4tt&area=x&lang=sv")).text
    assert 'href="?area=r%C3%A5sl%C3%A4tt&amp;area=x&amp;lang=en" lang="en"' in text
    assert ">English</a>" in text
    assert ">العربية</a>" in text


@pytest.mark.parametrize("path", ["//evil.example/x", "/%2Fevil.example/x", "/\\\\evil.example"])
async def test_no_address_leads_a_page_to_another_site(house: House, path: str) -> None:
    async with house.visit(headers=HTML) as client:
        answer = await client.get(f"{DOOR}{path}?a=1")
    assert answer.status_code == 404
    assert 'href="?a=1&amp;lang=en"' in answer.text
    assert "evil" not in answer.text


async def test_a_page_has_what_every_page_has(house: House) -> None:
    async with house.visit() as client:
        text = (await client.get("/page")).text
    assert "<title>Mål – Hem</title>" in text
    assert '<a class="skip" href="#main">' in text
    assert '<li><a href="/">Goals</a></li>' in text
    assert "True up to 14:02" in text
    assert "91,3\u00a0%" in text
    assert "1\u00a0234" in text
    assert ">Ligger efter</span>" in text
    assert "Påhittade" not in text
    assert "Logga in" in text


async def test_texts_from_outside_are_escaped(house: House) -> None:
    async with house.visit() as client:
        text = (await client.get("/page")).text
    assert "&lt;Ada&gt;" in text
    assert "<Ada>" not in text


async def test_made_up_data_is_labelled(build: Build) -> None:
    house = build(made_up=True, templates={"own.html": OWN})
    async with house.visit() as client:
        assert "Påhittade uppgifter" in (await client.get("/page")).text


async def test_a_signed_in_persons_page_is_kept_nowhere(house: House) -> None:
    async with house.visit(roles=("reader",)) as client:
        answer = await client.get("/page")
        assert answer.headers["cache-control"] == "no-store"
        assert "Logga ut" in answer.text
    async with house.visit() as client:
        assert (await client.get("/page")).headers["cache-control"] == "private, no-cache"


async def test_a_name_the_route_forgot_is_an_error_and_not_a_gap(build: Build) -> None:
    house = build(templates={"own.html": "{{ nmae }}"})
    async with house.visit() as client:
        assert (await client.get("/page")).status_code == 500
    with pytest.raises(UndefinedError):
        house.app.state.shell.environments["sv"].get_template("own.html").render()


async def test_static_files_are_kept_until_they_change(house: House) -> None:
    async with house.visit() as client:
        css = await client.get(address("hem.css"))
        plain = await client.get("/static/hem.css")
        font = await client.get("/static/fonts/noto-sans-regular.woff2")
        outside = await client.get("/static/..%2fpages.py")
    assert "immutable" in css.headers["cache-control"]
    assert plain.headers["cache-control"] == "no-cache"
    assert "immutable" in font.headers["cache-control"]
    assert font.headers["content-type"] == "font/woff2"
    assert outside.status_code == 404


@pytest.mark.parametrize(
    ("language", "percent", "number", "day", "moment"),
    [
        ("sv", "91,3\u00a0%", "−1\u00a0234,50", "1 mars 2019", "1 mars 2019 00:30"),
        ("en", "91.3%", "-1,234.50", "1 March 2019", "1 March 2019 00:30"),
    ],
)
def test_figures_and_days_are_written_as_the_reader_writes_them(
    language: str, percent: str, number: str, day: str, moment: str
) -> None:
    formats = Formats(locale(language))
    assert formats.percent(91.333) == percent
    assert formats.number(-1234.5, 2) == number
    assert formats.date(date(2019, 3, 1)) == day
    late = datetime(2019, 2, 28, 23, 30, tzinfo=UTC)
    assert formats.datetime(late) == moment
    assert formats.date(late) == day


def test_halves_are_rounded_up_and_whole_percents_have_no_decimals() -> None:
    formats = Formats(locale("sv"))
    assert formats.percent(0.25) == "0,3\u00a0%"
    assert formats.percent(100, decimals=0) == "100\u00a0%"
    assert formats.percent(12345) == "12\u00a0345,0\u00a0%"


def test_languages_know_their_name_and_direction() -> None:
    assert (own_name("sv"), own_name("en"), own_name("ar")) == ("Svenska", "English", "العربية")
    assert (direction("sv"), direction("ar"), direction("fa_AF"), direction("nonsense!")) == (
        "ltr",
        "rtl",
        "rtl",
        "ltr",
    )


def test_a_services_words_come_before_the_chassis_and_english_last(tmp_path: Path) -> None:
    (tmp_path / "sv").mkdir()
    (tmp_path / "sv" / "messages.po").write_text('msgid "Goals"\nmsgstr "Våra mål"\n')
    catalogues = Catalogues([tmp_path, LOCALES])
    assert catalogues.translations("sv").gettext("Goals") == "Våra mål"
    assert catalogues.translations("sv-FI").gettext("Sign in") == "Logga in"
    assert catalogues.translations("ar").gettext("Goals") == "Goals"


def test_no_template_styles_or_scripts_inline() -> None:
    for template in TEMPLATES.glob("*.html"):
        assert not re.search(r"\sstyle=|<style|<script(?![^>]*\ssrc=)|\son\w+=|https?://", template.read_text()), (
            template
        )


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_a_sheet_is_the_same_right_to_left_and_asks_nobody_else(sheet: Path) -> None:
    css = sheet.read_text()
    assert not re.search(r"[\s{;](?:(?:margin|padding|border)-(?:left|right|top|bottom)|left|right|float)\s*:", css)
    assert not re.search(r"text-align:\s*(?:left|right)|url\(\"?(?:https?:)?//", css)
    for file in re.findall(r'url\("([^"]+)"\)', css):
        assert (sheet.parent / file).exists(), file


def test_what_a_page_loads_is_light() -> None:
    weights = {f.name: f.stat().st_size for f in FOLDER.rglob("*") if f.is_file()}
    assert sum(weights.values()) < 300_000
    assert sum(size for name, size in weights.items() if "arabic" not in name) < 100_000


def test_the_sheets_and_the_pages_need_each_other() -> None:
    """A rule is used when all the classes of one of its selectors are. Charts and scripts wear classes too."""
    folders = [*(ROOT / "services").glob("*/templates"), TEMPLATES, ROOT / "hem/templates"]
    pages = "\n".join(f.read_text() for folder in folders for f in folder.rglob("*.html"))
    expressions = " ".join(re.findall(r"\{[{%].*?[%}]\}", pages, re.DOTALL))
    worn = {word for names in re.findall(r'class="([^"{]*)', pages) for word in names.split()}
    charts = [ROOT / "services/reporting" / name for name in ("charts.py", "routes/goal_page.py")]
    makers = [*charts, *(ROOT / "services").glob("*/static/*.js")]
    made = {
        word for file in makers for said in re.findall(r'"([\w -]+)["{]', file.read_text()) for word in said.split()
    }
    used = worn | made | set(re.findall(r'"(\w+)"', expressions))
    sheet = "".join(re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL) for sheet in SHEETS)
    rules = [rule.strip() for rule in re.findall(r"([^{};]+)\{", sheet)]
    idle = [r for r in rules if not any(used.issuperset(re.findall(r"\.([a-z][\w-]*)", s)) for s in r.split(","))]
    assert idle == []
    assert sorted(worn - set(re.findall(r"\.([a-z][\w-]*)", " ".join(rules)))) == []
    tokens = re.findall(r"^\s+--([\w-]+):", sheet, re.MULTILINE)
    assert [t for t in tokens if f"var(--{t})" not in sheet] == []
    pieces = re.findall(r"macro (\w+)\(", (TEMPLATES / "pieces.html").read_text())
    assert [p for p in pieces if not re.search(rf"(?<!macro )\b{p}\(", expressions)] == []


TOKENS = {
    name: (light, dark)
    for name, light, dark in re.findall(
        r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", (FOLDER / "hem.css").read_text()
    )
}


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "card", "wash"])
@pytest.mark.parametrize("ink", ["ink", "soft", "accent", "met", "way", "behind", "missed", "none"])
def test_words_stand_out_from_their_ground(ink: str, ground: str, mode: int) -> None:
    assert _contrast(TOKENS[ink][mode], TOKENS[ground][mode]) >= 4.5


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_buttons_labels_and_edges_stand_out(mode: int) -> None:
    assert _contrast(TOKENS["on-accent"][mode], TOKENS["accent"][mode]) >= 4.5
    assert _contrast(TOKENS["ink"][mode], TOKENS["sand"][mode]) >= 4.5
    assert _contrast(TOKENS["edge"][mode], TOKENS["card"][mode]) >= 3


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, from 1 to 21."""
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
