"""A small filled store, for tests of the data layer: each of them runs on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from data.records import Assessor, AssessorKind, Collection, Document, Judgment, Query, Ranking, new_id
from data.scales import DEFAULT_SCALE
from data.store import Store
from data.store.place import Place, place_of
from tests import postgres

KINDS = ("sqlite", "postgresql")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of what only one kind has are marked with it; the others run on both."""
    if "kind" in metafunc.fixturenames:
        own = [kind for kind in KINDS if metafunc.definition.get_closest_marker(kind)]
        metafunc.parametrize("kind", own or KINDS, scope="session")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A database of one kind, and the folder its copies are laid in."""

    path: Path
    url: SecretStr | None = None

    def open(self) -> Store:
        """Its store."""
        return Store.open(self.path, self.url)

    @property
    def place(self) -> Place:
        """Where it is."""
        return place_of(self.path, self.url)

    @property
    def arguments(self) -> tuple[str, str]:
        """Path and URL for a script, which opens it with `Store.open(Path(path), SecretStr(url))`."""
        return str(self.path), "" if self.url is None else self.url.get_secret_value()

    @contextmanager
    def past_the_store(self) -> Iterator[sa.Connection]:
        """A transaction of somebody else's program, with foreign keys as the store has them."""
        engine = sa.create_engine(
            f"sqlite:///{self.path}" if self.url is None else postgres.plain(self.url), poolclass=sa.NullPool
        )
        with engine.connect() as connection:
            if self.url is None:
                connection.exec_driver_sql("PRAGMA foreign_keys = ON")
                connection.exec_driver_sql("PRAGMA recursive_triggers = ON")
            with connection.begin() if not connection.in_transaction() else connection.get_transaction():
                yield connection


@pytest.fixture(scope="session")
def template(server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of an empty database with the tables in it; a copy of one takes less time than the migrations."""
    name = server.create()
    Store.open(tmp_path_factory.mktemp("template") / "whyrank.db", server.url(name)).close()
    return name


@pytest.fixture
def new_base(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Base]]:
    """Makes databases: with the tables in it, or (`bare`) without."""
    with ExitStack() as made:
        count = 0

        def new(*, bare: bool = False) -> Base:
            nonlocal count
            path = tmp_path / ("home" if not count else f"home-{count}") / "whyrank.db"
            count += 1
            if kind == "sqlite":
                return Base(path=path)
            started = request.getfixturevalue("server")
            name = started.create() if bare else started.create(request.getfixturevalue("template"))
            made.callback(started.drop, name)
            return Base(path=path, url=started.url(name))

        yield new


@pytest.fixture
def base(new_base: Callable[..., Base]) -> Base:
    """A database."""
    return new_base()


@pytest.fixture
def store(base: Base) -> Iterator[Store]:
    """An empty store."""
    with base.open() as opened:
        yield opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A collection of five documents and three queries, with two people and a teacher."""

    store: Store
    collection: Collection
    ann: Assessor
    ben: Assessor
    teacher: Assessor

    def judgment(self, query_id: str = "q1", doc_id: str = "d1", **values: Any) -> Judgment:
        """An event of Ann's with grade 1, but for what is given."""
        given = {"event_id": new_id(), "collection_id": self.collection.collection_id, "grade": 1}
        given |= {"query_id": query_id, "doc_id": doc_id, "assessor_id": self.ann.assessor_id}
        return Judgment(**(given | values))

    def current(self, **filters: Any) -> list[Judgment]:
        """The current view."""
        return self.store.judgments.current(self.collection.collection_id, **filters)

    def ranking(self, **values: Any) -> Ranking:
        """A ranking without documents, but for what is given."""
        given = {"ranking_id": new_id(), "collection_id": self.collection.collection_id, "query_id": "q1"}
        given |= {"query_text": "why one", "method": "pointwise-score", "version_id": "base", "base_model": "b"}
        given |= {"prompt_sha256": "p", "scale_name": "trec-dl", "retriever": "r", "depth": 10, "fusion_weight": 0.2}
        return Ranking(**(given | {"parameters": {}, "seconds": {}, "documents": ()} | values))


@pytest.fixture
def fill() -> Callable[[Store], Filled]:
    """Fills a store."""

    def filled(store: Store) -> Filled:
        collection = store.collections.add(
            name="small",
            scale=DEFAULT_SCALE,
            documents=[Document(doc_id=f"d{i}", text=f"Text of {i}.", title=f"Title {i}") for i in range(1, 6)],
            queries=[Query(query_id=f"q{i}", text=f"why {i}") for i in range(1, 4)],
        )
        return Filled(
            store=store,
            collection=collection,
            ann=store.assessors.ensure("Ann", AssessorKind.HUMAN),
            ben=store.assessors.ensure("Ben", AssessorKind.HUMAN),
            teacher=store.assessors.ensure("Teacher", AssessorKind.TEACHER),
        )

    return filled


@pytest.fixture
def filled(store: Store, fill: Callable[[Store], Filled]) -> Filled:
    """A filled store."""
    return fill(store)
