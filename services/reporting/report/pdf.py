"""A report's content as a tagged PDF (PDF/UA-1), the same bytes whenever it is made from the same content."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typst

HERE = Path(__file__).parent
FONTS = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[HERE / "fonts"])
INSTEAD = "\N{REPLACEMENT CHARACTER}"
_UNPRINTABLE = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed')
_ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}|\\(.)")


def build(content: Mapping[str, Any], made_at: datetime) -> bytes:
    """The PDF of `Content.plain()`, dated `made_at`. What our font has no sign for stands as `INSTEAD`.

    It takes about a tenth of a second of processor time: call it in a thread. Raises `typst.TypstError` for a fault of
    the template.
    """
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    while True:
        try:
            return _compile("report.typ", text, made_at)
        except typst.TypstError as error:
            missing = _missing(error)
            if not missing:
                raise
            text = text.translate(dict.fromkeys(map(ord, missing), INSTEAD))


def unprintable(text: str) -> list[str]:
    """The characters of `text` that our font has no sign for, which a PDF for everybody may not leave out."""
    try:
        _compile("characters.typ", text, datetime.fromtimestamp(0, UTC))
    except typst.TypstError as error:
        return sorted(_missing(error))
    return []


def _compile(template: str, content: str, made_at: datetime) -> bytes:
    compiler = typst.Compiler(
        HERE / template, root=HERE, font_paths=FONTS, ignore_system_fonts=True, sys_inputs={"content": content}
    )
    made = compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=int(made_at.timestamp()))
    assert isinstance(made, bytes)  # a PDF is one file, however many its pages
    return made


def _missing(error: typst.TypstError) -> set[str]:
    """The characters that typst says no font of ours has."""
    texts = (_ESCAPE.sub(_unescaped, found) for found in _UNPRINTABLE.findall(f"{error.message}\n{error.diagnostic}"))
    return {character for text in texts for character in text if not character.isspace()}


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else escape[2]
