"""Makes the secrets that docker-compose.yml hands to the containers, once:  python scripts/make_secrets.py [FOLDER]

A file that is there already is left as it is, so running it again after an upgrade adds what is new. The folder is yours
alone; the files in it are readable by all, because a container gets each as it is and reads it as another user.
"""

import os
import secrets
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

DEFAULT = Path(__file__).resolve().parent.parent / "deploy" / "secrets"
# What containers read of the checkout as it is, as other users than yours.
MOUNTED = ("nginx.conf", "kafka", "kafka/server.properties", "kafka/log4j2.yaml", "kafka/tools-log4j2.yaml")
SERVICES = ("gateway", "placements", "surveys", "notifications", "reporting")


def token() -> str:
    return secrets.token_urlsafe(32)


def master_key() -> str:
    """What wraps the keys of the persons a service meets. Without it their contact details can't be read again."""
    return b64encode(secrets.token_bytes(32)).decode()


def nothing() -> str:
    """For a secret that somebody else gives out: write it into the file."""
    return ""


MAKERS: "dict[str, Callable[[], str]]" = {
    "postgres-superuser": token,
    "session-secret": token,
    "operator-token": token,
    "smtp-password": nothing,
    **{f"{service}-database": token for service in SERVICES},
    **{f"{service}-master-key": master_key for service in SERVICES},
}


def make(folder: Path) -> "list[str]":
    """Make what is missing in `folder`; returns the names of what was made. OSError when the folder can't be written to."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    made = []
    for name, make_one in MAKERS.items():
        if (folder / name).exists():
            continue
        unfinished = folder / f".{name}.new"  # a start that is cut short leaves no half secret behind
        unfinished.write_text(make_one())
        unfinished.chmod(0o644)  # whatever the umask says
        unfinished.replace(folder / name)
        made.append(name)
    return made


def open_to_containers(deploy: Path) -> None:
    """Let everybody read the settings of nginx and Kafka: a checkout under a strict umask would keep them from the containers."""
    for name in MOUNTED:
        path = deploy / name
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def main() -> None:
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("HEM_SECRETS")
    folder = Path(given).resolve() if given else DEFAULT
    try:
        made = make(folder)
        open_to_containers(DEFAULT.parent)
    except OSError as error:
        sys.exit(f"The secrets could not be made: {error.filename}: {error.strerror}.")
    kept = len(MAKERS) - len(made)
    print(f"{len(made)} secrets made in {folder}, {kept} were there. Keep a copy of the folder apart from the data.")


if __name__ == "__main__":
    main()
