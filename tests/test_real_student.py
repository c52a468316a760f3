"""The shipped student on the real base model: it tells answers from documents that only share words, and says why.

Nothing of the sample collection trained it.
"""

import statistics
from pathlib import Path

import pytest

from data import sample, student
from data.errors import ModelError
from data.records import AssessorKind
from data.settings import Settings
from data.store import Store
from engine import models
from engine.explanation.stance import contradicts
from engine.lm.local import LocalLM
from engine.pipeline import Plan
from engine.retrieval.base import Hit
from engine.workbench import Workbench

pytestmark = pytest.mark.model
QUERIES = 3
DOCUMENTS = 6
"""Per query, half of them relevant where there are so many."""


@pytest.fixture(scope="module")
def model_path() -> Path:
    settings = Settings()
    if settings.lm_url:
        pytest.skip(f"the model is served by {settings.lm_url}, not in this process")
    try:
        return models.local(settings.model, settings.models_path)
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def ranked(model_path, tmp_path_factory):
    """Labels, and what student and base make of the same documents; the student also writes two reasons a query."""
    home = tmp_path_factory.mktemp("home")
    with Store.open(home / "whyrank.db") as store:
        collection = sample.install(store)
        workbench = Workbench(Settings(home=home, lm_url=None), store, LocalLM.load(model_path, device="cpu"))
        base = workbench.base_version()
        installed = student.install(store, home)
        assert workbench.champion(collection) == installed
        labels: dict[str, dict[str, int]] = {}
        for judgment in store.judgments.current(collection.collection_id, kinds=[AssessorKind.HUMAN]):
            labels.setdefault(judgment.query_id, {})[judgment.doc_id] = judgment.grade
        queries = store.collections.queries(collection.collection_id)[:QUERIES]
        run = {query.query_id: hits(labels[query.query_id]) for query in queries}
        plan = Plan(method="pointwise-verdict-first", depth=DOCUMENTS, fusion_weight=0.0, explain_top=0)
        found = {
            name: workbench.pipeline(collection, version).rank(queries, plan, run=run)
            for name, version in (("base", base), ("student", installed))
        }
        told = Plan(method="pointwise-verdict-first", depth=2, fusion_weight=0.0, explain_top=2)
        explained = workbench.pipeline(collection, installed).rank(queries, told, run=run)
    return labels, found, explained, collection.scale


def hits(grades):
    """Relevant and irrelevant documents in turn, so that the first stage's order says nothing."""
    good = sorted(doc_id for doc_id, grade in grades.items() if grade >= 2)
    bad = sorted(doc_id for doc_id, grade in grades.items() if grade == 0)
    chosen = (good[: DOCUMENTS // 2] + bad)[:DOCUMENTS]
    return [Hit(doc_id=doc_id, rank=rank, score=1.0) for rank, doc_id in enumerate(sorted(chosen), start=1)]


def gap(labels, rankings):
    """How much higher the expected grade of relevant documents is than that of the others."""
    scores = {True: [], False: []}
    for ranking in rankings:
        for document in ranking.documents:
            scores[labels[ranking.query_id][document.doc_id] >= 2].append(document.raw_score)
    return statistics.fmean(scores[True]) - statistics.fmean(scores[False])


def test_relevant_documents_stand_out_and_more_than_for_the_base(ranked):
    labels, found, _, _ = ranked
    assert gap(labels, found["student"]) > 0.5
    assert gap(labels, found["student"]) > gap(labels, found["base"]) + 0.25


def test_its_reasons_are_readable_and_do_not_contradict_its_grades(ranked):
    _, _, explained, scale = ranked
    documents = [document for ranking in explained for document in ranking.documents]
    assert len(documents) == 2 * QUERIES
    assert all(document.explanation and document.unreadable is None for document in documents)
    assert sum(contradicts(document.explanation, document.grade, scale) for document in documents) <= 1
