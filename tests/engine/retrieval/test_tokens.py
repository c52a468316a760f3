"""Words and stems, against examples from the papers and against Lucene itself."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.retrieval import java
from engine.retrieval.porter import stem
from engine.retrieval.tokens import tokens

SCIFACT = Path(__file__).parents[4] / "shared" / "datasets" / "scifact"

SENTENCES = (
    "Why do leaves change colour? They're losing chlorophyll's green.",
    "Dr. O'Neil's e-mail: a.b@c.com, http://x.org/a_b?c=1,000.5",
    "don’t ’tis rock'n'roll 'quoted' dogs' U.S.A. 1.5kg 3,000 12:30 a:b C++ C# .NET",
    "a.1 1.a 1.2.3 a.b.c 1,a a,1 1'2 1’2 __init__ _ __ a_b 3_4",
    "naïve café Œuvre ΣΊΣΥΦΟΣ İstanbul straße e\u0301tude \u0301x русский Ёж",
    "日本語のテキスト、カタカナ語 한국어 텍스트 中文",
    "हिन्दी में लिखा पाठ ภาษาไทย ง่าย مرحبا بالعالم שלום",
    "x² H₂O ½ ① Ⅳ ª µm 10µm α-helix 5′-end 3'UTR km² © ® ™ ↔ ☆ ❤️ 👩\u200d🔬 😀",
    "\x00a\x00b soft\u00adhyphen zero\u200bwidth join\u200der",
    "logical biology possibly ability apologi flies dying generously relational conditional skies sky oscillators",
    "x" * 600,
)


def lucene_tokens(text: str) -> list[str]:
    """The words Anserini's analyzer makes of `text`."""

    def analyze() -> list[str]:
        from jnius import autoclass

        analyzer = autoclass("io.anserini.analysis.DefaultEnglishAnalyzer").newDefaultInstance()
        terms = autoclass("io.anserini.analysis.AnalyzerUtils").analyze(analyzer, text)
        encode = autoclass("java.net.URLEncoder").encode
        return [encode(term, "UTF-8") for term in terms]

    from urllib.parse import unquote_plus

    return [unquote_plus(term) for term in java.call(analyze)]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("caresses", "caress"),
        ("ponies", "poni"),
        ("cats", "cat"),
        ("agreed", "agre"),
        ("feed", "feed"),
        ("plastered", "plaster"),
        ("bled", "bled"),
        ("hopping", "hop"),
        ("falling", "fall"),
        ("filing", "file"),
        ("sized", "size"),
        ("happy", "happi"),
        ("sky", "sky"),
        ("relational", "relat"),
        ("vietnamization", "vietnam"),
        ("triplicate", "triplic"),
        ("adoption", "adopt"),
        ("replacement", "replac"),
        ("probate", "probat"),
        ("rate", "rate"),
        ("cease", "ceas"),
        ("controll", "control"),
        ("roll", "roll"),
        ("biology", "biologi"),
        ("astrologi", "astrolog"),
        ("possibli", "possibl"),
        ("is", "is"),
        ("ion", "ion"),
    ],
)
def test_stems_of_the_paper_and_its_two_changes(word: str, expected: str) -> None:
    assert stem(word) == expected


def test_words_are_lower_stemmed_and_without_stop_words() -> None:
    found = " ".join(tokens("The Dog's RUNNING, and the cats aren't: 3,000.5 times!"))
    assert found == "dog run cat aren't 3,000.5 time"
    assert tokens("the of and THE") == []
    assert tokens("") == []


@given(st.text(max_size=40))
@settings(max_examples=50, deadline=None)
def test_any_text_gives_words_without_white_space(text: str) -> None:
    found = tokens(text)
    assert all(word and not any(letter.isspace() for letter in word) for word in found)
    assert found == tokens(text)


@pytest.mark.java
@pytest.mark.parametrize("text", SENTENCES)
def test_words_are_those_of_lucene(text: str) -> None:
    assert tokens(text) == lucene_tokens(text)


@pytest.mark.java
@given(st.text(alphabet="abeiostyl'’.,:_-19 \tÉ日\n", max_size=30))
@settings(max_examples=60, deadline=None)
def test_words_of_generated_text_are_those_of_lucene(text: str) -> None:
    assert tokens(text) == lucene_tokens(text)


@pytest.mark.java
@pytest.mark.dataset
@pytest.mark.skipif(not SCIFACT.is_dir(), reason="the SciFact collection is not on this machine")
def test_words_of_scientific_abstracts_are_those_of_lucene() -> None:
    with (SCIFACT / "corpus.jsonl").open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for _, line in zip(range(300), lines, strict=False)]
    assert [text for text in texts if tokens(text) != lucene_tokens(text)] == []
