"""What the Compare page does over a set of queries: systems side by side, and where one is better than the other."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.actions.jobs import Watch, watch
from app.actions.people import require
from app.actions.systems import BM25, Kind, Lines, Making, Stocked, System, lines
from data.people import Person, Role
from data.records import Collection, Job, Query, Split, utc_now
from engine import comparison
from engine.comparison import Comparison
from engine.ranking.fusion import DEFAULT_WEIGHT
from engine.workbench import Workbench
from training import jobs
from training import labels as labelling
from training.labels import Labels
from training.ranked import RankConfig, RankedBy
from training.splits import split_of

DOING = "start ranking jobs"


class Over(StrEnum):
    """Which queries are compared."""

    HELDOUT = "held-out"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Systems over a set of queries. The first one is held against the second."""

    systems: tuple[System, ...]
    queries: Mapping[str, Query]
    """Those of the set that every system has, in `query_id` order."""
    comparison: Comparison | None
    """None where there is no query that all of them have."""
    labels: Labels
    missing: Mapping[str, tuple[str, ...]]
    """system_id -> queries that another of these systems has and it does not."""
    makings: Mapping[str, Counter[Making]]
    """system_id -> how its rankings were made, and of how many queries."""
    warnings: tuple[str, ...]

    @property
    def to_rank(self) -> tuple[System, ...]:
        """The systems whose missing rankings a job could make."""
        return tuple(s for s in self.systems if s.kind is Kind.RANKED and self.missing.get(s.system_id))


def opening(stocked: Stocked, wanted: Sequence[str | None] = ()) -> tuple[System, System] | None:
    """The two systems to begin with: those wanted (system ids), else the newest challenger or the champion, against
    the champion or BM25; None where there are not two."""
    by_id = {system.system_id: system for system in stocked.systems}
    asked = [by_id[system_id] for system_id in wanted if system_id in by_id]
    by_role = {role: next((s for s in stocked.systems if s.role == role), None) for role in ("challenger", "champion")}
    order = [*asked, by_role["challenger"], by_role["champion"], by_id.get(BM25), *stocked.systems]
    found = list(dict.fromkeys(system for system in order if system is not None))
    return (found[0], found[1]) if len(found) > 1 else None


def overview(
    workbench: Workbench,
    collection: Collection,
    systems: Sequence[System],
    over: Over,
    making: Making | None = None,
) -> Overview:
    """Compare systems on the queries that all of them have. Only reads: orders without texts, and labels."""
    store = workbench.store
    queries = {
        query.query_id: query
        for query in store.collections.queries(collection.collection_id)
        if over is Over.ALL or split_of(query) is Split.HELDOUT
    }
    found = lines(workbench, collection, systems, queries, making)
    somewhere = sorted({query_id for made in found.values() for query_id in made})
    common = {q: queries[q] for q in somewhere if all(q in made for made in found.values())}
    labels = labelling.stored(store, collection, list(common.values()))
    makings = _makings(found)
    return Overview(
        systems=tuple(systems),
        queries=common,
        comparison=_compared(found, systems, common, labels, collection) if common else None,
        labels=labels,
        missing={
            system_id: absent
            for system_id, made in found.items()
            if (absent := tuple(query_id for query_id in somewhere if query_id not in made))
        },
        makings=makings,
        warnings=_warnings(systems, over, makings, found, labels),
    )


def _compared(
    found: Lines, systems: Sequence[System], queries: Mapping[str, Query], labels: Labels, collection: Collection
) -> Comparison:
    runs = {system_id: {query_id: made[query_id].doc_ids for query_id in queries} for system_id, made in found.items()}
    first, second = systems[0].system_id, systems[1].system_id
    return comparison.compare(runs, labels.qrels, collection.scale, system=first, against=second)


def _makings(found: Lines) -> dict[str, Counter[Making]]:
    return {
        system_id: Counter(line.making for line in made.values() if line.making is not None)
        for system_id, made in found.items()
    }


