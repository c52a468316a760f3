"""Systems that can be held against each other: versions by a method, BM25, and assessors' grades as an order.

Everything is read from what is stored: no model works here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.actions.agreement import graders
from data.errors import NotFoundError
from data.formats.trec import read_run
from data.orders import Order
from data.records import Alias, AssessorKind, Collection, Query
from data.runs import Runs
from engine.agreement import grades
from engine.pipeline import GIVEN_RUN
from engine.workbench import Workbench

BM25, GIVEN_STAGE = "bm25", "given-run"
"""Ids of the first stages."""


class Kind(StrEnum):
    """Where a system's order comes from."""

    RANKED = "ranked"
    """Stored rankings of a version by a method."""
    FIRST_STAGE = "first stage"
    """The first stage of stored rankings: BM25, or a TREC run that was given."""
    RUN = "run"
    """A TREC run that was given for the collection."""
    GRADES = "grades"
    """What assessors graded, best grade first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One that can be compared."""

    system_id: str
    kind: Kind
    name: str
    """Not to be rendered as Markdown."""
    role: str = ""
    """`champion` or `challenger`."""
    version_id: str = ""
    method: str = ""
    assessor_ids: tuple[str, ...] = ()
    queries: int | None = None
    """With stored rankings; None for grades."""

    @property
    def title(self) -> str:
        """The name with the role."""
        return f"{self.name} ({self.role})" if self.role else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What rankings of one system may differ in."""

    depth: int
    fusion_weight: float

    @property
    def words(self) -> str:
        """As a choice and in warnings."""
        return f"{self.depth} documents, BM25 weight {self.fusion_weight:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A document's place in a system's order."""

    doc_id: str
    rank: int
    grade: int | None = None
    expected: float | None = None
    """The model's expected grade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A system's order of one query's documents."""

    spots: tuple[Spot, ...]
    """Best first; documents that the query excludes are dropped."""
    ranking_id: str | None = None
    making: Making | None = None
    prompt_sha256: str = ""

    @property
    def doc_ids(self) -> list[str]:
        """Best first."""
        return [spot.doc_id for spot in self.spots]


