from dataclasses import replace

import pytest

from data.errors import NotFoundError
from data.records import AssessorKind, Split
from engine.pipeline import Plan
from engine.retrieval.base import Hit
from tests import synthetic
from tests.training.conftest import version
from training import gate
from training.evaluations import evaluable, evaluate_version, stored_rankings
from training.stopping import Stopped

PLAN = Plan(method="pointwise-score", depth=4, fusion_weight=0.0)


def asked(workbench):
    """Requests since the last look."""
    asks = workbench.base_lm().asks
    count = len(asks)
    asks.clear()
    return count


def test_the_version_is_compared_with_bm25_and_the_champion(workbench, collection, taught):
    record = evaluate_version(workbench, collection, taught, plan=PLAN, job_id=None)
    primary = record.report["measures"]["nDCG@10"]
    assert primary["system"] == pytest.approx(1.0)
    assert primary["bm25"] < 1 > primary["champion"]
    assert primary["against"] == "champion"
    assert record.report["queries"] == 12
    assert record.report["champion_version_id"] == "base"
    assert record.report["labels"] == "labels of one person (Synthetic person)"
    assert workbench.store.evaluations.get(record.evaluation_id) == record


def test_the_champion_itself_is_compared_with_bm25(workbench, collection):
    record = evaluate_version(workbench, collection, workbench.champion(collection), plan=PLAN)
    assert record.report["measures"]["nDCG@10"]["champion"] is None
    assert record.report["measures"]["nDCG@10"]["against"] == "bm25"


def test_the_champion_s_run_is_computed_once(workbench, collection, taught):
    evaluate_version(workbench, collection, taught, plan=PLAN)
    assert asked(workbench) == 2 * 12 * 4
    first = evaluate_version(workbench, collection, version(workbench, collection, "same"), plan=PLAN)
    assert asked(workbench) == 12 * 4
    again = evaluate_version(workbench, collection, workbench.store.versions.get("same"), plan=PLAN)
    assert asked(workbench) == 0
    assert again.report == first.report


@pytest.mark.parametrize(
    "change",
    [{"depth": 3}, {"document_tokens": 100}, {"method": "pointwise-verdict-first"}],
    ids=str,
)
def test_another_plan_is_ranked_anew(workbench, collection, taught, change):
    evaluate_version(workbench, collection, taught, plan=PLAN)
    asked(workbench)
    changed = replace(PLAN, **change)
    evaluate_version(workbench, collection, taught, plan=changed)
    assert asked(workbench) == 2 * 12 * changed.depth


def test_new_guidelines_or_a_new_index_are_ranked_anew(workbench, collection, taught):
    evaluate_version(workbench, collection, taught, plan=PLAN)
    asked(workbench)
    collection = workbench.build_index(collection)
    evaluate_version(workbench, collection, taught, plan=PLAN)
    assert asked(workbench) == 2 * 12 * 4
    collection = workbench.store.collections.set_rules(
        collection.collection_id, guidelines="Count only exact answers.", changed_by="me"
    )
    evaluate_version(workbench, collection, taught, plan=PLAN)
    assert asked(workbench) == 2 * 12 * 4


def test_no_explanation_is_made(workbench, collection, taught):
    # The scripted model has no script for texts: asking for one would raise.
    plan = replace(PLAN, method="pointwise-verdict-first", explain_top=3)
    assert evaluate_version(workbench, collection, taught, plan=plan).report["queries"] == 12


def test_a_given_run_replaces_the_retriever(workbench, collection, taught, made):
    held = [query.query_id for query in made.queries if query.split is Split.HELDOUT]
    run = {
        query_id: [Hit(doc_id=f"{query_id}-{i}", rank=i + 1, score=4.0 - i) for i in range(3)] for query_id in held[:10]
    }
    run["q00"] = [Hit(doc_id="q00-0", rank=1, score=1.0)]  # a training query: never evaluated
    record = evaluate_version(workbench, collection, taught, plan=PLAN, run=run)
    assert asked(workbench) == 2 * 10 * 3
    assert record.report["queries"] == 10
    assert record.report["retriever"] == "given run"
    assert evaluate_version(workbench, collection, taught, plan=PLAN, run=run).report == record.report
    assert asked(workbench) == 0
    run[held[0]] = run[held[0]][:2]
    evaluate_version(workbench, collection, taught, plan=PLAN, run=run)
    assert asked(workbench) == 2 * 2


