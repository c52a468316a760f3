"""The store: one database, a group of operations per noun. Records go in and come out; rows stay here."""

from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from data import disk
from data.schema import REVISION
from data.store.assessors import Assessors
from data.store.audit import Audit
from data.store.backup import backup, restore
from data.store.collections import Collections
from data.store.counts import Counts
from data.store.database import Database
from data.store.evaluations import Evaluations
from data.store.excerpts import Excerpts
from data.store.gradings import Gradings
from data.store.history import History
from data.store.jobs import Jobs
from data.store.judgments import Judgments
from data.store.leases import Leases
from data.store.migrate import migrate
from data.store.people import People
from data.store.place import place_of
from data.store.pools import Pools
from data.store.progress import Progress
from data.store.rankings import Rankings
from data.store.standings import Standings
from data.store.versions import Versions


class Store:
    """Safe to use from any thread; other processes open their own on the same database. What a call has stored is on
    disk when it returns. Every operation raises StoreError where the database can't be used."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.collections = Collections(database)
        self.assessors = Assessors(database)
        self.judgments = Judgments(database)
        self.gradings = Gradings(database)
        self.history = History(database)
        self.progress = Progress(database)
        self.rankings = Rankings(database)
        self.versions = Versions(database)
        self.jobs = Jobs(database)
        self.evaluations = Evaluations(database)
        self.pools = Pools(database)
        self.people = People(database)
        self.audit = Audit(database)
        self.leases = Leases(database)
        self.excerpts = Excerpts(database)
        self.standings = Standings(database)
        self.counts = Counts(database)

    @classmethod
    def open(cls, path: Path, url: SecretStr | None = None) -> Self:
        """Open the SQLite file, or with a URL the PostgreSQL database (then copies are laid beside `path`): made or
        migrated where needed, an existing one copied first. Raises StoreError for a database that is damaged, of
        another program, or of a newer WhyRank, DiskError for a home that can't be made, SettingsError for a URL that
        can't be used."""
        place = place_of(path, url)
        with disk.explained():
            path.parent.mkdir(parents=True, exist_ok=True)
        if place.revision() != REVISION:
            migrate(place)
        return cls(Database(place))

    @property
    def name(self) -> str:
        """The database, as people are shown it."""
        return self._database.place.name

    def close(self) -> None:
        """Close all connections; the store can't be used afterwards."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def stamp(self) -> tuple[int, int]:
        """Another one after every judgment and every ranking that is stored: what was worked out from them is still
        right while it is the same. Sequence numbers are never used twice."""
        return self.judgments.newest(), self.rankings.newest()

    def backup(self, to: Path) -> dict[str, int]:
        """Copy the running database to a new SQLite file; returns rows by table, verified. ConflictError if `to`
        exists."""
        return backup(self._database.place, to)

    @classmethod
    def restore(cls, backup: Path, path: Path, url: SecretStr | None = None) -> dict[str, int]:
        """Put a backup in the place of the database; what was there is kept as a file beside `path`. Returns rows by
        table. Refuses (StoreError) a damaged or newer backup, and (ConflictError) a database that is in use."""
        return restore(backup, place_of(path, url))
