"""What a training job would learn from, before it starts, and what stands against starting it."""

from collections.abc import Mapping
from dataclasses import dataclass

from data.errors import TrainingError
from data.records import AssessorKind, Collection, Split
from data.store import Store
from engine.ranking import method_named
from training import labels, rows
from training.gate import GateOptions
from training.leaks import Leaks
from training.recipes import TrainConfig
from training.rows import Chosen
from training.splits import heldout_queries, split_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would be trained on, and with what it would be measured."""

    chosen: Chosen
    queries: Mapping[Split, int]
    """How many queries the collection has for each use."""
    heldout_queries: int
    """Held-out queries that would be evaluated: those with people's labels, up to the config's limit."""
    labels: str
    """Whose labels the evaluation would use."""
    problem: TrainingError | None
    """Why the job can't start; None: it can."""
    warnings: tuple[str, ...]
    """What to know before starting it all the same."""


def preview(store: Store, collection: Collection, config: TrainConfig) -> Preview:
    """Look at the judgments as they are now."""
    people = [AssessorKind.HUMAN, AssessorKind.TEACHER]
    judgments = store.judgments.current(collection.collection_id, kinds=people)
    assessors = store.assessors.by_id()
    queries = store.collections.queries(collection.collection_id)
    held = labels.labels(queries, judgments, assessors)
    chosen = rows.choose(
        judgments,
        assessors,
        Leaks(queries, held.qrels, {judgment.query_id for judgment in judgments}),
        scale=collection.scale,
        form=method_named(config.method).form,
        teacher_limit=config.teacher_limit,
        seed=config.seed,
    )
    counts = {split: sum(split_of(query) is split for query in queries) for split in Split}
    evaluated = heldout_queries(
        queries,
        held.qrels,
        relevant_from=collection.scale.relevant_from,
        limit=config.heldout_queries,
        seed=config.seed,
    )
    return Preview(
        chosen=chosen,
        queries=counts,
        heldout_queries=len(evaluated),
        labels=held.words,
        problem=_problem(chosen, counts),
        warnings=_warnings(chosen, len(evaluated), held.conflicts),
    )


def _problem(chosen: Chosen, queries: Mapping[Split, int]) -> TrainingError | None:
    used = [split for split in Split if queries[split]]
    if len(used) == 1:
        return TrainingError(
            f"All queries of this collection are {used[0].value} queries, so nothing can be both learnt and measured.",
            mend="Add queries, or import some with another split (e.g. qrels/train.tsv beside qrels/test.tsv).",
        )
    if not chosen.rows:
        left_out = "; ".join(f"{count} left out: {reason}" for reason, count in chosen.dropped.items())
        return TrainingError(
            f"There is no judgment to train on{f' ({left_out})' if left_out else ''}.",
            mend="Judge documents of training queries: the Judge page, or `whyrank judgments import`.",
        )
    if len(chosen.by_grade) == 1:
        (grade,) = chosen.by_grade
        return TrainingError(
            f"All {len(chosen.rows)} judgments have the grade {grade}: a model would learn to answer nothing else.",
            mend="Judge some documents that deserve another grade.",
        )
    return None


def _warnings(chosen: Chosen, heldout: int, conflicts: int) -> tuple[str, ...]:
    minimum = GateOptions().minimum_queries
    found = []
    if heldout < minimum:
        found.append(
            f"{heldout} held-out queries have people's labels with a relevant document; below {minimum} the gate will "
            "refuse to promote whatever comes out."
        )
    if conflicts:
        found.append(f"People disagree on {conflicts} pairs of held-out queries; these are not evaluated.")
    if chosen.rows and AssessorKind.HUMAN.value not in chosen.by_source:
        found.append("No person's judgment is among the examples: the model would learn the teacher's grades only.")
    return tuple(found)
