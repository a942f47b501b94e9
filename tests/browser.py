"""Pages in a real browser: what axe finds in them, whether they fit the screen, pictures of them.

`HEM_PICTURES=<folder>` keeps the pictures.
"""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import httpx2
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, Route, async_playwright

CHROMIUM = Path("/usr/bin/chromium")
DOOR = "http://127.0.0.1:8000"
PHONE, DESKTOP = 360, 1280
WCAG = ("wcag2a", "wcag2aa", "wcag21aa", "wcag22aa")
PAGE = (*WCAG, "best-practice")  # a mail has no landmarks: those are a page's
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium"),
    pytest.mark.filterwarnings("default::ResourceWarning"),
]


@asynccontextmanager
async def launch() -> AsyncIterator[Browser]:
    """Chromium without a window, closed at the end."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


async def answer_by(context: BrowserContext, client: httpx2.AsyncClient) -> None:
    """Has `client` answer every request of `context`'s pages."""

    async def answer(route: Route) -> None:
        asked = route.request
        headers, body = await asked.all_headers(), asked.post_data_buffer
        got = await client.request(asked.method, asked.url, headers=headers, content=body)
        await route.fulfill(status=got.status_code, headers=_kept(got.headers), body=got.content)

    await context.route("**/*", answer)


async def faults(page: Page, name: str, rules: Sequence[str] = PAGE) -> list[str]:
    """What is wrong with the page shown: axe's violations, and being wider than the screen. Takes a picture of it."""
    assert page.viewport_size is not None
    width = page.viewport_size["width"]
    dark = await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    seen = f"{name}-{width}-{'dark' if dark else 'light'}"
    # Only violations in full: to say where everything else is takes axe most of its time.
    results = await Axe().run(page, options={"runOnly": list(rules), "resultTypes": ["violations"]})
    found = [f"{seen}: {v['id']} {v['nodes'][0]['html']}" for v in results.response["violations"]]
    wide = await page.evaluate("document.documentElement.scrollWidth")
    if wide > width:
        found.append(f"{seen}: {wide} wide")
    if folder := os.environ.get("HEM_PICTURES"):
        await page.screenshot(path=Path(folder) / f"{seen}.png", full_page=True)
    return found


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "content-length"}
