"""Fixtures that tests of several layers share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from data import sample
from data.store import Store


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
