"""How well a version ranks: nDCG@10 on four public test collections against BM25, with a paired test, with and without
fusion. Not part of `make bench`: it takes about a second per document and asks for test collections.

    python -m benchmarks.quality DATASETS [--version NAME] [--sets noveleval-2306,trec-dl19]

Rankings are kept in WHYRANK_HOME: begun again, it goes on where it stopped. Prints the rows of a table.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from data.errors import NotFoundError
from data.importing import import_collection
from data.records import AssessorKind, Collection, Version
from data.scales import INTERANK, TREC_DL, Scale
from data.settings import Settings
from engine.evaluation import PRIMARY
from engine.pipeline import Plan
from engine.ranking.fusion import DEFAULT_WEIGHT
from engine.workbench import Workbench
from training.evaluations import evaluate_version, read_hits

DEPTH = 20
RUN = "run.bm25.trec"
"""The first stage that comes with each set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSet:
    """A collection to measure on; nobody may train on it."""

    name: str
    scale: Scale
    split: str | None = "test"
    """None: the queries say it themselves."""
    qrels: str | None = None
    queries: int | None = None
    """A seeded sample of so many; None: all."""


SETS = (
    TestSet(name="noveleval-2306", scale=INTERANK),
    TestSet(name="trec-dl19", scale=TREC_DL),
    TestSet(name="scifact", scale=INTERANK, split=None, qrels="qrels.graded.tsv", queries=50),
    TestSet(name="birco-clinical-trial-dev", scale=INTERANK),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", type=Path)
    parser.add_argument("--version", help="Id or name; else what ranks where nothing was promoted.")
    parser.add_argument("--sets", default=",".join(one.name for one in SETS))
    given = parser.parse_args()
    chosen = given.sets.split(",")
    print("| set | queries | version | fusion | BM25 | nDCG@10 | difference (95 %) | p | kappa | ties | s/document |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    with Workbench.open(Settings()) as workbench:
        for one in SETS:
            if one.name in chosen:
                measure(workbench, one, given.datasets / one.name, given.version)


def measure(workbench: Workbench, one: TestSet, folder: Path, version_name: str | None) -> None:
    """A row without fusion and one with the product's."""
    collection = imported(workbench, one, folder)
    version = asked_version(workbench, version_name)
    hits = read_hits(folder / RUN)
    plan = replace(Plan.of(workbench.settings), method="pointwise-score", depth=DEPTH)
    for weight in (0.0, DEFAULT_WEIGHT):
        report = evaluate_version(
            workbench,
            collection,
            version,
            plan=replace(plan, fusion_weight=weight),
            limit=one.queries,
            run=hits,
            with_champion=False,
            on_progress=lambda _, done, total: print(f"{one.name}: {done:.1f} of {total} queries", file=sys.stderr),
        ).report
        row = report["measures"][PRIMARY]
        against = row["versus_bm25"]
        kappa = report["grade_kappa"]
        cells = (
            one.name,
            report["queries"],
            version.name,
            f"{weight:g}",
            f"{row['bm25']:.3f}",
            f"{row['system']:.3f}",
            f"{against['mean']:+.3f} ({against['low']:+.3f} to {against['high']:+.3f})",
            f"{against['p_value']:.3f}",
            "undefined" if kappa is None else f"{kappa:.2f}",
            f"{report['tie_rate']:.0%}",
            f"{report['seconds_per_document']:.2f}",
        )
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


def asked_version(workbench: Workbench, name: str | None) -> Version:
    """The version of that name or id; without one, what ranks where nothing was promoted."""
    workbench.base_version()
    versions = workbench.store.versions
    return versions.get(name) if name else versions.default()


def imported(workbench: Workbench, one: TestSet, folder: Path) -> Collection:
    """The set as a collection, imported where it is not there yet."""
    try:
        return workbench.store.collections.get(one.name)
    except NotFoundError:
        return import_collection(
            workbench.store,
            name=one.name,
            path=folder,
            qrels=folder / one.qrels if one.qrels else None,
            split=one.split,
            assessor=f"{one.name} assessors",
            kind=AssessorKind.HUMAN,
            scale=one.scale,
        )


if __name__ == "__main__":
    main()
