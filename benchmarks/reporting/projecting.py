"""`python -m benchmarks.reporting.projecting [goal …]`: the reporting service with these goals in force alone."""

import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

from services.chassis.run import main
from services.reporting import definitions
from services.reporting.app import service
from services.reporting.service import filling


def run(goals: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="hem-bench-goals-") as folder:
        for name, text in definitions.texts_of(definitions.shipped()).items():
            if name.removesuffix(".yaml") in goals:
                (Path(folder) / name).write_text(text, encoding="utf-8")
        with patch.object(filling, "shipped", lambda: Path(folder)):
            sys.argv = sys.argv[:1]
            main(service)


if __name__ == "__main__":
    run(sys.argv[1:])
