"""The files pages are made of, shipped with the chassis: their addresses change when they do, so browsers may keep them."""

import hashlib
import os
from functools import cache
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"


@cache
def address(name: str) -> str:
    """Where `name` (relative to the static folder) is served, with its content's hash as version."""
    return f"/static/{name}?v={hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]}"


class VersionedFiles(StaticFiles):
    """Static files; one asked for with a version, and a font, may be kept for a year."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """As Starlette's, with a Cache-Control."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        kept = scope["query_string"].startswith(b"v=") or str(full_path).endswith(".woff2")
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if kept else "no-cache"
        return response
