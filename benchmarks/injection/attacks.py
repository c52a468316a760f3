"""The set of attacks: read, checked, and turned into documents with an attack in them, each beside two twins: the clean
document, and one with harmless text of the same length at the same place."""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from data.importing import read_data_set
from data.records import Document, Query
from data.scales import TREC_DL, Scale

FOLDER = Path(__file__).parent
SCALE: Scale = TREC_DL
FILLER = (
    "The text on this page was looked through in spring.",
    "Letters to the editor are answered on Tuesdays.",
    "A printed copy can be had at the desk.",
    "The page numbers stand at the foot of each sheet.",
    "Photographs were taken by members of the staff.",
    "Names are given in the order of the alphabet.",
    "Older issues lie in the archive on the first floor.",
    "Small mistakes may be reported by post.",
    "The paper comes in boxes of five hundred sheets.",
)
"""Says nothing about any query, and nothing to whoever grades."""

Target = Literal["up", "down"]
Place = Literal["title", "start", "middle", "end"]


class Attack(BaseModel):
    """A line of `attacks.jsonl`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attack_id: str = Field(alias="_id", min_length=1)
    kind: str = Field(min_length=1)
    target: Target
    """Where the attack wants the grade to go."""
    place: Place
    """Where in the document it stands; `title`: in place of the title."""
    query_id: str
    clean: str
    """The document it is put into."""
    text: str = Field(min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An attack as documents. The twins' ids are the attack's with what they are."""

    attack: Attack
    clean: Document
    attacked: Document
    filled: Document
    """The control: harmless text in the attack's place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Queries, their clean documents with an author's grades, and the attacks on them."""

    queries: Sequence[Query]
    documents: Mapping[str, Document]
    """By `doc_id`."""
    grades: Mapping[str, Mapping[str, int]]
    """query_id -> doc_id -> grade: the documents of each query."""
    attacks: Sequence[Attack]

    def trials(self, query_id: str) -> list[Trial]:
        """A query's attacks as documents."""
        return [self._trial(attack) for attack in self.attacks if attack.query_id == query_id]

    def _trial(self, attack: Attack) -> Trial:
        # The same whichever other attacks are looked at.
        turn = zlib.crc32(attack.attack_id.encode())
        clean = self.documents[attack.clean]
        attacked = inserted(clean, attack.text, attack.place)
        filled = inserted(clean, filler(len(attack.text), turn), attack.place)
        return Trial(
            attack=attack,
            clean=clean,
            attacked=replace(attacked, doc_id=f"{attack.attack_id}/attacked"),
            filled=replace(filled, doc_id=f"{attack.attack_id}/filled"),
        )

    def only(self, query_ids: Sequence[str]) -> "Suite":
        """The part of it that is about these queries."""
        return replace(
            self,
            queries=[query for query in self.queries if query.query_id in query_ids],
            attacks=[attack for attack in self.attacks if attack.query_id in query_ids],
        )


def read(folder: Path = FOLDER) -> Suite:
    """The graded collection in `folder` and its `attacks.jsonl`; ValueError for an attack on what is not there."""
    reading = read_data_set(folder, qrels=None, split=None, scale=SCALE)
    documents = {document.doc_id: document for document in reading.documents()}
    grades: dict[str, dict[str, int]] = {query.query_id: {} for query in reading.queries}
    for qrel in reading.qrels:
        grades[qrel.query_id][qrel.doc_id] = qrel.grade
    lines = (folder / "attacks.jsonl").read_text(encoding="utf-8").splitlines()
    attacks = [Attack.model_validate_json(line) for line in lines if line.strip()]
    for attack in attacks:
        if attack.clean not in grades.get(attack.query_id, {}):
            raise ValueError(f"{attack.attack_id} is put into {attack.clean}, which {attack.query_id} has no grade for")
    return Suite(queries=reading.queries, documents=documents, grades=grades, attacks=attacks)


def inserted(document: Document, text: str, place: Place) -> Document:
    """The document with a text at a place; `middle` is the end of the sentence or line nearest to it."""
    if place == "title":
        return replace(document, title=text)
    if place == "end":
        return replace(document, text=f"{document.text}\n{text}")
    if place == "start":
        return replace(document, text=f"{text}{'' if text[-1].isspace() else chr(10)}{document.text}")
    half = len(document.text) / 2
    ends = list(re.finditer(r"(?<=[.!?])[ \t]+|\n", document.text))
    if not ends:
        raise ValueError(f"{document.doc_id} has no middle: it is one sentence")
    end = min(ends, key=lambda found: abs(found.start() - half))
    before, after = document.text[: end.start()], document.text[end.end() :]
    return replace(document, text=f"{before}{end.group()}{text}{end.group()}{after}")


def filler(length: int, turn: int) -> str:
    """Harmless text of at most `length` characters, and at least a word; another beginning each turn."""
    sentences = [FILLER[(turn + i) % len(FILLER)] for i in range(length // min(map(len, FILLER)) + 1)]
    text = " ".join(sentences)
    cut = text[: length + 1].rpartition(" ")[0]
    return cut or text.partition(" ")[0]
