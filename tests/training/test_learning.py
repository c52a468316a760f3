from dataclasses import replace

import pytest
from pydantic import ValidationError

from data.errors import IncompatibleVersionError, TrainingError
from data.records import Alias, AliasEvent, AssessorKind, Document, Judgment, Query, Split, new_id
from data.scales import TREC_DL
from tests.training.conftest import version
from training import jobs
from training.learning import LearnConfig, material, preview

CONFIG = LearnConfig()


def promote(workbench, collection, promoted):
    workbench.store.versions.move(
        AliasEvent(
            collection_id=collection.collection_id,
            alias=Alias.CHAMPION,
            version_id=promoted.version_id,
            previous_version_id=workbench.champion(collection).version_id,
            reason="a test",
            actor="test",
        )
    )


def whole(config=CONFIG, **train):
    return config.model_copy(update={"train": config.train.model_copy(update=train)})


@pytest.fixture
def unsplit(workbench):
    """Twelve queries of which the collection says nothing, two labels each, one by a teacher."""
    queries = [Query(query_id=f"q{i:02}", text=f"topic{i}") for i in range(12)]
    documents = [Document(doc_id=f"d{i}", text=f"topic{i} words") for i in range(12)]
    added = workbench.store.collections.add(name="unsplit", scale=TREC_DL, documents=documents, queries=queries)
    who = {
        AssessorKind.HUMAN: workbench.store.assessors.ensure("Ada", AssessorKind.HUMAN),
        AssessorKind.TEACHER: workbench.store.assessors.ensure("LLM", AssessorKind.TEACHER),
    }
    workbench.store.judgments.add_many(
        Judgment(
            event_id=new_id(),
            collection_id=added.collection_id,
            query_id=f"q{i:02}",
            doc_id=f"d{(i + shift) % 12}",
            assessor_id=assessor.assessor_id,
            grade=grade,
        )
        for i in range(12)
        for shift, (assessor, grade) in enumerate([*((a, 3) for a in who.values()), (who[AssessorKind.HUMAN], 0)])
    )
    return workbench.build_index(added)


@pytest.mark.parametrize(
    "wrong",
    [
        {"counts": []},
        {"counts": [0]},
        {"counts": [-1, 5]},
        {"seeds": []},
        {"seeds": [-1]},
        {"heldout": 0},
        {"per_visit": 0},
        {"fusion_weight": 2},
        {"train": {"recipe": "magic"}},
        {"train": {"general": True}},
        {"depht": 3},
    ],
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ValidationError):
        LearnConfig.model_validate(wrong)


def test_the_config_is_in_order_documented_and_survives_a_job_row():
    config = LearnConfig(counts=(100, 25, 100), seeds=(2, 0, 2))
    assert (config.counts, config.seeds) == ((0, 25, 100), (2, 0))
    assert LearnConfig(**config.model_dump(mode="json")) == config
    assert all(field.description for field in LearnConfig.model_fields.values())


def test_points_start_from_the_champion_and_learn_from_people_alone():
    assert (CONFIG.train.recipe, CONFIG.train.start_from, CONFIG.train.teacher_limit) == ("correct", "champion", 0)


def test_people_s_pairs_of_training_queries_can_be_corrected_and_held_out_ones_measure(workbench, collection):
    found = material(workbench, collection, CONFIG)
    assert len(found.correctable) == 6 * 4 and len(found.to_correct) == 6
    assert [q.split for q in found.evaluated] == [Split.HELDOUT] * 12
    assert not {query_id for query_id, _ in found.correctable} & {q.query_id for q in found.evaluated}
    seen = preview(workbench, collection, whole(heldout_queries=11))
    assert (seen.corrections, seen.queries, seen.heldout_queries) == (24, 6, 11)
    assert seen.problem is None and seen.warnings == ()