def test_it_stops_between_documents_and_goes_on_where_it_was(workbench, collection, taught):
    steps = iter(range(10_000))
    with pytest.raises(Stopped):
        evaluate_version(workbench, collection, taught, plan=PLAN, should_stop=lambda: next(steps) > 22)
    before = asked(workbench)
    assert workbench.store.evaluations.list(collection.collection_id) == []
    evaluate_version(workbench, collection, taught, plan=PLAN)
    after = asked(workbench)
    # Of what was done before, only the query under way is asked again.
    assert 0 < before < 2 * 12 * 4
    assert 2 * 12 * 4 <= before + after <= 2 * 12 * 4 + 4


def test_progress_rises_to_its_end(workbench, collection, taught):
    told = []
    evaluate_version(workbench, collection, taught, plan=PLAN, on_progress=lambda *words: told.append(words))
    done = [now for _, now, _ in told]
    assert done == sorted(done)
    assert told[-1] == ("evaluating", 24, 24)


def test_looks_at_a_held_out_set_are_counted(workbench, collection, taught):
    looks = workbench.store.evaluations.looks
    first = evaluate_version(workbench, collection, taught, plan=PLAN)
    second = evaluate_version(workbench, collection, taught, plan=replace(PLAN, depth=3))
    other = evaluate_version(workbench, collection, taught, plan=PLAN, limit=10, seed=1)
    assert first.heldout_sha256 == second.heldout_sha256 != other.heldout_sha256
    assert (looks(first.heldout_sha256), looks(other.heldout_sha256)) == (2, 1)


def test_the_sample_is_seeded(workbench, collection):
    _, first = evaluable(workbench, collection, limit=5, seed=1)
    assert first == evaluable(workbench, collection, limit=5, seed=1)[1]
    assert first != evaluable(workbench, collection, limit=5, seed=2)[1]
    assert len(first) == 5


def test_without_people_s_labels_there_is_nothing_to_measure(workbench, made):
    collection = workbench.store.collections.add(
        name="bare", scale=synthetic.TREC_DL, documents=made.documents, queries=made.queries
    )
    workbench.store.assessors.ensure("T", AssessorKind.TEACHER)
    with pytest.raises(NotFoundError, match="people judged relevant") as caught:
        evaluate_version(workbench, collection, workbench.base_version(), plan=PLAN)
    assert "judgments import" in caught.value.mend


def test_another_fusion_asks_nothing_again(workbench, collection, taught):
    alone = evaluate_version(workbench, collection, taught, plan=PLAN)
    assert asked(workbench) > 0
    both = evaluate_version(workbench, collection, taught, plan=replace(PLAN, fusion_weight=1.0))
    assert asked(workbench) == 0
    primary = both.report["measures"]["nDCG@10"]
    assert primary["system"] == pytest.approx(primary["bm25"])
    assert alone.report["measures"]["nDCG@10"]["system"] > primary["system"]


def test_any_queries_are_ranked_once(workbench, collection, taught, made):
    training = [query for query in made.queries if query.split is Split.TRAIN]
    first = stored_rankings(workbench, collection, taught, training, plan=PLAN)
    assert [ranking.query_id for ranking in first] == [query.query_id for query in training]
    assert asked(workbench) == 6 * 4
    assert stored_rankings(workbench, collection, taught, training[:2], plan=PLAN) == first[:2]
    assert asked(workbench) == 0


def test_without_the_champion_only_bm25_is_compared_with(workbench, collection, taught):
    report = evaluate_version(workbench, collection, taught, plan=PLAN, with_champion=False).report
    assert asked(workbench) == 12 * PLAN.depth
    assert report["measures"]["nDCG@10"]["against"] == "bm25"
    assert report["champion_version_id"] is None
    assert not gate.verdict(report).promote
