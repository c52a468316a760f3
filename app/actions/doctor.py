"""What WhyRank needs and has on this machine. Looks only: makes, fetches and changes nothing."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from app.actions import entrance, holding, launch
from data.errors import WhyRankError
from data.settings import Settings

OK = "ok"
NOTE = "note"
"""Works, but worth knowing."""
MISSING = "missing"
"""Needed and not there."""

PYTHON = ((3, 11), (3, 14))
"""From the first, below the second."""
NEEDED_BYTES = 1 << 30
COMFORTABLE_BYTES = 4 << 30
"""A first start downloads and converts the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at."""

    name: str
    state: str
    words: str
    """What was found."""
    mend: str | None = None


def examine(settings: Settings) -> Iterator[Check]:
    """Look at everything, one after the other."""
    yield _python()
    yield _torch(settings)
    yield _java(settings)
    yield _model(settings)
    yield from _database(settings)
    yield _worker(settings)
    yield _disk(settings)
    yield _port(settings)
    yield _people(settings)


def _python() -> Check:
    found = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    first, below = PYTHON
    fits = first <= sys.version_info[:2] < below
    mend = None if fits else "Use Python 3.11, 3.12 or 3.13: make PYTHON=/path/to/python3.11"
    return Check(name="Python", state=OK if fits else MISSING, words=f"{found} in {sys.prefix}", mend=mend)


def _torch(settings: Settings) -> Check:
    if find_spec("torch") is None:
        return Check(name="torch", state=MISSING, words="not installed", mend="Install what is pinned: make app")
    import torch

    threads = settings.threads or torch.get_num_threads()
    words = f"{torch.__version__}, {threads} threads on {os.cpu_count()} cores"
    if torch.cuda.is_available():
        return Check(name="torch", state=OK, words=f"{words}, GPU {torch.cuda.get_device_name(0)}")
    if torch.version.cuda is not None:
        return Check(
            name="torch",
            state=NOTE,
            words=f"{words}; built for CUDA {torch.version.cuda}, but there is no GPU",
            mend="Works. For the CPU build, several GB smaller: make clean, then set PIP_EXTRA_INDEX_URL to PyTorch's "
            "index of CPU wheels and make app.",
        )
    return Check(name="torch", state=OK, words=f"{words}, CPU build")


def _java(settings: Settings) -> Check:
    from engine.retrieval import java

    problem = java.java_problem()
    if problem is None:
        return Check(name="Java and Lucene", state=OK, words=java.java_report())
    if settings.retriever == "lucene":
        return Check(name="Java and Lucene", state=MISSING, words=problem.what, mend=problem.mend)
    return Check(
        name="Java and Lucene", state=NOTE, words=f"{problem.what} bm25s is used in its place.", mend=problem.mend
    )


def _model(settings: Settings) -> Check:
    if settings.lm_url:
        return Check(name="model", state=OK, words=f"{settings.model}, served by {settings.lm_url} (not asked)")
    from engine import models

    try:
        path = models.local(settings.model, settings.models_path)
    except WhyRankError as error:
        return Check(name="model", state=MISSING, words=error.what, mend=error.mend)
    return Check(name="model", state=OK, words=f"{settings.model} in {path}")


def _database(settings: Settings) -> Iterator[Check]:
    from data.schema import REVISION
    from data.store import Store
    from data.store.place import place_of

    try:
        place = place_of(settings.database_path, settings.database_url)
        if not place.exists():
            mend = "It is made by: whyrank app"
            yield Check(name="database", state=NOTE, words=f"{place.name} does not exist yet", mend=mend)
            return
        place.row_counts()
        revision, program = place.revision(), place.program()
        if revision is None or revision < REVISION:
            yield Check(
                name="database",
                state=NOTE,
                words=f"{place.name} ({program}): whole, schema {revision} of an older WhyRank",
                mend=f"The next start brings it to {REVISION}, after a copy.",
            )
            return
        with Store.open(settings.database_path, settings.database_url) as store:
            collections = store.collections.list()
    except WhyRankError as error:
        yield Check(name="database", state=MISSING, words=error.what, mend=error.mend)
        return
    yield Check(name="database", state=OK, words=f"{place.name} ({program}): whole, schema {revision}")
    for collection in collections:
        yield _index(settings.home, collection.name, collection.index_path, collection.index_note)


def _index(home: Path, name: str, index_path: str | None, note: str | None) -> Check:
    from engine.retrieval.index import read_manifest

    called, mend = f"index of {name}", f"whyrank collection rebuild {name}"
    if index_path is None:
        return Check(name=called, state=MISSING, words="not built yet", mend=mend)
    try:
        manifest = read_manifest(home / index_path)
    except WhyRankError as error:
        return Check(name=called, state=MISSING, words=error.what, mend=mend)
    words = f"{manifest.documents} documents, {manifest.library}"
    if note:
        return Check(name=called, state=NOTE, words=f"{words}. {note}", mend=mend)
    return Check(name=called, state=OK, words=words)


def _worker(settings: Settings) -> Check:
    if holding.is_held(holding.worker_lock(settings)):
        return Check(name="worker", state=OK, words="runs")
    return Check(name="worker", state=NOTE, words="does not run", mend="whyrank app starts one; alone: whyrank worker")


def _disk(settings: Settings) -> Check:
    place = _nearest(settings.home)
    free = shutil.disk_usage(place).free
    words = f"{free / (1 << 30):.1f} GiB free in {place}"
    if not os.access(place, os.W_OK):
        return Check(
            name="disk", state=MISSING, words=f"{place} can't be written to", mend="Set WHYRANK_HOME to another folder."
        )
    if free >= COMFORTABLE_BYTES:
        return Check(name="disk", state=OK, words=words)
    state = NOTE if free >= NEEDED_BYTES else MISSING
    return Check(name="disk", state=state, words=words, mend="Free space: a first start needs about 4 GiB.")


def _nearest(path: Path) -> Path:
    """The path, or its nearest parent that exists."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())


