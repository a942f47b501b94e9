"""Charts as pictures: SVG is drawn by charts.py, and PNG is that same drawing with our own font, seen by typst."""

from pathlib import Path

import typst

from services.reporting import report

FONTS = typst.Fonts(
    include_system_fonts=False,
    include_embedded_fonts=False,
    font_paths=[Path(report.__path__[0]) / "fonts"],
)
DOTS_PER_INCH = 144.0  # twice what the drawing says: sharp on a good screen and on paper
SVG, PNG = "image/svg+xml", "image/png"
SHEET = b"""
#set page(width: auto, height: auto, margin: 0pt)
#image(bytes(sys.inputs.drawing), format: "svg")
"""


def png(drawing: str) -> bytes:
    """An SVG document as a picture, white where it is empty. A few hundredths of a second: call it in a thread."""
    made = typst.compile(
        SHEET,
        font_paths=FONTS,
        ignore_system_fonts=True,
        sys_inputs={"drawing": drawing},
        format="png",
        ppi=DOTS_PER_INCH,
    )
    assert isinstance(made, bytes)
    return made