def _warnings(
    systems: Sequence[System],
    over: Over,
    makings: Mapping[str, Counter[Making]],
    found: Lines,
    labels: Labels,
) -> tuple[str, ...]:
    """What a reader of the figures must know."""
    said = []
    if over is Over.ALL:
        said.append("Some of these queries may have trained a version: only held-out queries tell which one is better.")
    if len({making for made in makings.values() for making in made}) > 1:
        said.append(
            "The rankings were made in different ways (see below); choose one way to compare under equal conditions."
        )
    edited = [
        system.name
        for system in systems
        if len({line.prompt_sha256 for line in found[system.system_id].values() if line.prompt_sha256}) > 1
    ]
    if edited:
        said.append(f"{' and '.join(edited)}: rankings of several prompts, as the guidelines were edited.")
    graded = [system.name for system in systems if system.kind is Kind.GRADES] if labels.qrels else []
    if graded:
        said.append(
            f"{' and '.join(graded)}: where these are the labels it is measured with, it is the best there can be."
        )
    if labels.conflicts:
        said.append(f"{labels.conflicts} pairs on which people disagree are no labels until they are settled.")
    return tuple(said)


def measure_rows(found: Overview) -> list[dict[str, Any]]:
    """A line per measure and system, with its paired difference to the second system."""
    if found.comparison is None:
        return []
    rows = []
    for name, means in found.comparison.measures.items():
        for system in found.systems:
            mean = means[system.system_id]
            difference = mean.difference
            queries = found.comparison.labelled
            rows.append(
                {
                    "Measure": name,
                    "System": system.title,
                    "Mean": mean.value,
                    "95 % interval": f"{mean.low:.4f} to {mean.high:.4f}",
                    "Difference": difference.mean if difference else None,
                    "its interval": f"{difference.low:+.4f} to {difference.high:+.4f}" if difference else "-",
                    "p": difference.p_value if difference else None,
                    "Wins": difference.wins if difference else None,
                    "Ties": queries - difference.wins - difference.losses if difference else None,
                    "Losses": difference.losses if difference else None,
                }
            )
    return rows


def query_rows(found: Overview, name: str) -> list[dict[str, Any]]:
    """A line per query, the largest difference by this measure first; those without labels last."""
    if found.comparison is None:
        return []
    compared = found.comparison
    gains = compared.differences(name)
    ordered = [*gains, *(query_id for query_id in found.queries if query_id not in gains)]
    return [
        {
            "Query": query_id,
            "Text": found.queries[query_id].text,
            **{s.title: compared.per_query.get(name, {}).get(query_id, {}).get(s.system_id) for s in found.systems},
            "Difference": gains.get(query_id),
            "Overlap@10": compared.overlap[query_id],
            "Tau": compared.tau.get(query_id),
        }
        for query_id in ordered
    ]


def rank_missing(workbench: Workbench, collection: Collection, found: Overview, by: Person) -> list[Job]:
    """Write a job for each system that lacks rankings, made as most of its others are."""
    require(by, Role.LEAD, DOING)
    return [jobs.submit_ranking(workbench, collection, _config(found, system), by.name) for system in found.to_rank]


def _config(found: Overview, system: System) -> RankConfig:
    others = found.makings[system.system_id] or sum(found.makings.values(), Counter())
    usual = others.most_common(1)[0][0] if others else Making(depth=10, fusion_weight=DEFAULT_WEIGHT)
    return RankConfig(
        systems=(RankedBy(version_id=system.version_id, method=system.method),),
        query_ids=found.missing[system.system_id],
        depth=usual.depth,
        fusion_weight=usual.fusion_weight,
    )


def newest_job(workbench: Workbench, collection: Collection) -> Watch | None:
    """The ranking job started last, as it is now."""
    found = workbench.store.jobs.list(collection_id=collection.collection_id, kind=jobs.RANK)
    return watch(found[0], utc_now()) if found else None
