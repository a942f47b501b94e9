"""Apache Kafka's jars: resolved once by jgo into one cache for all data folders, checked against our own list before every launch."""

import fcntl
import hashlib
import logging
import os
from importlib.resources import files
from pathlib import Path

import requests
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.env import EnvironmentBuilder, LinkStrategy
from jgo.maven import MavenContext
from jgo.util import http as jgo_http

from hem.stack.errors import StackError

# slf4j-simple: without a binding the broker's errors go nowhere, and a taken port is an exit with an empty log.
ENDPOINT = "org.apache.kafka:kafka_2.13:4.1.1+org.slf4j:slf4j-simple:1.7.36"
MANIFEST = files("hem.stack") / "kafka-jars.sha256"


def kafka_jars() -> list[Path]:
    """The paths of the jars, every one checked; fetched on the first call ever (about 45 MB), offline after that.

    They lie in HEM_CACHE when that is set, else where jgo keeps its own. Raises StackError when they
    can't be fetched, or differ from `kafka-jars.sha256`: jgo itself only warns.
    """
    expected = read_manifest(MANIFEST.read_text())
    jars = {path.name: path for path in _resolve()}
    check(jars, expected)
    return [jars[name] for name in sorted(expected)]


def read_manifest(text: str) -> dict[str, str]:
    """`sha256sum` lines to file name → digest."""
    return {name: digest for digest, name in (line.split() for line in text.splitlines() if line.strip())}


def check(jars: dict[str, Path], expected: dict[str, str]) -> None:
    """Raise StackError unless `jars` are exactly the files of `expected`, byte for byte."""
    wrong = sorted(expected.keys() ^ jars.keys())
    wrong += [name for name in sorted(expected.keys() & jars.keys()) if _digest(jars[name]) != expected[name]]
    if wrong:
        where = sorted({str(path.parent) for path in jars.values()})
        raise StackError(
            f"Kafka's files are not the ones this version of Hem was made with: {', '.join(wrong)}. "
            f"Nothing was started. Remove {' and '.join(where) or 'the cache'} (and the same files in the Maven cache) to fetch them again."
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _resolve() -> list[Path]:
    logging.getLogger("jgo").setLevel(logging.ERROR)
    settings = GlobalSettings.load()
    own = os.environ.get("HEM_CACHE")
    cache = Path(own) / "jgo" if own else settings.cache_dir
    repository = Path(own) / "maven" if own else settings.repo_cache
    context = MavenContext(repo_cache=repository, remote_repos={"central": MAVEN_CENTRAL_URL})
    builder = EnvironmentBuilder(context=context, cache_dir=cache, link_strategy=LinkStrategy.AUTO)
    # jgo opens a TLS context of its own for each of 254 requests; one session makes the first run 8 s instead of 20.
    setattr(jgo_http, "requests", requests.Session())  # noqa: B010
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with (cache / "hem.lock").open("w") as lock:  # two first starts at once would fetch into each other's files
            fcntl.flock(lock, fcntl.LOCK_EX)
            environment = builder.from_endpoint(ENDPOINT)
    except Exception as error:
        raise StackError(
            f"Apache Kafka could not be fetched ({type(error).__name__}: {error}). The first start needs the network; later ones don't."
        ) from error
    finally:
        setattr(jgo_http, "requests", requests)  # noqa: B010
    return list(environment.all_jars)
