"""The shipped student on the real base model: it tells an answer from a passage that only shares words, and says why.

Plain questions with short passages, written for this test: what it was trained for. (The sample's questions need
reasoning and are beyond it: see training/LOG.md.)
"""

import statistics

import pytest

from data import student
from data.records import Document, Query, Split
from data.scales import TREC_DL
from data.settings import Settings
from data.store import Store
from engine.lm.local import LocalLM
from engine.pipeline import Plan
from engine.retrieval.base import Hit
from engine.workbench import Workbench

pytestmark = pytest.mark.model
PASSAGES = {
    "how long do you boil an egg for a hard yolk": (
        "Put the eggs into boiling water and cook them for ten to twelve minutes; the yolk is then firm all through.",
        "A hen lays about three hundred eggs a year. Egg boxes should be kept in the fridge, pointed end down.",
        "The boiling point of water falls by about one degree for every three hundred metres of height.",
    ),
    "what is the capital of australia": (
        "Canberra has been the capital of Australia since 1913; its parliament moved there from Melbourne in 1927.",
        "Capital letters are used in English for names, for the first word of a sentence and for the days of the week.",
        "Australia exports iron ore, coal and wool, and most of its people live near the coast.",
    ),
    "what does a carburetor do": (
        "A carburetor mixes air with a fine spray of fuel in the right ratio, so that the engine can burn it.",
        "What do you do on a rainy weekend? Many people read, cook or visit a museum.",
        "The dealer sells used cars, vans and motor bikes and takes old ones in part exchange.",
    ),
}
"""Query -> its answer, then passages that are none."""


@pytest.fixture(scope="module")
def ranked(model_path, tmp_path_factory):
    """What base and student make of the passages; the student also writes the reasons of the answers."""
    home = tmp_path_factory.mktemp("home")
    queries = [Query(query_id=f"q{i}", text=text, split=Split.HELDOUT) for i, text in enumerate(PASSAGES)]
    documents = [
        Document(doc_id=f"q{i}-{j}", text=text)
        for i, passages in enumerate(PASSAGES.values())
        for j, text in enumerate(passages)
    ]
    # The answer comes last, so that no tie can put it first.
    run = {q.query_id: [Hit(doc_id=f"{q.query_id}-{j}", rank=3 - j, score=3.0 + j) for j in (2, 1, 0)] for q in queries}
    with Store.open(home / "whyrank.db") as store:
        collection = store.collections.add(name="plain", scale=TREC_DL, documents=documents, queries=queries)
        workbench = Workbench(Settings(home=home, lm_url=None), store, LocalLM.load(model_path, device="cpu"))
        base = workbench.base_version()
        installed = student.install(store, home)
        assert workbench.champion(collection) == installed
        plan = Plan(method="pointwise-verdict-first", depth=3, fusion_weight=0.0, explain_top=1)
        return {
            name: workbench.pipeline(collection, version).rank(queries, plan, run=run)
            for name, version in (("base", base), ("student", installed))
        }


def gap(rankings):
    """How much higher the expected grade of the answers is than that of the other passages."""
    scores = {True: [], False: []}
    for ranking in rankings:
        for document in ranking.documents:
            scores[document.doc_id.endswith("-0")].append(document.raw_score)
    return statistics.fmean(scores[True]) - statistics.fmean(scores[False])


def test_answers_stand_out_and_more_than_for_the_base(ranked):
    assert [ranking.documents[0].doc_id[-1] for ranking in ranked["student"]] == ["0"] * len(PASSAGES)
    assert gap(ranked["student"]) > 1.0
    assert gap(ranked["student"]) > gap(ranked["base"]) + 0.5


def test_its_reasons_can_be_read(ranked):
    for ranking in ranked["student"]:
        best = ranking.documents[0]
        assert best.unreadable is None and len(best.explanation.split()) >= 4
