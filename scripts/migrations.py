"""Write the SHA-256 of every new migration into locks/migrations.sha256.

A migration that has run somewhere is never changed: the database keeps its number and would not notice. So a file whose
checksum is written down and no longer fits is an error here and in the tests. (One that has never left this machine may
be edited: delete its line first.)
"""

import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "locks" / "migrations.sha256"


def checksums() -> dict[str, str]:
    """Path below the repository → SHA-256 in hexadecimal, of every migration there is."""
    files = sorted(ROOT.glob("services/*/migrations/*.sql"))
    return {file.relative_to(ROOT).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def written_down() -> dict[str, str]:
    """The same, as the manifest has it. Its lines are those of sha256sum."""
    lines = MANIFEST.read_text().splitlines() if MANIFEST.exists() else []
    return {path: checksum for checksum, path in (line.split("  ", 1) for line in lines)}


def main() -> None:
    found, known = checksums(), written_down()
    changed = [path for path, checksum in known.items() if found.get(path) != checksum]
    if changed:
        raise SystemExit(
            f"Changed or removed after their checksum was written down: {', '.join(changed)}\n"
            "Put them back and write a new migration instead."
        )
    MANIFEST.write_text("".join(f"{checksum}  {path}\n" for path, checksum in found.items()))
    print(f"{len(found) - len(known)} new of {len(found)} migrations", file=sys.stderr)


if __name__ == "__main__":
    main()
