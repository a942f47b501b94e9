"""A report's content as one HTML file: its look and its charts are in it, and it asks for nothing from anywhere."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment

STYLE = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")


def build(environment: Environment, content: Mapping[str, Any]) -> bytes:
    """The file of `Content.plain()`. The same bytes whenever it is made from the same content."""
    return environment.get_template("report_file.html").render(content=shown(content), style=STYLE).encode()


def shown(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content as templates want it: each chart also as an address that holds it (`src`)."""
    sections = [{**s, "answers": [_with_source(answer) for answer in s["answers"]]} for s in content["sections"]]
    return {**content, "sections": sections}


def policy(file: bytes) -> str:
    """A Content-Security-Policy under which `file` shows as it was made: its own style sheet and charts, nothing else."""
    _, _, rest = file.partition(b"<style>")
    style, _, _ = rest.partition(b"</style>")
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; frame-ancestors 'none'; base-uri 'none'"


def _with_source(answer: Mapping[str, Any]) -> dict[str, Any]:
    picture = answer["picture"]
    if picture is None:
        return {**answer}
    encoded = base64.b64encode(picture["svg"].encode()).decode()
    return {**answer, "picture": {**picture, "src": f"data:image/svg+xml;base64,{encoded}"}}