Lines = Mapping[str, Mapping[str, Line]]
"""system_id -> query_id -> line"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stocked:
    """What a collection has to compare."""

    systems: tuple[System, ...]
    """Challenger and champion first, then what ranked most queries, then first stages and grades."""
    makings: tuple[Making, ...]
    """Ways the rankings were made, the most used first."""

    def system(self, system_id: str) -> System:
        """The system of that id; raises NotFoundError."""
        for system in self.systems:
            if system.system_id == system_id:
                return system
        raise NotFoundError(f"There is no system {system_id!r} here.", mend="Choose one from the list.")


def ranked_id(version_id: str, method: str) -> str:
    """Id of the system that a version by a method is; it stands in addresses too."""
    return f"ranked:{version_id}:{method}"


def stocked(workbench: Workbench, collection: Collection) -> Stocked:
    """The systems of a collection."""
    store, collection_id = workbench.store, collection.collection_id
    stock = store.rankings.stock(collection_id)
    names = {version.version_id: version.name for version in store.versions.list()}
    roles = _roles(workbench, collection)
    ranked: dict[tuple[str, str], int] = {}
    for made in stock:
        key = (made.version_id, made.method)
        ranked[key] = max(made.queries, ranked.get(key, 0))
    systems = [
        System(
            system_id=ranked_id(version_id, method),
            kind=Kind.RANKED,
            name=f"{names[version_id]} by {method}",
            role=roles.get(version_id, ""),
            version_id=version_id,
            method=method,
            queries=queries,
        )
        for (version_id, method), queries in ranked.items()
    ]
    systems.sort(key=lambda system: (not system.role, system.role, -(system.queries or 0), system.name))
    for given, system_id, name in ((False, BM25, "BM25"), (True, GIVEN_STAGE, "First stage of given runs")):
        queries = [made.queries for made in stock if (made.retriever == GIVEN_RUN) is given]
        if queries:
            systems.append(System(system_id=system_id, kind=Kind.FIRST_STAGE, name=name, queries=max(queries)))
    systems += [
        System(system_id=f"run:{run.name}", kind=Kind.RUN, name=f"Run {run.name}", queries=run.queries)
        for run in Runs(workbench.settings.runs_path).list(collection_id)
    ]
    systems += [
        System(
            system_id=f"grades:{side.side_id}",
            kind=Kind.GRADES,
            name=f"{side.name}, graded best first",
            assessor_ids=side.assessor_ids,
        )
        for side in graders(workbench, collection)
        if side.kind is not AssessorKind.STUDENT
    ]
    makings = dict.fromkeys(Making(depth=made.depth, fusion_weight=made.fusion_weight) for made in stock)
    return Stocked(systems=tuple(systems), makings=tuple(makings))


def _roles(workbench: Workbench, collection: Collection) -> dict[str, str]:
    champion = workbench.champion(collection)
    challenger = workbench.store.versions.alias(collection.collection_id, Alias.CHALLENGER)
    roles = {challenger.version_id: "challenger"} if challenger else {}
    return {**roles, champion.version_id: "champion"}


def lines(
    workbench: Workbench,
    collection: Collection,
    systems: Sequence[System],
    queries: Mapping[str, Query],
    making: Making | None = None,
) -> Lines:
    """Each system's order of each of these queries, where it has one; `making` None: each query's newest ranking.

    A first stage is that of the first ranked system's own rankings, so that both have the same documents; without a
    ranked system, of each query's newest ranking.
    """
    ranked = [system for system in systems if system.kind is Kind.RANKED]
    orders = {s.system_id: _orders(workbench, collection, queries, making, s) for s in ranked}
    if ranked and len(ranked) < len(systems):
        newest = orders[ranked[0].system_id]
    else:
        newest = _orders(workbench, collection, queries, making) if len(ranked) < len(systems) else []
    found: dict[str, dict[str, Line]] = {}
    for system in systems:
        if system.kind is Kind.RANKED:
            made = {order.query_id: _ranked(order, queries[order.query_id]) for order in orders[system.system_id]}
        elif system.kind is Kind.FIRST_STAGE:
            fit = [order for order in newest if (order.retriever == GIVEN_RUN) is (system.system_id == GIVEN_STAGE)]
            made = {order.query_id: _first_stage(order, queries[order.query_id]) for order in fit}
        elif system.kind is Kind.RUN:
            made = _given(workbench, collection, system, queries)
        else:
            made = _graded(workbench, collection, system, queries, newest)
        found[system.system_id] = made
    return found


def _orders(
    workbench: Workbench,
    collection: Collection,
    queries: Mapping[str, Query],
    making: Making | None,
    system: System | None = None,
) -> list[Order]:
    return workbench.store.rankings.orders(
        collection.collection_id,
        version_id=system.version_id if system else None,
        method=system.method if system else None,
        depth=making.depth if making else None,
        fusion_weight=making.fusion_weight if making else None,
        query_ids=list(queries),
    )


def _ranked(order: Order, query: Query) -> Line:
    spots = [(place.doc_id, place.grade, place.raw_score) for place in order.places]
    return _line(spots, query, order)


def _first_stage(order: Order, query: Query) -> Line:
    places = sorted(order.places, key=lambda place: place.first_stage_rank)
    return _line([(place.doc_id, None, None) for place in places], query, order)


def _given(
    workbench: Workbench, collection: Collection, system: System, queries: Mapping[str, Query]
) -> dict[str, Line]:
    run = Runs(workbench.settings.runs_path).get(collection, system.system_id.removeprefix("run:"))
    made = read_run(run.path)
    return {
        query_id: _line([(document.doc_id, None, None) for document in made[query_id]], query)
        for query_id, query in queries.items()
        if query_id in made
    }


def _graded(
    workbench: Workbench, collection: Collection, system: System, queries: Mapping[str, Query], orders: Iterable[Order]
) -> dict[str, Line]:
    """Best grade first; equal grades in BM25's order where it is known, then by id. Pairs on which several assessors
    disagree are left out."""
    said = workbench.store.gradings.current(
        collection.collection_id, assessor_ids=list(system.assessor_ids), query_ids=list(queries)
    )
    places = {o.query_id: {place.doc_id: place.first_stage_rank for place in o.places} for o in orders}
    given: dict[str, list[tuple[str, int]]] = {}
    for (query_id, doc_id), grade in grades(said).items():
        given.setdefault(query_id, []).append((doc_id, grade))
    found = {}
    for query_id, documents in given.items():
        known = places.get(query_id, {})
        documents.sort(key=lambda pair: (-pair[1], known.get(pair[0], len(known) + 1), pair[0]))
        found[query_id] = _line([(doc_id, grade, None) for doc_id, grade in documents], queries[query_id])
    return found


def _line(spots: Iterable[tuple[str, int | None, float | None]], query: Query, order: Order | None = None) -> Line:
    kept = [spot for spot in spots if spot[0] not in query.excluded_ids]
    return Line(
        spots=tuple(
            Spot(doc_id=doc_id, rank=rank, grade=grade, expected=expected)
            for rank, (doc_id, grade, expected) in enumerate(kept, start=1)
        ),
        ranking_id=order.ranking_id if order else None,
        making=Making(depth=order.depth, fusion_weight=order.fusion_weight) if order else None,
        prompt_sha256=order.prompt_sha256 if order else "",
    )