def test_a_teacher_s_labels_neither_measure_nor_count_as_corrections(workbench, unsplit):
    found = material(workbench, unsplit, LearnConfig(heldout=5))
    assert len(found.evaluated) == 5
    assert len(found.to_correct) == 7 and len(found.correctable) == 14
    assert all(len(docs) == 2 for docs in found.heldout.qrels.values())


def test_few_held_out_queries_and_assumed_grades_are_said(workbench, unsplit):
    config = LearnConfig(heldout=5, assume_unlabelled_zero=True)
    seen = preview(workbench, unsplit, whole(config, teacher_limit=3))
    said = " ".join(seen.warnings)
    assert "Only 5 held-out queries" in said
    assert "assumed to have the lowest grade" in said
    assert "A teacher's judgments are trained" in said


def test_too_many_held_out_is_a_problem_with_its_mend(workbench, unsplit):
    seen = preview(workbench, unsplit, LearnConfig(heldout=12))
    assert "12 queries can't be held out" in seen.problem.what and seen.problem.mend


def test_nothing_judged_and_nothing_held_out_are_problems(workbench, unsplit, made):
    bare = workbench.store.collections.add(name="bare", scale=TREC_DL, documents=made.documents, queries=made.queries)
    assert "no human judgment to learn from" in preview(workbench, bare, CONFIG).problem.what
    person = workbench.store.assessors.ensure("Ada", AssessorKind.HUMAN)
    workbench.store.judgments.add(
        Judgment(
            event_id=new_id(),
            collection_id=bare.collection_id,
            query_id="q00",
            doc_id="q00-0",
            assessor_id=person.assessor_id,
            grade=2,
        )
    )
    assert "nothing to measure with" in preview(workbench, bare, CONFIG).problem.what


def test_a_collection_without_an_index_is_a_problem(workbench, collection):
    assert "whyrank collection rebuild" in preview(workbench, replace(collection, index_path=None), CONFIG).problem.mend


def test_a_champion_that_answers_otherwise_is_a_problem(workbench, collection, taught):
    promote(workbench, collection, taught)
    config = whole(method="pointwise-reason-first")
    # No judgment here has the explanation that this form is trained on.
    assert "no human judgment" in preview(workbench, collection, config).problem.what
    for judgment in workbench.store.judgments.current(collection.collection_id)[:8]:
        workbench.store.judgments.add(replace(judgment, event_id=new_id(), explanation="It says so."))
    assert isinstance(preview(workbench, collection, config).problem, IncompatibleVersionError)


def test_a_champion_trained_here_is_not_measured_on_what_it_learnt(workbench, collection, taught):
    promote(workbench, collection, taught)
    assert any(
        "trained on this collection's judgments" in said for said in preview(workbench, collection, CONFIG).warnings
    )
    assert preview(workbench, collection, CONFIG).problem is None
    found = preview(workbench, collection, LearnConfig(heldout=14)).problem
    assert "2 of the queries to be held out are training queries" in found.what
    assert preview(workbench, collection, LearnConfig(heldout=12)).problem is None


def test_a_champion_made_from_one_trained_here_counts_as_well(workbench, collection, taught):
    child = replace(
        taught,
        version_id="same",
        name="same",
        adapter_path="versions/same",
        collection_id=None,
        parent_id=taught.version_id,
    )
    workbench.store.versions.add(child)
    promote(workbench, collection, child)
    assert preview(workbench, collection, LearnConfig(heldout=14)).problem is not None


def test_a_version_of_another_collection_learnt_nothing_here(workbench, collection, unsplit):
    promote(workbench, collection, version(workbench, unsplit, "taught"))
    assert preview(workbench, collection, LearnConfig(heldout=14)).problem is None


def test_what_can_t_start_writes_no_job(workbench, made):
    bare = workbench.store.collections.add(name="bare", scale=TREC_DL, documents=made.documents, queries=made.queries)
    with pytest.raises(TrainingError):
        jobs.submit_learning(workbench, bare, CONFIG, "ann")
    assert workbench.store.jobs.list() == []
