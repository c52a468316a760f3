"""Evaluation queues: the top documents of several systems for held-out queries, pooled, shuffled and judged blind, so
that people's labels are as fair to one system as to the other.

Source: pooling, Sparck Jones and van Rijsbergen 1975; as TREC does it.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.actions.opinions import who
from app.actions.people import require
from app.actions.systems import BM25, Kind, Line, Lines, System, lines, ranked_id, stocked
from data.errors import NotFoundError, SettingsError
from data.people import Person, Role
from data.pooling import Pool
from data.records import Alias, AssessorKind, Collection, Job, Query, Split, new_id
from engine.ranking import DEFAULT_METHOD
from engine.workbench import Workbench
from training import jobs
from training import labels as labelling
from training.ranked import RankConfig, RankedBy
from training.splits import split_of

DEPTH = 10
DOING = "make an evaluation queue"
NAME_LETTERS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a queue can be made from."""

    systems: tuple[System, ...]
    """First stages and ranked systems; champion and challenger also where they ranked nothing yet."""
    opening: tuple[str, ...]
    """system_ids of BM25, champion and challenger."""
    queries: int
    """Held-out queries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A queue to be made."""

    name: str
    system_ids: tuple[str, ...]
    queries: int
    """Held-out queries at most; a seeded sample where there are more."""
    depth: int = DEPTH
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """What a queue would be made of."""

    systems: tuple[System, ...]
    queries: Mapping[str, Query]
    lines: Lines
    missing: Mapping[str, tuple[str, ...]]
    """system_id -> queries it has not ranked so deep."""
    depth: int

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every pair once, by query and document: which system found it can't be told from the order."""
        found = {
            (query_id, doc_id)
            for made in self.lines.values()
            for query_id, line in made.items()
            for doc_id in line.doc_ids[: self.depth]
        }
        return sorted(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a queue is judged, and what that brought."""

    pool: Pool
    decided: int
    """Pairs that somebody has judged."""
    people: tuple[tuple[str, int], ...]
    """(name, pairs judged), the busiest first."""
    judged: tuple[tuple[str, float, float], ...]
    """(system, Judged@10 when the queue was made, Judged@10 now); systems that are still there."""


def offer(workbench: Workbench, collection: Collection) -> Offer:
    """What the form of a new queue offers."""
    found = [system for system in stocked(workbench, collection).systems if system.kind is not Kind.GRADES]
    champion = workbench.champion(collection)
    challenger = workbench.store.versions.alias(collection.collection_id, Alias.CHALLENGER)
    for version, role in ((challenger, "challenger"), (champion, "champion")):
        if version is not None and not any(s.version_id == version.version_id for s in found):
            found.insert(
                0,
                System(
                    system_id=ranked_id(version.version_id, DEFAULT_METHOD),
                    kind=Kind.RANKED,
                    name=f"{version.name} by {DEFAULT_METHOD}",
                    role=role,
                    version_id=version.version_id,
                    method=DEFAULT_METHOD,
                    queries=0,
                ),
            )
    if not any(system.system_id == BM25 for system in found):
        found.append(System(system_id=BM25, kind=Kind.FIRST_STAGE, name="BM25", queries=0))
    opening = [s.system_id for s in found if s.system_id == "bm25"]
    for role in ("champion", "challenger"):
        opening += [s.system_id for s in found if s.role == role][:1]
    held = _heldout(workbench, collection)
    return Offer(systems=tuple(found), opening=tuple(opening), queries=len(held))


def lay(workbench: Workbench, collection: Collection, wanted: Wanted) -> Laid:
    """What the queue would be made of as rankings are now. Raises SettingsError, NotFoundError for what is wrong."""
    by_id = {system.system_id: system for system in offer(workbench, collection).systems}
    unknown = [system_id for system_id in wanted.system_ids if system_id not in by_id]
    if unknown:
        raise NotFoundError(f"There is no system {unknown[0]!r} here.", mend=f"Choose from: {', '.join(by_id)}.")
    systems = [by_id[system_id] for system_id in dict.fromkeys(wanted.system_ids)]
    if not any(system.kind is Kind.RANKED for system in systems):
        raise SettingsError(
            "The queue has no version in it, and BM25's order is read from a version's rankings.",
            mend="Choose a version too.",
        )
    if wanted.depth < 1 or wanted.queries < 1:
        raise SettingsError("Depth and number of queries are at least 1.", mend="Give larger numbers.")
    queries = _sample(_heldout(workbench, collection), wanted.queries, wanted.seed)
    if not queries:
        raise NotFoundError(
            f"{collection.name} has no held-out query.", mend="Import queries; a share of them is held out."
        )
    found = lines(workbench, collection, systems, queries)
    deep = {
        system_id: {query_id: line for query_id, line in made.items() if _deep_enough(line, wanted.depth)}
        for system_id, made in found.items()
    }
    return Laid(
        systems=tuple(systems),
        queries=queries,
        lines=deep,
        missing={
            system_id: absent
            for system_id, made in deep.items()
            if (absent := tuple(query_id for query_id in queries if query_id not in made))
        },
        depth=wanted.depth,
    )


def make(workbench: Workbench, collection: Collection, wanted: Wanted, by: Person) -> Pool:
    """Make the queue. Raises NotFoundError where rankings are missing: `rank_missing` makes them; ConflictError where
    the name is taken."""
    require(by, Role.LEAD, DOING)
    name = " ".join(wanted.name.split())
    if not name or len(name) > NAME_LETTERS:
        raise SettingsError(f"The queue needs a name of 1 to {NAME_LETTERS} letters.", mend="Type one.")
    laid = lay(workbench, collection, wanted)
    if laid.missing:
        absent = {query_id for queries in laid.missing.values() for query_id in queries}
        raise NotFoundError(
            f"{len(absent)} of {len(laid.queries)} held-out queries are not ranked by all of these systems to a depth "
            f"of {wanted.depth}.",
            mend="Let a job rank them (the button of the form, or `whyrank pool make --rank`), then make the queue.",
        )
    pairs = laid.pairs
    random.Random(wanted.seed).shuffle(pairs)
    pool = Pool(
        pool_id=new_id(),
        collection_id=collection.collection_id,
        name=name,
        depth=wanted.depth,
        systems=tuple(system.name for system in laid.systems),
        pairs=tuple(pairs),
        created_by=by.name,
    )
    workbench.store.pools.add(pool)
    return pool


def rank_missing(workbench: Workbench, collection: Collection, wanted: Wanted, by: Person) -> Job | None:
    """Write the job that makes the missing rankings; None where nothing is missing."""
    require(by, Role.LEAD, DOING)
    laid = lay(workbench, collection, wanted)
    if not laid.missing:
        return None
    lacking = {s.system_id: s for s in laid.systems if s.system_id in laid.missing and s.kind is Kind.RANKED}
    absent = sorted({query_id for queries in laid.missing.values() for query_id in queries})
    ranked = list(lacking.values()) or [next(s for s in laid.systems if s.kind is Kind.RANKED)]
    config = RankConfig(
        systems=tuple(RankedBy(version_id=s.version_id, method=s.method) for s in ranked),
        query_ids=tuple(absent),
        depth=wanted.depth,
    )
    return jobs.submit_ranking(workbench, collection, config, by.name)


def progress(workbench: Workbench, collection: Collection, pool: Pool) -> Progress:
    """How far people are with a queue, and Judged@10 before and after it."""
    store = workbench.store
    decided = store.pools.decided(pool)
    names = {a.assessor_id: who(a) for a in store.assessors.list(AssessorKind.HUMAN)}
    people = sorted(((names[key], len(pairs)) for key, pairs in decided.items()), key=lambda p: (-p[1], p[0]))
    return Progress(
        pool=pool,
        decided=len(set().union(*decided.values())),
        people=tuple(people),
        judged=_judged(workbench, collection, pool),
    )


def _judged(workbench: Workbench, collection: Collection, pool: Pool) -> tuple[tuple[str, float, float], ...]:
    store = workbench.store
    query_ids = {query_id for query_id, _ in pool.pairs}
    queries = {q.query_id: q for q in store.collections.queries(collection.collection_id) if q.query_id in query_ids}
    systems = [s for s in stocked(workbench, collection).systems if s.name in pool.systems]
    qrels = labelling.stored(store, collection, list(queries.values())).qrels
    now = {(query_id, doc_id) for query_id, graded in qrels.items() for doc_id in graded}
    since = {pair for pair, at in store.pools.first_graded(pool).items() if at >= pool.created_at}
    found = lines(workbench, collection, systems, queries)
    order = {name: place for place, name in enumerate(pool.systems)}
    return tuple(
        (system.title, _share(found[system.system_id], now - since), _share(found[system.system_id], now))
        for system in sorted(systems, key=lambda s: order[s.name])
        if found[system.system_id]
    )


def _share(made: Mapping[str, Line], labelled: set[tuple[str, str]]) -> float:
    """Judged@10: mean over queries of the labelled share of the first ten."""
    shares = [
        sum((query_id, doc_id) in labelled for doc_id in line.doc_ids[:10]) / min(10, len(line.spots))
        for query_id, line in made.items()
        if line.spots
    ]
    return sum(shares) / len(shares) if shares else 0.0


def _heldout(workbench: Workbench, collection: Collection) -> list[Query]:
    queries = workbench.store.collections.queries(collection.collection_id)
    return [query for query in queries if split_of(query) is Split.HELDOUT]


def _sample(queries: Sequence[Query], limit: int, seed: int) -> dict[str, Query]:
    chosen: Iterable[Query] = queries
    if limit < len(queries):
        chosen = random.Random(seed).sample(list(queries), limit)
    return {query.query_id: query for query in sorted(chosen, key=lambda query: query.query_id)}


def _deep_enough(line: Line, depth: int) -> bool:
    """Runs that were given have no depth of their own."""
    return line.making is None or line.making.depth >= depth
