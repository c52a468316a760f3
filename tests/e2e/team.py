"""A home in which three people have judged the sample collection, for pictures of the pages that need a team.

python -m tests.e2e.team HOME
"""

import random
import sys
from datetime import timedelta
from pathlib import Path

from app.actions import adjudication, people
from data import sample
from data.records import AssessorKind, Collection, Judgment, new_id, utc_now
from data.settings import Settings
from engine.workbench import Workbench

PEOPLE = ("Ann", "Ben", "Cleo")
PAIRS = 60
UNLIKE = 0.2
"""Share of the grades in which somebody is a grade away from the sample's author."""


def fill(workbench: Workbench, seed: int = 0) -> Collection:
    """Install the sample, let the people judge over five days, and settle two of their conflicts."""
    store, draw = workbench.store, random.Random(seed)
    collection = sample.install(store)
    written = store.judgments.current(collection.collection_id, kinds=[AssessorKind.HUMAN])
    pairs = [judgment for judgment in written if judgment.grade is not None][:PAIRS]
    began = utc_now() - timedelta(days=5)
    said = []
    for number, name in enumerate(PEOPLE):
        person = store.assessors.ensure(name, AssessorKind.HUMAN)
        for place, judgment in enumerate(pairs[number * 6 :]):
            said.append(
                Judgment(
                    event_id=new_id(),
                    collection_id=collection.collection_id,
                    query_id=judgment.query_id,
                    doc_id=judgment.doc_id,
                    assessor_id=person.assessor_id,
                    grade=_grade(judgment.grade or 0, collection, draw),
                    explanation=judgment.explanation if place % 4 == number else None,
                    evidence=judgment.evidence if place % 4 == number else (),
                    seconds_spent=draw.uniform(6, 40),
                    guideline_version=collection.guideline_version,
                    created_at=began + timedelta(days=place // 15, hours=number, seconds=45 * place),
                )
            )
    store.judgments.add_many(said)
    for conflict in adjudication.conflicts(workbench, collection)[-2:]:
        case = adjudication.case(workbench, collection, conflict.pair)
        decision = adjudication.Decision(
            event_id=new_id(),
            query_id=conflict.query_id,
            doc_id=conflict.doc_id,
            grade=conflict.grades[-1],
            reason="The guidelines count a partial answer.",
            seen=case.seen,
            model_visible=False,
        )
        adjudication.settle(workbench, collection, people.local(PEOPLE[0]), decision)
    return collection


def _grade(written: int, collection: Collection, draw: random.Random) -> int:
    step = draw.choice((-1, 1)) if draw.random() < UNLIKE else 0
    return min(max(written + step, 0), collection.scale.highest)


if __name__ == "__main__":
    with Workbench.open(Settings().in_scratch(Path(sys.argv[1]))) as opened:
        fill(opened)
