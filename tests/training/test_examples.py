import json

import pytest

from data.records import AssessorKind, Collection, Document, Query, utc_now
from data.scales import TREC_DL
from engine.explanation import prompt
from engine.lm.scripted import ScriptedLM
from training.examples import snapshot
from training.rows import Chosen, Row

COLLECTION = Collection(
    collection_id="c",
    name="c",
    scale=TREC_DL,
    guidelines="Count only what is said.",
    guideline_version=1,
    documents=2,
    queries=1,
    source="",
    created_at=utc_now(),
)
DOCUMENTS = {
    "d1": Document(doc_id="d1", title="Salt", text="The sea is salty. Rivers bring the salt."),
    "d2": Document(doc_id="d2", text="short"),
}
QUERIES = {"q": Query(query_id="q", text="why is the sea salty")}


def row(doc_id="d1", grade=2, explanation='It says "Rivers bring the salt".'):
    return Row(
        query_id="q",
        doc_id=doc_id,
        grade=grade,
        explanation=explanation,
        source=AssessorKind.HUMAN,
        explanation_source=AssessorKind.HUMAN if explanation else None,
        assessor_id="ann",
    )


def made(*rows, form="verdict-first", document_tokens=100):
    return snapshot(
        Chosen(rows=rows, dropped={}),
        collection=COLLECTION,
        queries=QUERIES,
        documents=DOCUMENTS,
        form=form,
        clip=ScriptedLM().clip,
        document_tokens=document_tokens,
    )


@pytest.mark.parametrize("form", ["verdict-first", "reason-first"])
def test_what_is_learnt_reads_back_as_the_grade_and_the_explanation(form):
    (example,) = made(row(), form=form).examples
    answer = prompt.parse(example.messages[-1].content + example.completion, scale=TREC_DL, form=form)
    assert answer == prompt.Answer(grade=2, explanation='It says "Rivers bring the salt".')
    assert example.closed


def test_the_prompt_is_the_ranking_method_s():
    (example,) = made(row()).examples
    system = prompt.system_text(TREC_DL, "Count only what is said.", "verdict-first")
    turns = prompt.messages(
        system=system, query="why is the sea salty", title="Salt", text="The sea is salty. Rivers bring the salt."
    )
    assert example.messages == prompt.answered(turns, "Grade: ")


def test_a_grade_without_explanation_is_trained_alone_and_left_open():
    (example,) = made(row(explanation=None)).examples
    assert (example.completion, example.closed) == ("2", False)


def test_documents_are_cut_as_in_a_ranking_and_counted():
    snap = made(row(), row(doc_id="d2"), document_tokens=4)
    assert snap.cut == 1
    assert "The sea is salty.\n</document>" in snap.examples[0].messages[1].content


def test_the_hash_follows_content_and_order():
    first = made(row(), row(doc_id="d2"))
    assert first.sha256 == made(row(), row(doc_id="d2")).sha256
    others = (made(row(doc_id="d2"), row()), made(row(grade=1), row(doc_id="d2")), made(row()))
    assert len({first.sha256, *(other.sha256 for other in others)}) == 4


def test_jsonl_holds_prompt_completion_and_whose_it_is():
    (line,) = made(row()).to_jsonl().splitlines()
    content = json.loads(line)
    assert [turn["role"] for turn in content["prompt"]] == ["system", "user"]
    assert content["completion"] == [
        {"role": "assistant", "content": 'Grade: 2\nExplanation: It says "Rivers bring the salt".'}
    ]
    assert (content["query_id"], content["doc_id"], content["grade"]) == ("q", "d1", 2)
    assert (content["source"], content["explanation_source"], content["assessor_id"]) == ("human", "human", "ann")
