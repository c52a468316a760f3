"""Fixtures that tests of several layers share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from data import sample
from data.errors import ModelError
from data.settings import Settings
from data.store import Store
from engine import models
from tests import disks, postgres, tiny
from tests.vllm_server import RunningVllm, tiny_vllm

# A test's home is its own; these would take it to a team's database, and its jobs to a team's cluster.
for name in ("WHYRANK_DATABASE_URL", "WHYRANK_RAY_ADDRESS"):
    os.environ.pop(name, None)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[disks.SmallDisk]:
    """A disk of 4 MiB that a test can fill, or make read-only."""
    with disks.small(tmp_path / "disk") as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store on a file."""
    with Store.open(tmp_path / "home" / "whyrank.db") as opened:
        yield opened


@pytest.fixture
def sample_store(store: Store) -> Store:
    """A store with the sample collection."""
    sample.install(store)
    return store


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """A PostgreSQL server, once for all tests."""
    if why := postgres.missing():
        pytest.skip(why)
    with postgres.serving() as started:
        yield started


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny random model."""
    return tiny.build(tmp_path_factory.mktemp("tiny-model"))


@pytest.fixture(scope="session")
def model_path() -> Path:
    """Folder of the real model in WHYRANK_HOME."""
    settings = Settings()
    if settings.lm_url:
        pytest.skip(f"the model is served by {settings.lm_url}, not in this process")
    try:
        return models.local(settings.model, settings.models_path)
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVllm]:
    """A real vLLM with the tiny model and two adapters; starting it takes a minute."""
    with tiny_vllm(tmp_path_factory.mktemp("vllm")) as server:
        yield server
