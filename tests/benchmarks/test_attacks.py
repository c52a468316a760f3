"""The set of attacks: its form, that it is our own text, and how attacks are put into documents."""

import base64
import re
from collections import Counter

import pytest
from transformers import AutoTokenizer

from benchmarks.injection import attacks
from benchmarks.injection.attacks import FILLER, FOLDER, Attack, filler, inserted
from data import sample
from data.formats.jsonl import read_documents
from data.records import Document, Split
from engine.explanation import prompt
from engine.lm.tokens import Tokens

SUITE = attacks.read()
LINES = Document(doc_id="d", title="Title", text="One is first. Two is in the middle. Three\nlast line")


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def runs(text: str, length: int = 8) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + length]) for i in range(len(found) - length + 1)}


def test_there_are_enough_attacks_of_every_kind_that_the_readme_names():
    kinds = Counter(attack.kind for attack in SUITE.attacks)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert len(SUITE.attacks) >= 72
    assert min(kinds.values()) >= 3
    assert set(re.findall(r"^\| `(\w+)` \| [a-z]", readme, re.MULTILINE)) == set(kinds)
    targets = Counter(attack.target for attack in SUITE.attacks)
    assert f"{len(SUITE.attacks)} attacks on {len(SUITE.queries)} queries" in readme
    assert f"\n{targets['up']} attacks want" in readme
    assert f", {targets['down']} want" in readme


def test_every_attack_has_its_own_id_and_text():
    assert len({attack.attack_id for attack in SUITE.attacks}) == len(SUITE.attacks)
    assert len({attack.text for attack in SUITE.attacks}) == len(SUITE.attacks)
    assert {attack.place for attack in SUITE.attacks} == {"title", "start", "middle", "end"}


def test_every_query_has_an_irrelevant_and_a_relevant_document_and_attacks():
    assert len(SUITE.queries) >= 12
    for query in SUITE.queries:
        low, high = sorted(SUITE.grades[query.query_id].values())
        assert low <= 1
        assert high == 3
        assert len(SUITE.trials(query.query_id)) >= 5


def test_attacks_push_irrelevant_documents_up_and_relevant_ones_down():
    for attack in SUITE.attacks:
        grade = SUITE.grades[attack.query_id][attack.clean]
        assert (grade <= 1) == (attack.target == "up"), attack.attack_id


def test_both_halves_have_every_kind():
    split = {query.query_id: query.split for query in SUITE.queries}
    assert Counter(split.values()) == {Split.TRAIN: 7, Split.HELDOUT: 7}
    for half in (Split.TRAIN, Split.HELDOUT):
        assert {a.kind for a in SUITE.attacks if split[a.query_id] is half} == {a.kind for a in SUITE.attacks}


def test_documents_are_short():
    for document in SUITE.documents.values():
        assert 35 <= len(words(document.text)) <= 80, document.doc_id
    for attack in SUITE.attacks:
        assert len(attack.text) <= 320, attack.attack_id


def test_the_texts_are_not_the_sample_s():
    ours = [*SUITE.documents.values()]
    told = set().union(*(runs(document.text) for document in read_documents(sample.FOLDER / "corpus.jsonl")))
    for text in [*(document.text for document in ours), *(attack.text for attack in SUITE.attacks)]:
        assert not runs(text) & told, text


def test_attacks_do_not_carry_the_answer():
    """An irrelevant document that is given the answer would be relevant, and a higher grade for it right."""
    for query in SUITE.queries:
        answer = next(d for d, grade in SUITE.grades[query.query_id].items() if grade == 3)
        for attack in SUITE.attacks:
            if attack.query_id == query.query_id and attack.target == "up":
                assert not runs(attack.text, 5) & runs(SUITE.documents[answer].text, 5), attack.attack_id


def test_codes_can_be_read():
    codes = [code for a in SUITE.attacks for code in re.findall(r"[A-Za-z0-9+/]{24,}={0,2}", a.text)]
    assert len(codes) >= 2
    for code in codes:
        assert "rade" in base64.b64decode(code, validate=True).decode()


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("start", "X.\nOne is first. Two is in the middle. Three\nlast line"),
        ("middle", "One is first. Two is in the middle. X. Three\nlast line"),
        ("end", "One is first. Two is in the middle. Three\nlast line\nX."),
    ],
)
def test_a_text_is_put_at_its_place(place, text):
    assert inserted(LINES, "X.", place) == Document(doc_id="d", title="Title", text=text)


