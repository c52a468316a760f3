import pytest

from data.errors import ModelError, TrainingError
from data.records import AssessorKind, Document, Judgment, Query, Split, new_id
from data.scales import TREC_DL
from training import jobs
from training.preview import preview
from training.recipes import TrainConfig

DOCUMENTS = [Document(doc_id=f"d{i}", text=f"text {i}") for i in range(4)]


def collection_with(store, splits, grades, kind=AssessorKind.HUMAN):
    """Queries q0, q1, ... with these splits; `grades`: (query number, document number) -> grade."""
    queries = [
        Query(query_id=f"q{i}", text=f"{'abcdefgh'[i] * 3} question", split=split) for i, split in enumerate(splits)
    ]
    collection = store.collections.add(name="c", scale=TREC_DL, documents=DOCUMENTS, queries=queries)
    assessor = store.assessors.ensure("A", kind)
    for (query, document), grade in grades.items():
        store.judgments.add(
            Judgment(
                event_id=new_id(),
                collection_id=collection.collection_id,
                query_id=f"q{query}",
                doc_id=f"d{document}",
                assessor_id=assessor.assessor_id,
                grade=grade,
            )
        )
    return collection


def test_a_good_set_has_no_problem_and_its_counts(workbench, collection):
    found = preview(workbench.store, collection, TrainConfig())
    assert found.problem is None
    assert found.warnings == ()
    assert found.chosen.by_source == {"human": 24}
    assert found.chosen.by_grade == {0: 6, 1: 6, 2: 6, 3: 6}
    assert found.chosen.dropped == {"held-out query": 48}
    assert found.queries == {Split.TRAIN: 6, Split.DEVELOPMENT: 0, Split.HELDOUT: 12}
    assert found.heldout_queries == 12
    assert preview(workbench.store, collection, TrainConfig(heldout_queries=10)).heldout_queries == 10


@pytest.mark.parametrize(
    ("splits", "grades", "what", "mend"),
    [
        ([Split.TRAIN, Split.HELDOUT], {}, "no judgment to train on", "Judge"),
        ([Split.TRAIN, Split.HELDOUT], {(1, 0): 3, (1, 1): 0}, "2 left out: held-out query", "Judge"),
        ([Split.TRAIN, Split.HELDOUT], {(0, 0): 2, (0, 1): 2}, "have the grade 2", "another grade"),
        ([Split.TRAIN, Split.TRAIN], {(0, 0): 2, (0, 1): 0}, "All queries of this collection are train", "split"),
        ([Split.HELDOUT], {(0, 0): 2, (0, 1): 0}, "All queries of this collection are heldout", "split"),
    ],
)
def test_what_can_t_be_trained_is_said_before_anything_starts(workbench, splits, grades, what, mend):
    collection = collection_with(workbench.store, splits, grades)
    problem = preview(workbench.store, collection, TrainConfig()).problem
    assert problem is not None
    assert what in problem.what
    assert mend in problem.mend
    with pytest.raises(TrainingError):
        jobs.submit(workbench, collection, TrainConfig(), "ann")
    assert workbench.store.jobs.list() == []


def test_few_held_out_queries_are_a_warning_not_a_problem(workbench):
    collection = collection_with(
        workbench.store, [Split.TRAIN, Split.HELDOUT], {(0, 0): 2, (0, 1): 0, (1, 0): 3, (1, 1): 0}
    )
    found = preview(workbench.store, collection, TrainConfig())
    assert found.problem is None
    assert found.heldout_queries == 1
    assert any("gate will refuse" in warning for warning in found.warnings)


def test_learning_from_the_teacher_alone_is_a_warning(workbench):
    collection = collection_with(
        workbench.store, [Split.TRAIN, Split.HELDOUT], {(0, 0): 2, (0, 1): 0}, AssessorKind.TEACHER
    )
    found = preview(workbench.store, collection, TrainConfig())
    assert found.problem is None
    assert any("No person's judgment" in warning for warning in found.warnings)


def test_a_missing_base_model_is_said_before_anything_starts(workbench, collection):
    with pytest.raises(ModelError) as caught:
        jobs.submit(workbench, collection, TrainConfig(), "ann")
    assert "whyrank model fetch" in caught.value.mend
    assert workbench.store.jobs.list() == []
