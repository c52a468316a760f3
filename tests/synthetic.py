"""A small collection that a tiny random model can learn: one marker word in a document decides its grade.

Every query asks about a topic of its own, and every document of a topic names it, so BM25 finds a query's documents;
how often a document names the topic has nothing to do with its grade, so BM25's order is no better than chance among
them. What a model must learn from the training queries is the grade of each marker, which then holds for the
held-out queries. With shuffled labels there is nothing to learn.
"""

import random
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load_file, save_file

from data.records import AssessorKind, Collection, Document, Judgment, Query, Split, new_id
from data.scales import TREC_DL, Scale
from data.store import Store
from engine.explanation import prompt
from tests import tiny

LEARNING = {"epochs": 16, "learning_rate": 5e-3, "batch_size": 8}
"""Fields of a TrainConfig with which `learnable_model` learns the markers in about half a minute on one core: nDCG@10
on the held-out queries rises from .85 (BM25: .76) to .99; with shuffled labels it falls to about .81."""
MARKERS = ("mud", "tin", "oak", "sun")
"""Grade -> marker word. Short words, so that most tokenizers have few tokens for them."""
_FILLERS = ("and", "of", "it", "the", "in", "on", "to", "is")


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthetic:
    """The collection's parts."""

    documents: tuple[Document, ...]
    queries: tuple[Query, ...]
    grades: dict[tuple[str, str], int]
    """(query_id, doc_id) -> true grade"""


def synthetic(*, train: int = 18, heldout: int = 12, per_query: int = 8, seed: int = 0) -> Synthetic:
    """Make the collection: `train` + `heldout` queries with `per_query` documents each."""
    rng = random.Random(seed)
    documents, queries, grades = [], [], {}
    for number in range(train + heldout):
        topic = _topic(number)
        split = Split.TRAIN if number < train else Split.HELDOUT
        query = Query(query_id=f"q{number:02}", text=topic, split=split)
        queries.append(query)
        for position in range(per_query):
            grade = position % len(MARKERS)
            words = [topic] * rng.randint(1, 3) + rng.choices(_FILLERS, k=4) + [MARKERS[grade]]
            rng.shuffle(words)
            document = Document(doc_id=f"{query.query_id}-{position}", text=" ".join(words))
            documents.append(document)
            grades[query.query_id, document.doc_id] = grade
    return Synthetic(documents=tuple(documents), queries=tuple(queries), grades=grades)


def install(
    store: Store,
    made: Synthetic,
    *,
    name: str = "synthetic",
    shuffled: bool = False,
    seed: int = 0,
    scale: Scale = TREC_DL,
) -> Collection:
    """Store the collection with a person's judgments of every pair. `shuffled`: the training queries' grades are dealt
    out at random, each marker getting every grade equally often; the held-out ones stay true."""
    collection = store.collections.add(
        name=name, scale=scale, documents=made.documents, queries=made.queries, source="synthetic"
    )
    person = store.assessors.ensure("Synthetic person", AssessorKind.HUMAN)
    grades = _dealt(made, seed) if shuffled else made.grades
    store.judgments.add_many(
        Judgment(
            event_id=new_id(),
            collection_id=collection.collection_id,
            query_id=query_id,
            doc_id=doc_id,
            assessor_id=person.assessor_id,
            grade=grade,
        )
        for (query_id, doc_id), grade in grades.items()
    )
    return collection


def learnable_model(path: Path, made: Synthetic) -> Path:
    """A tiny random model that can learn the markers with an adapter alone: its tokenizer knows the words of prompt
    and documents, and its frozen random weights are large enough for an adapter to work with (those of the plain tiny
    model keep its logits too close together)."""
    words = [prompt.system_text(TREC_DL, "", "verdict-first")] * 3 + [document.text for document in made.documents]
    tiny.build(path, corpus=" ".join(words))
    file = path / "model.safetensors"
    weights = {name: tensor * 1.6 if tensor.dim() > 1 else tensor for name, tensor in load_file(file).items()}
    save_file(weights, file, metadata={"format": "pt"})
    return path


def _dealt(made: Synthetic, seed: int) -> dict[tuple[str, str], int]:
    """Grades that say nothing of the training queries' markers. A plain shuffle of so few would leave some relation
    between marker and grade by chance, and the model would find it."""
    rng = random.Random(seed)
    training = {query.query_id for query in made.queries if query.split is Split.TRAIN}
    grades = dict(made.grades)
    for marker in range(len(MARKERS)):
        pairs = [pair for pair, grade in made.grades.items() if grade == marker and pair[0] in training]
        rng.shuffle(pairs)
        grades.update((pair, position % len(MARKERS)) for position, pair in enumerate(pairs))
    return grades


def _topic(number: int) -> str:
    """A word of two syllables that no other topic has."""
    return "bdfgklmnprst"[number % 12] + "aeiou"[number % 5] + "vzxw"[number // 12] + "o"
