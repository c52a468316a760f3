"""How well a version explains: the share of unreadable answers, of explanations that contradict their grade
(`engine.explanation.stance`), and of quotes that are not in the document. Not part of `make bench`.

    python -m benchmarks.explanations DATASETS [--version NAME] [--sets ...] [--queries 5] [--depth 4]

The best documents of a seeded sample of queries are explained as Explore does it. Prints the rows of a table; with
`--show`, every explanation, to be read.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.quality import RUN, SETS, TestSet, asked_version, imported
from data.records import RankedDocument
from data.scales import Scale
from data.settings import Settings
from engine.explanation.stance import contradicts
from engine.pipeline import Plan
from engine.ranking import METHODS
from engine.workbench import Workbench
from training.evaluations import evaluable, read_hits


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was found among some explanations."""

    documents: int
    unreadable: int
    contradictions: int
    quotes: int
    lost_quotes: int
    """Not found in the document."""
    words: float
    """Mean length."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", type=Path)
    parser.add_argument("--version", help="Id or name; else what ranks where nothing was promoted.")
    parser.add_argument("--method", default="pointwise-verdict-first", choices=sorted(METHODS))
    parser.add_argument("--sets", default=",".join(one.name for one in SETS))
    parser.add_argument("--queries", type=int, default=5)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--show", action="store_true")
    given = parser.parse_args()
    print("| set | version | method | explanations | unreadable | contradict their grade | quotes not found | words |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with Workbench.open(Settings()) as workbench:
        for one in SETS:
            if one.name in given.sets.split(","):
                measure(workbench, one, given)


def measure(workbench: Workbench, one: TestSet, given: argparse.Namespace) -> None:
    """A row of the table."""
    folder = given.datasets / one.name
    collection = imported(workbench, one, folder)
    version = asked_version(workbench, given.version)
    run = read_hits(folder / RUN)
    _, queries = evaluable(workbench, collection, limit=given.queries, run=run)
    plan = replace(
        Plan.of(workbench.settings), method=given.method, depth=given.depth, explain_top=given.depth, fusion_weight=0.0
    )
    rankings = workbench.pipeline(collection, version).rank(queries, plan, run=run)
    documents = [document for ranking in rankings for document in ranking.documents]
    if given.show:
        for ranking in rankings:
            for document in ranking.documents:
                print(
                    ranking.query_text,
                    document.doc_id,
                    document.grade,
                    document.explanation,
                    sep=" | ",
                    file=sys.stderr,
                )
    found = counts(documents, collection.scale)
    cells = (
        one.name,
        version.name,
        given.method,
        found.documents,
        share(found.unreadable, found.documents),
        share(found.contradictions, found.documents - found.unreadable),
        f"{share(found.lost_quotes, found.quotes)} of {found.quotes}",
        f"{found.words:.0f}",
    )
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def counts(documents: Sequence[RankedDocument], scale: Scale) -> Counts:
    """Look at every explanation."""
    explained = [(d.grade, d.explanation, d.evidence) for d in documents if d.grade is not None and d.explanation]
    evidence = [quote for _, _, quotes in explained for quote in quotes]
    lengths = [len(explanation.split()) for _, explanation, _ in explained]
    return Counts(
        documents=len(documents),
        unreadable=len(documents) - len(explained),
        contradictions=sum(contradicts(explanation, grade, scale) for grade, explanation, _ in explained),
        quotes=len(evidence),
        lost_quotes=sum(quote.start_char is None for quote in evidence),
        words=sum(lengths) / len(lengths) if lengths else 0.0,
    )


def share(part: int, whole: int) -> str:
    """In per cent."""
    return f"{part / whole:.0%}" if whole else "none"


if __name__ == "__main__":
    main()