def _port(settings: Settings) -> Check:
    name = f"port {settings.port}"
    try:
        launch.check_port(settings.port, settings.address)
    except WhyRankError as error:
        if holding.is_held(holding.app_lock(settings)):
            return Check(name=name, state=OK, words=f"WhyRank serves on {launch.url(settings)}")
        return Check(name=name, state=NOTE, words=error.what, mend=error.mend)
    return Check(name=name, state=OK, words="free")


def _people(settings: Settings) -> Check:
    """Who may come in."""
    name = "who may come in"
    try:
        way = entrance.read(settings)
        entrance.check_address(settings, way)
    except WhyRankError as error:
        return Check(name=name, state=MISSING, words=error.what, mend=error.mend)
    if way.local and not entrance.is_loopback(settings.address):
        return Check(
            name=name,
            state=NOTE,
            words=f"everybody who reaches {settings.address}, without a login, as an admin",
            mend="Configure a login (docs/team.md, Who is who), or listen on 127.0.0.1.",
        )
    if way.local:
        return Check(
            name=name, state=OK, words=f"who is on this machine ({settings.address}), by a name, without a login"
        )
    words = f"who signs in ({', '.join(way.providers)})"
    for wrong, said, mend in (
        (not settings.admins, "nobody is an admin by WHYRANK_ADMINS", "Name one: WHYRANK_ADMINS=you@example.org"),
        (
            entrance.readable_by_others(settings),
            f"other users of this machine can read {settings.secrets}",
            f"chmod 600 {settings.secrets}",
        ),
        (
            not way.encrypted,
            f"logins come back to {way.host} without https",
            "Put https before it, in redirect_uri too.",
        ),
    ):
        if wrong:
            return Check(name=name, state=NOTE, words=f"{words}; {said}", mend=mend)
    return Check(name=name, state=OK, words=words)
