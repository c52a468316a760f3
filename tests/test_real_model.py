"""The real base model ranks documents of the sample collection by every method, as the product does."""

import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from benchmarks.plain_loop import PlainLoop
from data import sample
from data.records import AssessorKind, RankedDocument, Ranking
from data.settings import Settings
from data.store import Store
from engine.lm.base import Choose, Chosen, Generate
from engine.lm.local import LocalLM
from engine.pipeline import Listener, Plan
from engine.ranking import METHODS
from engine.retrieval.base import Hit
from engine.workbench import Workbench

pytestmark = pytest.mark.model

DEPTH = 5
PLAN = {"depth": DEPTH, "explain_top": 2, "explanation_tokens": 32, "document_tokens": 128}
"""Small enough for a machine without a GPU; the prompts are the product's."""
WITHIN = 1e-3
"""In probability, against a plain forward pass."""


class Overheard:
    """The model, with every choice it was asked for and what it answered."""

    def __init__(self, lm: LocalLM) -> None:
        self._lm = lm
        self.name = lm.name
        self.choices: list[tuple[Choose, Chosen]] = []

    def choose(self, asks: Sequence[Choose], *, on_answer=None) -> list[Chosen]:
        answers = self._lm.choose(asks, on_answer=on_answer)
        self.choices += zip(asks, answers, strict=True)
        return answers

    def generate(self, asks: Sequence[Generate], *, on_text=None):
        return self._lm.generate(asks, on_text=on_text)

    def clip(self, text: str, max_tokens: int):
        return self._lm.clip(text, max_tokens)

    def adapted(self, adapter):
        assert adapter is None, "the base alone"
        return self


@dataclass(kw_only=True)
class Ranked:
    """What one method did."""

    ranking: Ranking
    choices: list[tuple[Choose, Chosen]]
    pieces: dict[str, str] = field(default_factory=dict)

    @property
    def explained(self) -> list[RankedDocument]:
        return [document for document in self.ranking.documents if document.explanation is not None]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with the sample collection, shared by this module: loading the model takes seconds."""
    with Store.open(tmp_path_factory.mktemp("real-model") / "whyrank.db") as opened:
        sample.install(opened)
        yield opened


@pytest.fixture(scope="module")
def ranked(model_path: Path, store: Store, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ranked]:
    """Method -> what it made of the first five documents judged for the first query. The model is given up at the
    end: there need not be room for it and the plain loop's at once."""
    collection = store.collections.get(sample.SAMPLE_NAME)
    query = store.collections.queries(collection.collection_id)[0]
    judged = store.judgments.current(collection.collection_id, kinds=[AssessorKind.HUMAN], query_ids=[query.query_id])
    doc_ids = sorted(judgment.doc_id for judgment in judged)[:DEPTH]
    run = {query.query_id: [Hit(doc_id=d, rank=i, score=10.0 - i) for i, d in enumerate(doc_ids, start=1)]}
    lm = Overheard(LocalLM.load(model_path, device="cpu"))
    workbench = Workbench(Settings(home=tmp_path_factory.mktemp("home"), lm_url=None), store, lm)
    found = {}
    for method in METHODS:
        lm.choices, pieces = [], dict.fromkeys(doc_ids, "")
        listener = Listener(
            on_text=lambda query, doc_id, piece, pieces=pieces: pieces.update({doc_id: pieces[doc_id] + piece})
        )
        pipeline = workbench.pipeline(collection, workbench.base_version())
        (ranking,) = pipeline.rank([query], Plan(method=method, **PLAN), run=run, listener=listener)
        workbench.record(ranking)
        found[method] = Ranked(ranking=ranking, choices=lm.choices, pieces=pieces)
    del lm, workbench, pipeline
    gc.collect()
    return found


@pytest.mark.parametrize("method", METHODS)
def test_every_document_has_a_grade_whose_probabilities_sum_to_1(ranked, method):
    documents = ranked[method].ranking.documents
    assert len(documents) == DEPTH
    assert len({document.doc_id for document in documents}) == DEPTH
    for document in documents:
        assert document.unreadable is None
        assert set(document.probabilities) == {0, 1, 2, 3}
        assert sum(document.probabilities.values()) == pytest.approx(1.0, abs=1e-5)
        assert document.grade == max(document.probabilities, key=document.probabilities.get)
        assert document.raw_score == pytest.approx(sum(g * p for g, p in document.probabilities.items()))
    scores = [document.score for document in documents]
    assert scores == sorted(scores, reverse=True)
    assert len({document.raw_score for document in documents}) > 1, "the model tells documents apart"


@pytest.mark.parametrize("method", [method.name for method in METHODS.values() if method.explains])
def test_explanations_are_words_and_arrive_as_they_are_written(ranked, method):
    explained = ranked[method].explained
    assert len(explained) == (DEPTH if method == "pointwise-reason-first" else PLAN["explain_top"])
    for document in explained:
        assert len(document.explanation.split()) >= 4
        assert document.explanation.isprintable()
        assert "<|" not in document.explanation
        assert "\N{REPLACEMENT CHARACTER}" not in document.explanation
        assert " ".join(ranked[method].pieces[document.doc_id].split()) == document.explanation


def test_the_score_method_writes_nothing(ranked):
    assert ranked["pointwise-score"].explained == []
    assert not any(ranked["pointwise-score"].pieces.values())


def test_both_methods_that_grade_first_give_the_same_grades(ranked):
    first, second = (
        {d.doc_id: d.raw_score for d in ranked[name].ranking.documents}
        for name in ("pointwise-score", "pointwise-verdict-first")
    )
    assert first == pytest.approx(second, abs=WITHIN)


@pytest.mark.parametrize("method", METHODS)
def test_rankings_are_recorded_with_what_made_them(ranked, store, method):
    ranking = ranked[method].ranking
    stored = store.rankings.get(ranking.ranking_id)
    assert stored == ranking
    assert (stored.method, stored.version_id) == (method, "base")
    assert stored.seconds["rank"] > 0
    said = store.judgments.current(ranking.collection_id, kinds=[AssessorKind.STUDENT])
    assert {judgment.doc_id for judgment in said} == {document.doc_id for document in ranking.documents}


def test_probabilities_are_those_of_a_plain_forward_pass(ranked, model_path):
    overheard = [pair for each in ranked.values() for pair in each.choices]
    assert len(overheard) == DEPTH * len(METHODS)
    # Grading first and grading only ask the same.
    asked = {ask.messages: (ask, answer) for ask, answer in overheard}.values()
    assert len(asked) == 2 * DEPTH
    plain = PlainLoop(model_path, threads=torch.get_num_threads()).choose([ask for ask, _ in asked])
    for (_, answer), expected in zip(asked, plain, strict=True):
        assert dict(answer.probabilities) == pytest.approx(expected, abs=WITHIN)
