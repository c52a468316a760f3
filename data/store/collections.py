"""Collections: documents, queries, guidelines and scale."""

import builtins
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from data.audit import Action, AuditEntry
from data.errors import ConflictError, NotFoundError, SettingsError
from data.records import Assessor, Collection, Document, Judgment, Query, new_id, utc_now
from data.scales import Rules, Scale
from data.schema import collections, evaluations, guidelines, jobs, judgments, queries, rankings, versions
from data.store.assessors import insert_missing
from data.store.audit import note
from data.store.database import Database
from data.store.documents import documents_by_id, documents_page, insert_documents, stream_documents
from data.store.events import insert_events
from data.store.queries import add_missing, ensure_query, get_query, insert_queries, list_queries


class Collections:
    """The store's collections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(  # noqa: PLR0913 - a collection comes whole, in one transaction
        self,
        *,
        name: str,
        scale: Scale,
        documents: Iterable[Document],
        queries: Iterable[Query] = (),
        judgments: Iterable[Judgment] = (),
        assessors: Iterable[Assessor] = (),
        guidelines: str = "",
        source: str = "",
        on_progress: Callable[[int], None] | None = None,
        collection_id: str | None = None,
        by: str = "",
    ) -> Collection:
        """Store a collection, all of it or (where anything raises) nothing. `judgments` carry `collection_id`;
        `assessors` are their assessors, stored along where new; `by` is who imports it. Raises ConflictError where the
        name is taken."""
        collection_id = collection_id or new_id()
        with self._database.write() as connection:
            connection.execute(
                collections.insert(),
                {
                    "collection_id": collection_id,
                    "name": _free_name(connection, name),
                    "scale": scale,
                    "guideline_version": 1,
                    "document_count": 0,
                    "source": source,
                    "created_at": utc_now(),
                },
            )
            _write_rules(connection, collection_id, 1, guidelines, scale, changed_by="")
            count = insert_documents(connection, collection_id, documents, on_progress)
            _update(connection, collection_id, document_count=count)
            insert_queries(connection, collection_id, queries)
            insert_missing(connection, assessors)
            added = insert_events(connection, judgments, imported=True)
            made = _get(connection, collection_id)
            facts = {"source": source, "documents": count, "queries": made.queries, "judgments": added}
            note(connection, AuditEntry(actor=by, action=Action.COLLECTION_IMPORTED, subject=made.name, details=facts))
            return made

    def list(self) -> builtins.list[Collection]:
        """All collections, by name."""
        with self._database.read() as connection:
            rows = connection.execute(_selected().order_by(collections.c.name))
            return [_collection(row) for row in rows.mappings()]

    def get(self, name_or_id: str) -> Collection:
        """The collection of that name or id; raises NotFoundError with the names there are."""
        with self._database.read() as connection:
            return _get(connection, name_or_id)

    def rename(self, collection_id: str, name: str) -> Collection:
        """Give it another name; raises ConflictError where that is taken."""
        with self._database.write() as connection:
            if _get(connection, collection_id).name != name.strip():
                _update(connection, collection_id, name=_free_name(connection, name))
            return _get(connection, collection_id)

    def set_index(self, collection_id: str, *, path: str, backend: str, note: str | None) -> Collection:
        """Say which index is in use; `path` is relative to WHYRANK_HOME."""
        with self._database.write() as connection:
            _get(connection, collection_id)
            _update(connection, collection_id, index_path=path, index_backend=backend, index_note=note)
            return _get(connection, collection_id)

    def set_rules(
        self, collection_id: str, *, guidelines: str | None = None, scale: Scale | None = None, changed_by: str
    ) -> Collection:
        """Give it new guidelines, a new scale or both, the next version; what is None stays, and what was is kept. The
        same again changes nothing. Raises ConflictError where a stored grade is not on the new scale."""
        with self._database.write() as connection:
            present = _get(connection, collection_id)
            text = present.guidelines if guidelines is None else guidelines
            scale = scale or present.scale
            if (text, scale) != (present.guidelines, present.scale):
                _check_grades(connection, collection_id, scale)
                version = present.guideline_version + 1
                _write_rules(connection, collection_id, version, text, scale, changed_by)
                _update(connection, collection_id, guideline_version=version, scale=scale)
                facts = {"version": version, "scale": scale.name}
                changed = AuditEntry(actor=changed_by, action=Action.RULES_CHANGED, subject=present.name, details=facts)
                note(connection, changed)
            return _get(connection, collection_id)

    def rules(self, collection_id: str) -> builtins.list[Rules]:
        """All it was judged by so far, the first version first."""
        columns = (
            guidelines.c.version,
            guidelines.c.text.label("guidelines"),
            guidelines.c.scale,
            guidelines.c.changed_by,
            guidelines.c.created_at,
        )
        query = sa.select(*columns).where(guidelines.c.collection_id == collection_id).order_by(guidelines.c.version)
        with self._database.read() as connection:
            return [Rules(**row) for row in connection.execute(query).mappings()]

    def highest_grade(self, collection_id: str) -> int | None:
        """The highest grade that was ever given; None where none was. An undo may bring an old one back."""
        query = sa.select(sa.func.max(judgments.c.grade)).where(judgments.c.collection_id == collection_id)
        with self._database.read() as connection:
            highest: int | None = connection.execute(query).scalar_one()
        return highest

    def hanging(self, collection_id: str) -> dict[str, int]:
        """How much a delete takes along."""
        tables = (queries, judgments, rankings, jobs, versions, evaluations)
        with self._database.read() as connection:
            counts = {"documents": _get(connection, collection_id).documents}
            for table in tables:
                query = sa.select(sa.func.count()).select_from(table).where(table.c.collection_id == collection_id)
                counts[table.name] = connection.execute(query).scalar_one()
        return counts

    def delete(self, collection_id: str, *, by: str = "") -> None:
        """Delete it with all that hangs on it. Raises ConflictError where another collection uses its versions."""
        with self._database.write() as connection:
            name = _get(connection, collection_id).name
            note(connection, AuditEntry(actor=by, action=Action.COLLECTION_DELETED, subject=name))
            try:
                connection.execute(collections.delete().where(collections.c.collection_id == collection_id))
            except sa.exc.IntegrityError as error:
                raise ConflictError(
                    f"Collection {name!r} can't be deleted: versions trained on it are used in another collection.",
                    mend="Delete the rankings' collection first, or keep this one.",
                ) from error

    def documents(self, collection_id: str) -> Iterator[Document]:
        """All documents, streamed in `doc_id` order."""
        return stream_documents(self._database, collection_id)

    def documents_by_id(self, collection_id: str, doc_ids: Sequence[str]) -> dict[str, Document]:
        """The documents of these ids; ids that are not there are absent."""
        return documents_by_id(self._database, collection_id, doc_ids)

    def page(self, collection_id: str, *, offset: int, limit: int) -> builtins.list[Document]:
        """`limit` documents from `offset` on, in `doc_id` order."""
        return documents_page(self._database, collection_id, offset, limit)

    def queries(self, collection_id: str) -> builtins.list[Query]:
        """All queries, in `query_id` order."""
        return list_queries(self._database, collection_id)

    def query(self, collection_id: str, query_id: str) -> Query:
        """The query of that id; raises NotFoundError."""
        return get_query(self._database, collection_id, query_id)

    def add_query(self, collection_id: str, text: str) -> Query:
        """The query of that text, white space folded; a new one is stored with an id made from its text."""
        return ensure_query(self._database, collection_id, text)

    def add_queries(self, collection_id: str, given: builtins.list[Query]) -> int:
        """Store the queries whose ids are not there yet, all or none, and return how many these are."""
        return add_missing(self._database, collection_id, given)


def _selected() -> sa.Select[Any]:
    count = sa.select(sa.func.count()).where(queries.c.collection_id == collections.c.collection_id).scalar_subquery()
    return sa.select(collections, guidelines.c.text.label("guidelines"), count.label("queries")).join(
        guidelines,
        (guidelines.c.collection_id == collections.c.collection_id)
        & (guidelines.c.version == collections.c.guideline_version),
    )


def _collection(row: sa.RowMapping) -> Collection:
    fields: dict[str, Any] = dict(row)
    return Collection(documents=fields.pop("document_count"), **fields)


def _get(connection: Connection, name_or_id: str) -> Collection:
    same = (collections.c.collection_id == name_or_id) | (collections.c.name == name_or_id)
    # Where one's name is another's id, the id is meant.
    query = _selected().where(same).order_by((collections.c.collection_id == name_or_id).desc())
    row = connection.execute(query).mappings().first()
    if row is None:
        names = connection.execute(sa.select(collections.c.name).order_by(collections.c.name)).scalars().all()
        raise NotFoundError(
            f"There is no collection {name_or_id!r}.",
            mend=f"Use one of: {', '.join(names)}." if names else "Import one first: whyrank collection import.",
        )
    return _collection(row)


def _free_name(connection: Connection, name: str) -> str:
    name = name.strip()
    if not name:
        raise SettingsError("A collection needs a name.", mend="Give it one.")
    if connection.execute(sa.select(collections.c.name).where(collections.c.name == name)).first() is not None:
        raise ConflictError(f"There is already a collection {name!r}.", mend="Choose another name, or delete that one.")
    return name


def _write_rules(
    connection: Connection, collection_id: str, version: int, text: str, scale: Scale, changed_by: str
) -> None:
    row = {"collection_id": collection_id, "version": version, "text": text, "scale": scale, "changed_by": changed_by}
    connection.execute(guidelines.insert(), {**row, "created_at": utc_now()})


def _check_grades(connection: Connection, collection_id: str, scale: Scale) -> None:
    """A grade that was ever given must stay on the scale: an undo may bring it back."""
    above = (judgments.c.collection_id == collection_id) & (judgments.c.grade > scale.highest)
    lost = connection.execute(sa.select(sa.func.count()).select_from(judgments).where(above)).scalar_one()
    if lost:
        raise ConflictError(
            f"{lost:,} judgments have a grade above {scale.highest}, the new scale's highest.",
            mend="Keep as many grades as there were; their names and definitions can change.",
        )


def _update(connection: Connection, collection_id: str, **values: object) -> None:
    connection.execute(collections.update().where(collections.c.collection_id == collection_id).values(**values))
