"""History: every event of a collection, the newest first, a page at a time."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from data.history import BEGINNING, Line, Wanted
from data.schema import judgments, queries
from data.store.database import Database
from data.store.dialects import unindexed
from data.store.events import BATCH

_TEXTS = ("explanation", "note")
_PLAIN = [name for name in Line.__dataclass_fields__ if name in judgments.c and name not in _TEXTS]


class History:
    """The store's events as a list. No document's text is read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        collection_id: str,
        wanted: Wanted,
        *,
        limit: int,
        offset: int = 0,
        before: int | None = None,
        whole: bool = False,
    ) -> list[Line]:
        """`limit` events, the newest first, from the `offset`-th on; `before`: only those stored before this one;
        `whole`: with all of their explanations and notes."""
        numbers = sa.select(judgments.c.sequence).where(*_conditions(collection_id, wanted))
        if before is not None:
            numbers = numbers.where(judgments.c.sequence < before)
        numbers = numbers.order_by(judgments.c.sequence.desc()).limit(limit).offset(offset)
        # The page's numbers first: what is looked up for a line is then looked up for these lines alone.
        query = _lines(whole=whole).where(judgments.c.sequence.in_(numbers)).order_by(judgments.c.sequence.desc())
        with self._database.read() as connection:
            return [Line(**row) for row in connection.execute(query).mappings()]

    def count(self, collection_id: str, wanted: Wanted) -> int:
        """How many there are."""
        query = sa.select(sa.func.count()).select_from(judgments).where(*_conditions(collection_id, wanted))
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def all(self, collection_id: str, wanted: Wanted, *, whole: bool = False) -> Iterator[Line]:
        """Every event, the newest first, read page by page: no transaction stays open between them."""
        last: int | None = None
        while lines := self.page(collection_id, wanted, limit=BATCH, before=last, whole=whole):
            yield from lines
            last = lines[-1].sequence


def _lines(*, whole: bool) -> sa.Select[Any]:
    earlier, undo = judgments.alias(), judgments.alias()
    before = (
        sa.select(earlier.c.sequence)
        .where(
            earlier.c.collection_id == judgments.c.collection_id,
            earlier.c.query_id == judgments.c.query_id,
            earlier.c.doc_id == judgments.c.doc_id,
            earlier.c.assessor_id == judgments.c.assessor_id,
            earlier.c.sequence < judgments.c.sequence,
        )
        .order_by(earlier.c.sequence.desc())
        .limit(1)
        .scalar_subquery()
    )
    previous = judgments.alias()
    texts = [judgments.c[name] if whole else sa.func.substr(judgments.c[name], 1, BEGINNING) for name in _TEXTS]
    return sa.select(
        *(judgments.c[name] for name in _PLAIN),
        *(text.label(name) for name, text in zip(_TEXTS, texts, strict=True)),
        previous.c.status.label("status_before"),
        previous.c.grade.label("grade_before"),
        sa.exists().where(undo.c.undoes == judgments.c.event_id).label("undone"),
    ).join_from(judgments, previous, previous.c.sequence == before, isouter=True)


def _conditions(collection_id: str, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    conditions = [judgments.c.collection_id == collection_id]
    if wanted.pair is not None:
        conditions += [judgments.c.query_id == wanted.pair[0], judgments.c.doc_id == wanted.pair[1]]
    elif wanted.assessor_id is None:
        # Not by the index of collections: going down the table stops at the page's end, where the index would give all
        # of the collection's events, to be sorted.
        conditions = [unindexed(judgments.c.collection_id) == collection_id]
    if wanted.assessor_id is not None:
        conditions.append(judgments.c.assessor_id == wanted.assessor_id)
    if wanted.statuses:
        conditions.append(judgments.c.status.in_(wanted.statuses))
    for word in wanted.words.split():
        asked = sa.select(queries.c.query_id).where(
            queries.c.collection_id == collection_id, queries.c.text.icontains(word, autoescape=True)
        )
        columns = (judgments.c.query_id, judgments.c.doc_id, judgments.c.explanation, judgments.c.note)
        somewhere = [column.icontains(word, autoescape=True) for column in columns]
        conditions.append(sa.or_(judgments.c.query_id.in_(asked), *somewhere))
    return conditions
