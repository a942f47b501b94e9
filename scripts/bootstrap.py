"""Make an environment from a lock file, beginning with nothing but a Python.

    python scripts/bootstrap.py                        the pinned uv, into .venv/tool
    python scripts/bootstrap.py .venv locks/dev.txt    that, and the environment

Every file fetched must have a hash that the lock names. Where to fetch from is the machine's own setting of pip and uv.
When all is well the stamp file ENV/.ready is new; make compares it with the lock. The syntax is one that an older
Python can read, so that it can say which it needs.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOL = ROOT / ".venv" / "tool"
UV = TOOL / "bin" / "uv"
UV_LOCK = ROOT / "locks" / "uv.txt"
NO_PIP = """
Hem needs pip, or Python's venv module, to fetch its first tool (uv), and {python} has neither.
Install one of them, for example with:  apt-get install python3-venv
or name another Python:                 make PYTHON=/path/to/python3.12 ...
"""
WRONG_PYTHON = """
Hem runs on Python 3.11 to 3.14, and {python} is {version}.
Name another Python:  make PYTHON=/path/to/python3.12 ...
"""


def main(arguments: "list[str]") -> None:
    """Do what the module says; SystemExit with a message for a person when it can't be done."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 14):
        raise SystemExit(WRONG_PYTHON.format(python=sys.executable, version=sys.version.split()[0]))
    fetch_uv()
    if arguments:
        environment, lock = arguments
        make_environment(ROOT / environment, ROOT / lock)


def fetch_uv() -> None:
    """The uv of locks/uv.txt in .venv/tool, unless it is there already."""
    installed_from = TOOL / "uv.txt"
    if UV.exists() and installed_from.exists() and installed_from.read_bytes() == UV_LOCK.read_bytes():
        return
    pip = find_pip()
    run([*pip, "install", "--quiet", "--upgrade", "--require-hashes", "--no-deps", "--only-binary", ":all:",
         "--disable-pip-version-check", "--root-user-action", "ignore", "--target", TOOL, "-r", UV_LOCK])  # fmt: skip
    installed_from.write_bytes(UV_LOCK.read_bytes())


def find_pip() -> "list[str]":
    """How to call a pip: this Python's own, else that of a virtual environment made for the purpose."""
    if succeeds([sys.executable, "-m", "pip", "--version"]):
        return [sys.executable, "-m", "pip"]
    lender = TOOL / "pip"
    if succeeds([sys.executable, "-m", "venv", "--clear", lender]):
        return [str(lender / "bin" / "python"), "-m", "pip"]
    raise SystemExit(NO_PIP.format(python=sys.executable))


def make_environment(environment: Path, lock: Path) -> None:
    """What the lock names and nothing else, and the project itself as an editable install."""
    python = environment / "bin" / "python"
    if not python.exists():
        run([UV, "venv", "--quiet", "--allow-existing", "--python", sys.executable, environment])
    print(f"Installing {lock.relative_to(ROOT)} into {environment.relative_to(ROOT)}", file=sys.stderr, flush=True)
    sync: list[str | Path] = [UV, "pip", "sync", "--quiet", "--python", python, "--require-hashes", lock]
    if not succeeds([*sync, "--offline"]):  # what was fetched before is used without asking the network again
        run(sync)
    run([UV, "pip", "install", "--quiet", "--python", python, "--no-deps", "--editable", ROOT])
    (environment / ".ready").touch()


def run(command: "list[str | Path]") -> None:
    environment = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    finished = subprocess.run(command, env=environment, check=False)
    if finished.returncode != 0:
        raise SystemExit(f"bootstrap: this failed (its own words are above): {' '.join(map(str, command))}")


def succeeds(command: "list[str | Path]") -> bool:
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


if __name__ == "__main__":
    main(sys.argv[1:])
