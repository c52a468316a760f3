"""Which queries train and which are held out: decided per query, before anything else, and the same for ever.

A collection that says it (train/dev/test files, `metadata.split`) is followed; elsewhere the hash of the query's id
decides, so that no job, import or new judgment can move a query.
"""

import hashlib
import random
from collections.abc import Iterable, Mapping

from data.records import Query, Split

TRAIN_PERCENT = 50
DEVELOPMENT_PERCENT = 10
"""The other 40 % are held out: with few queries, the comparison needs them more than the training does."""


def split_of(query: Query) -> Split:
    """The imported split, else by the SHA-256 of the query's id."""
    if query.split is not None:
        return query.split
    bucket = int.from_bytes(hashlib.sha256(query.query_id.encode()).digest()[:8], "big") % 100
    if bucket < TRAIN_PERCENT:
        return Split.TRAIN
    return Split.DEVELOPMENT if bucket < TRAIN_PERCENT + DEVELOPMENT_PERCENT else Split.HELDOUT


def heldout_queries(
    queries: Iterable[Query],
    qrels: Mapping[str, Mapping[str, int]],
    *,
    relevant_from: int = 1,
    limit: int | None = None,
    seed: int = 0,
) -> list[Query]:
    """The held-out queries with at least one label of `relevant_from` or better, sorted by id.

    Without a relevant document every order is worth 0, so such a query can tell nothing. `limit` takes a sample
    that only depends on the queries and `seed`.
    """
    fit = sorted(
        (
            query
            for query in queries
            if split_of(query) is Split.HELDOUT
            and any(grade >= relevant_from for grade in qrels.get(query.query_id, {}).values())
        ),
        key=lambda query: query.query_id,
    )
    if limit is None or limit >= len(fit):
        return fit
    return sorted(random.Random(seed).sample(fit, limit), key=lambda query: query.query_id)
