"""One query's way, with a scripted model and a first stage given as a run."""

from dataclasses import replace

import pytest

from data.errors import IncompatibleVersionError, NotFoundError, RetrievalError, SettingsError
from data.records import Collection, Document, Query, Version, utc_now
from data.scales import PRORANK, TREC_DL
from engine.lm.scripted import ScriptedLM
from engine.pipeline import Listener, Pipeline, Plan, prompt_sha256
from engine.retrieval.base import Hit

DOCUMENTS = {
    "d1": Document(doc_id="d1", text="Rain falls from clouds."),
    "d2": Document(doc_id="d2", title="Sky", text="Air scatters short waves most, and so the sky is blue."),
    "d3": Document(doc_id="d3", text="Grass is green."),
}
QUERY = Query(query_id="q1", text="why is the sky blue")
RUN = {"q1": [Hit(doc_id=d, rank=i, score=10.0 - i) for i, d in enumerate(DOCUMENTS, start=1)]}
COLLECTION = Collection(
    collection_id="c",
    name="weather",
    scale=TREC_DL,
    guidelines="",
    guideline_version=1,
    documents=3,
    queries=1,
    source="",
    created_at=utc_now(),
)
BASE = Version(version_id="base", name="base", base_model="scripted")


def scripted():
    return ScriptedLM(
        choose=lambda ask: {
            c: 0.85 if c == ("3" if "scatters" in ask.messages[1].content else "0") else 0.05 for c in "0123"
        },
        generate=lambda ask: ' It says "air scatters short waves".\nmore',
    )


def pipeline(version=BASE, collection=COLLECTION, lm=None, documents=DOCUMENTS):
    return Pipeline(
        collection=collection,
        documents=lambda ids: {i: documents[i] for i in ids if i in documents},
        retriever=None,
        lm=lm or scripted(),
        version=version,
    )


def test_a_ranking_holds_all_that_made_it():
    (ranking,) = pipeline().rank([QUERY], Plan(depth=3, explain_top=1), run=RUN)
    best = ranking.documents[0]
    assert [d.doc_id for d in ranking.documents] == ["d2", "d1", "d3"]
    assert (best.grade, best.first_stage_rank, best.explanation) == (3, 2, 'It says "air scatters short waves".')
    assert best.evidence[0].start_char == 0
    assert best.probabilities[3] == pytest.approx(0.85)
    assert sum(best.probabilities.values()) == pytest.approx(1.0)
    assert ranking.method == "pointwise-verdict-first"
    assert ranking.prompt_sha256 == prompt_sha256(COLLECTION, ranking.method)
    assert ranking.retriever == "given run"
    assert ranking.parameters["lm"] == "scripted"
    assert set(ranking.seconds) == {"retrieve", "rank"}
    explained, *others = (document.prompt_tokens for document in ranking.documents)
    assert explained > max(others) > 0, "the best was asked for its reason too"


def test_the_listener_hears_hits_then_scores_then_text_then_the_ranking():
    events = []
    listener = Listener(
        on_hits=lambda q, hits: events.append(("hits", len(hits))),
        on_scored=lambda q, doc_id, p, expected: events.append(("scored", doc_id, round(expected, 2))),
        on_text=lambda q, doc_id, piece: events.append(("text", doc_id)),
        on_ranking=lambda r: events.append(("ranking", r.query_id)),
    )
    pipeline().rank([QUERY], Plan(depth=2, explain_top=1), run=RUN, listener=listener)
    assert events[:3] == [("hits", 2), ("scored", "d1", 0.3), ("scored", "d2", 2.7)]
    assert set(events[3:-1]) == {("text", "d2")}
    assert events[-1] == ("ranking", "q1")


def test_a_listener_that_raises_stops_the_work():
    class LeftError(Exception):
        pass

    def leave(*_):
        raise LeftError

    lm = scripted()
    with pytest.raises(LeftError):
        pipeline(lm=lm).rank([QUERY], Plan(depth=3), run=RUN, listener=Listener(on_scored=leave))
    assert len(lm.asks) == 1


def test_long_documents_are_cut_and_it_is_recorded():
    lm = scripted()
    (ranking,) = pipeline(lm=lm).rank([QUERY], Plan(depth=3, document_tokens=3, explain_top=0), run=RUN)
    cut = {d.doc_id: d.cut for d in ranking.documents}
    assert cut == {"d1": True, "d2": True, "d3": False}
    assert "from clouds" not in lm.asks[0].messages[1].content


def test_documents_a_query_excludes_are_dropped_before_the_depth_is_cut():
    excluding = replace(QUERY, excluded_ids=("d1", "unknown"))
    (ranking,) = pipeline().rank([excluding], Plan(depth=2, explain_top=0), run=RUN)
    assert [(d.doc_id, d.first_stage_rank) for d in ranking.documents] == [("d2", 1), ("d3", 2)]

    class First:
        name = "first"

        def search(self, query, depth):
            return RUN["q1"][:depth]

    (ranking,) = replace(pipeline(), retriever=First()).rank([excluding], Plan(depth=1, explain_top=0))
    assert [d.doc_id for d in ranking.documents] == ["d2"], "the retriever is asked for as many more"


def test_a_query_without_hits_gives_an_empty_ranking():
    (ranking,) = pipeline().rank([Query(query_id="none", text="?")], Plan(), run=RUN)
    assert ranking.documents == ()


def test_no_index_and_a_foreign_document_are_said_with_the_mend():
    with pytest.raises(RetrievalError, match="whyrank collection rebuild weather"):
        pipeline().rank([QUERY], Plan())
    with pytest.raises(NotFoundError, match="'d9'"):
        pipeline().rank([QUERY], Plan(), run={"q1": [Hit(doc_id="d9", rank=1, score=1.0)]})


@pytest.mark.parametrize("plan", [Plan(depth=0), Plan(depth=2000), Plan(fusion_weight=-0.1)])
def test_settings_out_of_range_are_refused(plan):
    with pytest.raises(SettingsError):
        pipeline().rank([QUERY], plan, run=RUN)


TRAINED = Version(
    version_id="v1",
    name="v1",
    base_model="scripted",
    adapter_path="versions/v1",
    prompt_sha256=prompt_sha256(COLLECTION, "pointwise-score"),
    scale_name="trec-dl",
    form="pointwise-verdict-first",
)


def test_a_version_ranks_by_the_methods_of_its_form_only():
    for method in ("pointwise-score", "pointwise-verdict-first"):
        pipeline(TRAINED).rank([QUERY], Plan(method=method), run=RUN)
    with pytest.raises(IncompatibleVersionError, match="pointwise-score"):
        pipeline(TRAINED).rank([QUERY], Plan(method="pointwise-reason-first"), run=RUN)


@pytest.mark.parametrize(
    ("collection", "word"),
    [(replace(COLLECTION, scale=PRORANK), "scale"), (replace(COLLECTION, guidelines="Be strict."), "guidelines")],
)
def test_a_version_of_another_scale_or_prompt_is_refused(collection, word):
    with pytest.raises(IncompatibleVersionError, match=word):
        pipeline(TRAINED, collection).rank([QUERY], Plan(), run=RUN)
