"""TRL's data sets: the prompts that rank, nothing of held-out queries, and readable by TRL itself."""

import json
import shutil

import pytest

from data.bundle import write_folder
from data.exporting import Whose
from data.records import AssessorKind, Judgment, Split, new_id
from engine.explanation import prompt
from engine.lm.scripted import ScriptedLM
from training.splits import split_of
from training.trl_data import TrlData

BOTH = Whose(kinds=(AssessorKind.HUMAN, AssessorKind.TEACHER))
CONTROL = "It says <|im_end|> and [INST]."


@pytest.fixture
def train(made):
    """Ids of training queries."""
    return [query.query_id for query in made.queries if split_of(query) is Split.TRAIN]


@pytest.fixture
def say(workbench, collection):
    def said(name, kind, query_id, doc_id, grade, explanation=None, **more):
        assessor = workbench.store.assessors.ensure(name, kind)
        event = Judgment(
            event_id=new_id(),
            collection_id=collection.collection_id,
            query_id=query_id,
            doc_id=doc_id,
            assessor_id=assessor.assessor_id,
            grade=grade,
            explanation=explanation,
            **more,
        )
        workbench.store.judgments.add(event)
        return event

    return said


@pytest.fixture
def trl(workbench, collection):
    def made(whose=BOTH):
        return TrlData(
            store=workbench.store,
            collection=collection,
            clip=lambda: ScriptedLM(lambda ask: {}).clip,
            document_tokens=320,
            whose=whose,
        )

    return made


def rows(bundle, tmp_path, name):
    out = tmp_path / bundle.format
    shutil.rmtree(out, ignore_errors=True)
    manifest = write_folder(bundle, out)
    return [json.loads(line) for line in (out / name).read_text().splitlines()], manifest


def test_sft_has_the_prompts_that_rank_and_whole_answers(workbench, collection, made, train, say, trl, tmp_path):
    query_id, doc_id = train[0], f"{train[0]}-0"
    grade = made.grades[query_id, doc_id]
    say("Ann", AssessorKind.HUMAN, query_id, doc_id, grade, f'"mud". {CONTROL}')
    found, manifest = rows(trl().sft(), tmp_path, "sft.jsonl")
    (only,) = found
    document = workbench.store.collections.documents_by_id(collection.collection_id, [doc_id])[doc_id]
    system = prompt.system_text(collection.scale, collection.guidelines, "verdict-first")
    text = workbench.store.collections.query(collection.collection_id, query_id).text
    asked = prompt.messages(system=system, query=text, title="", text=document.text)
    assert only["prompt"] == [{"role": turn.role, "content": turn.content} for turn in asked]
    (answer,) = only["completion"]
    assert answer["role"] == "assistant" and "<|im_end|>" not in answer["content"] and "[INST]" not in answer["content"]
    read = prompt.parse(answer["content"], scale=collection.scale, form="verdict-first")
    assert read.grade == grade and read.explanation.startswith('"mud".')
    bare = [json.loads(line) for line in (tmp_path / "trl-sft" / "sft-grades-only.jsonl").read_text().splitlines()]
    assert manifest["counts"]["grades_only"] == len(bare) == 6 * 4 - 1
    assert manifest["filters"]["prompt_sha256"] == prompt.prompt_sha256(collection.scale, "", "verdict-first")


def test_no_held_out_query_gets_in(made, train, trl, tmp_path):
    found, manifest = rows(trl().grpo(), tmp_path, "grpo.jsonl")
    assert {row["query_id"] for row in found} == set(train)
    assert manifest["counts"]["left out: held-out query"] == 12 * 4
    for row in found:
        assert row["grade"] == made.grades[row["query_id"], row["doc_id"]]
        assert [turn["role"] for turn in row["prompt"]] == ["system", "user"]
        assert row["choices"] == ["0", "1", "2", "3"]


def test_a_mended_explanation_is_preferred_to_the_one_it_was_edited_from(made, train, say, trl, tmp_path):
    query_id, doc_id = train[0], f"{train[0]}-1"
    held = next(q.query_id for q in made.queries if split_of(q) is Split.HELDOUT)
    grade = made.grades[query_id, doc_id]
    taught = say("T", AssessorKind.TEACHER, query_id, doc_id, 0, "The teacher's words.")
    first = say("Synthetic person", AssessorKind.HUMAN, query_id, doc_id, grade, "Mended.", edited_from=taught.event_id)
    say("Synthetic person", AssessorKind.HUMAN, query_id, doc_id, grade, "Mended again.", edited_from=first.event_id)
    for_evaluation = say("T", AssessorKind.TEACHER, held, f"{held}-0", 0, "Held out.")
    grade = made.grades[held, f"{held}-0"]
    say("Synthetic person", AssessorKind.HUMAN, held, f"{held}-0", grade, "Mine.", edited_from=for_evaluation.event_id)
    (only,), manifest = rows(trl().dpo(), tmp_path, "dpo.jsonl")
    chosen, rejected = only["chosen"][0]["content"], only["rejected"][0]["content"]
    assert chosen.endswith("Explanation: Mended again.") and chosen.startswith(
        f"Grade: {made.grades[query_id, doc_id]}"
    )
    assert rejected == "Grade: 0\nExplanation: The teacher's words."
    assert (only["rejected_by"], only["rejected_kind"]) == ("T", "teacher")
    assert (manifest["counts"]["preferences"], manifest["counts"]["not_training"]) == (1, 1)


def test_only_the_assessors_meant_are_taken(train, say, trl):
    say("T", AssessorKind.TEACHER, train[0], f"{train[0]}-0", 3, "A teacher's.")
    assert {row.source for row in trl(Whose(assessor="T")).chosen.rows} == {AssessorKind.TEACHER}


@pytest.mark.slow
def test_trl_reads_all_three(tiny_model, train, made, say, trl, tmp_path):
    from datasets import load_dataset
    from transformers import AutoTokenizer
    from trl.data_utils import is_conversational, maybe_apply_chat_template

    query_id, doc_id = train[0], f"{train[0]}-1"
    taught = say("T", AssessorKind.TEACHER, query_id, doc_id, 0, "The teacher's words.")
    grade = made.grades[query_id, doc_id]
    say("Synthetic person", AssessorKind.HUMAN, query_id, doc_id, grade, "Mended.", edited_from=taught.event_id)
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    for bundle, columns in (
        (trl().sft(), {"completion"}),
        (trl().grpo(), set()),
        (trl().dpo(), {"chosen", "rejected"}),
    ):
        name = bundle.format.removeprefix("trl-")
        rows(bundle, tmp_path, f"{name}.jsonl")
        data = load_dataset(
            "json", data_files=str(tmp_path / bundle.format / f"{name}.jsonl"), cache_dir=str(tmp_path / "cache")
        )["train"]
        assert is_conversational(data[0])
        text = maybe_apply_chat_template({key: data[0][key] for key in {"prompt"} | columns}, tokenizer)
        assert set(text) == {"prompt"} | columns and all(isinstance(value, str) and value for value in text.values())
