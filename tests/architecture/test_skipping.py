"""What a run says when something was skipped."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import skipping


@pytest.mark.parametrize(("ci", "code"), [("true", pytest.ExitCode.TESTS_FAILED), ("", pytest.ExitCode.OK)])
def test_a_skipped_test_fails_the_run_under_ci_only(tmp_path: Path, ci: str, code: pytest.ExitCode) -> None:
    shutil.copy(skipping.__file__, tmp_path / "conftest.py")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_two.py").write_text(
        "import pytest\ndef test_runs(): pass\ndef test_skips(): pytest.skip('no browser')\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "."]
    ended = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"CI": ci}, capture_output=True, text=True, timeout=50, check=False
    )
    assert ended.returncode == code, ended.stdout
    assert "1 passed, 1 skipped" in ended.stdout.splitlines()[-1]
