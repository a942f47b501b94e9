"""Apache Kafka's jars: resolved once by jgo into one cache for all data folders, checked against our own list before every launch."""

import fcntl
import hashlib
import logging
import os
import shutil
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Place:
    """Where jgo keeps what it resolved (`cache`) and what it fetched (`repository`); `own`: nobody else's, so ours to empty."""

    cache: Path
    repository: Path
    own: bool


def kafka_jars() -> list[Path]:
    """The paths of the jars, every one checked; fetched on the first call ever (about 45 MB), offline after that.

    They lie in HEM_CACHE/hem when that is set, else where jgo keeps its own; what is broken there, as by a
    download that was cut short, is fetched again beside it. Raises StackError when they can't be had,
    or differ from `kafka-jars.sha256`: jgo itself only warns.
    """
    return checked_jars(ENDPOINT, read_manifest(MANIFEST.read_text()))


def checked_jars(endpoint: str, expected: dict[str, str], *, folder: str = "hem") -> list[Path]:
    """The jars of a jgo endpoint, as `kafka_jars` has Kafka's: exactly those of `expected`, by file name and digest.

    What is ours to empty lies in `folder`, which nobody else may be running from.
    """
    faults = []
    for place in places(folder):
        try:
            jars = {path.name: path for path in _resolve(place, endpoint)}
            check(jars, expected)
        except StackError as fault:
            faults.append(fault)
        else:
            return [jars[name] for name in sorted(expected)]
    raise faults[0]


def places(folder: str = "hem") -> list[Place]:
    """Where to look, the first one first."""
    if own := os.environ.get("HEM_CACHE"):
        ours = Path(own) / folder  # the folder may be one that others use too, and ours is emptied at will
        return [Place(ours / "jgo", ours / "maven", own=True)]
    settings = GlobalSettings.load()
    beside = settings.cache_dir / folder
    return [
        Place(settings.cache_dir, settings.repo_cache, own=False),
        Place(beside / "jgo", beside / "maven", own=True),
    ]


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
            f"Nothing was started. Remove {' and '.join(where) or 'the cache'} to fetch them again."
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _resolve(place: Place, endpoint: str) -> list[Path]:
    """What jgo gives for the endpoint; in a place of our own, anything unfinished is thrown away first."""
    logging.getLogger("jgo").setLevel(logging.ERROR)
    place.cache.mkdir(parents=True, exist_ok=True)
    with (place.cache / "hem.lock").open("w") as lock:  # two first starts at once would fetch into each other's files
        fcntl.flock(lock, fcntl.LOCK_EX)
        whole = place.cache / "hem.whole"
        if place.own and not whole.exists():
            shutil.rmtree(place.cache / "envs", ignore_errors=True)
            shutil.rmtree(place.repository, ignore_errors=True)
        jars = _build(place, endpoint)
        whole.touch()
    return jars


def _build(place: Place, endpoint: str) -> list[Path]:
    context = MavenContext(repo_cache=place.repository, remote_repos={"central": MAVEN_CENTRAL_URL})
    builder = EnvironmentBuilder(context=context, cache_dir=place.cache, link_strategy=LinkStrategy.AUTO)
    # jgo opens a TLS context of its own for each of 254 requests; one session makes the first run 8 s instead of 20.
    setattr(jgo_http, "requests", requests.Session())  # noqa: B010
    try:
        return list(builder.from_endpoint(endpoint).all_jars)
    except Exception as error:
        raise StackError(
            f"Apache Kafka could not be fetched ({type(error).__name__}: {error}). "
            "The first start needs the network; later ones don't."
        ) from error
    finally:
        setattr(jgo_http, "requests", requests)  # noqa: B010