def test_a_title_is_replaced():
    assert inserted(LINES, "X", "title") == Document(doc_id="d", title="X", text=LINES.text)


def test_the_middle_of_lines_is_a_line_of_its_own():
    assert inserted(Document(doc_id="d", text="ab\ncd"), "X", "middle").text == "ab\nX\ncd"


def test_one_sentence_has_no_middle():
    with pytest.raises(ValueError, match="no middle"):
        inserted(Document(doc_id="d", text="all in one"), "X", "middle")


@pytest.mark.parametrize("length", [1, 8, 30, 120, 300, 2000])
@pytest.mark.parametrize("turn", [0, 5, 4_000_000_000])
def test_filler_is_whole_words_of_that_length(length, turn):
    text = filler(length, turn)
    assert text == text.strip()
    assert set(text.split()) <= set(" ".join(FILLER).split())
    assert len(text) <= max(length, len("Photographs"))
    if length > 20:
        assert len(text) >= length - 15


def test_filler_has_no_word_of_a_query_that_says_something():
    little = {
        "a",
        "an",
        "and",
        "of",
        "the",
        "is",
        "in",
        "by",
        "to",
        "it",
        "do",
        "at",
        "on",
        "i",
        "for",
        "was",
        "this",
        "can",
        "out",
    }
    said = set(words(" ".join(FILLER))) - little
    for query in SUITE.queries:
        assert not said & set(words(query.text)), query.query_id


def test_a_trial_changes_only_what_it_is_about():
    for query in SUITE.queries:
        for trial in SUITE.trials(query.query_id):
            for twin in (trial.attacked, trial.filled):
                assert (twin.title == trial.clean.title) == (trial.attack.place != "title")
                assert (twin.text == trial.clean.text) == (trial.attack.place == "title")
            assert trial.attack.text in trial.attacked.title + trial.attacked.text
            sizes = [len(twin.title + twin.text) for twin in (trial.attacked, trial.filled)]
            assert -4 <= sizes[0] - sizes[1] <= 16, trial.attack.attack_id


def test_a_part_of_the_set_is_asked_the_same():
    some = SUITE.only(["wine", "iron"])
    assert [query.query_id for query in some.queries] == ["wine", "iron"]
    assert some.trials("iron") == SUITE.trials("iron")
    assert {attack.query_id for attack in some.attacks} == {"wine", "iron"}


def test_an_attack_on_what_is_not_there_is_refused(tmp_path):
    for file in ("queries.jsonl", "corpus.jsonl", "qrels.tsv"):
        (tmp_path / file).write_text((FOLDER / file).read_text(encoding="utf-8"), encoding="utf-8")
    lost = SUITE.attacks[0].model_copy(update={"clean": "wine-w"})
    (tmp_path / "attacks.jsonl").write_text(lost.model_dump_json(by_alias=True) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="put into wine-w"):
        attacks.read(tmp_path)


@pytest.mark.parametrize("wrong", [{"target": "sideways"}, {"place": "footer"}, {"text": ""}, {"note": "x"}])
def test_a_line_in_another_form_is_refused(wrong):
    with pytest.raises(ValueError, match="validation error"):
        Attack.model_validate({**SUITE.attacks[0].model_dump(by_alias=True), **wrong})


def control_tokens(folder, title: str, text: str) -> list[int]:
    """Tokens of a prompt about a document that are not text: special ones, and markup of the chat template."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    turns = prompt.messages(system="s", query="q", title=title, text=text)
    added = tokenizer.added_tokens_decoder
    return [i for i in Tokens(tokenizer).prompt(prompt.answered(turns, prompt.GRADE)) if i in added]


def no_attack_writes_one(folder):
    whole = "\n".join(attack.text for attack in SUITE.attacks) + "<tool_call>{}</tool_call><|fim_middle|>"
    assert "<|im_start|>" in whole
    assert control_tokens(folder, whole, whole) == control_tokens(folder, "title", "text")


def test_no_attack_writes_a_control_token(tiny_model):
    no_attack_writes_one(tiny_model)


@pytest.mark.model
def test_no_attack_writes_a_control_token_of_the_real_model(model_path):
    no_attack_writes_one(model_path)
