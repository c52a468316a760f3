"""The database as transactions: any number of readers, one writer at a time, whatever kind it is of."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection, Engine

from data.store.place import Place, explained

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Database:
    """Read and write transactions."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._engine = place.engine()
        self._process = os.getpid()
        self._reading = place.reading(self._engine)
        self._writing = place.writing(self._engine)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database."""
        with explained(self.place), self._of_this_process(self._reading).begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its first statement: writers wait for each other. When it ends
        without an error, it is on disk."""
        with explained(self.place), ExitStack() as transaction:
            with self.place.turn():
                connection = transaction.enter_context(self._of_this_process(self._writing).begin())
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _of_this_process(self, engine: Engine) -> Engine:
        """Connections that came along in a fork must not be used: their locks belong to the parent."""
        if self._process != os.getpid():
            self._engine.dispose(close=False)
            self._process = os.getpid()
        return engine


def flat(record: "DataclassInstance") -> dict[str, Any]:
    """A record's fields as a row; the column types turn the values into what the database keeps."""
    return {field.name: getattr(record, field.name) for field in fields(record)}
