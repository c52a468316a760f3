"""A job's frozen data set: each row as a prompt and the answer to be learnt, to the letter as the methods ask.

Pure: the language model's `clip` is handed in, so that documents are cut as they are when it ranks.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from data.records import AssessorKind, Collection, Document, Query
from engine.explanation import prompt
from engine.lm.base import Message
from engine.ranking.base import Clip
from training.rows import Chosen, Row
from training.wording import Wording, Wordings, own, regraded, share


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A prompt with the beginning of the answer, and the continuation to be learnt."""

    query_id: str
    doc_id: str
    grade: int
    choices: tuple[str, ...]
    """The scale's grades as the model writes them, rising."""
    target: float
    """What the expected grade shall be, as a share of the best one: 0 to 1."""
    messages: tuple[Message, ...]
    """System, user, and the assistant's beginning (`Grade: ` or `Explanation:`), which is not trained: ranking
    always gives it."""
    completion: str
    """What comes after the beginning."""
    closed: bool
    """Does the turn end after the completion? Not where only the grade is trained: an explanation would follow."""
    source: AssessorKind
    explanation_source: AssessorKind | None
    assessor_id: str
    weight: float = 1.0
    """In a batch's loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The frozen data set of a job."""

    examples: tuple[Example, ...]
    chosen: Chosen
    cut: int
    """Documents of which the model sees only the beginning, as when it ranks."""
    replayed: int
    """Examples at the end that are not the collection's own."""
    sha256: str
    """Of every example's content, in order."""

    def to_jsonl(self) -> str:
        """Every example, as `to_jsonl` writes them."""
        return to_jsonl(self.examples)


def snapshot(
    chosen: Chosen,
    *,
    collection: Collection,
    queries: Mapping[str, Query],
    documents: Mapping[str, Document],
    form: prompt.Form,
    clip: Clip,
    document_tokens: int,
    wordings: Wordings | None = None,
    replay: Sequence[Example] = (),
) -> Snapshot:
    """Make the examples of the chosen rows. `queries` and `documents` hold those of every row, by id; `wordings` says
    how each query is asked (None: in the collection's own words); `replay` is added at the end."""
    wordings = wordings or own(collection)
    examples, cut = [], 0
    for row in chosen.rows:
        document = documents[row.doc_id]
        clipped = clip(document.text, document_tokens)
        cut += clipped.cut
        wording = wordings(row.query_id)
        asked = replace(row, grade=regraded(row.grade, collection.scale, wording.scale))
        made = example(
            asked,
            query=queries[row.query_id].text,
            title=document.title,
            text=clipped.text,
            wording=wording,
            form=form,
        )
        # What it shall come to is known to the collection's own scale, however coarse the one it is asked on.
        examples.append(replace(made, target=share(row.grade, collection.scale)))
    examples += replay
    digest = hashlib.sha256("\n".join(_lines(examples)).encode()).hexdigest()
    return Snapshot(examples=tuple(examples), chosen=chosen, cut=cut, replayed=len(replay), sha256=digest)


def to_jsonl(examples: Sequence[Example]) -> str:
    """One JSON object per example: TRL's conversational prompt and completion, how much of the answer is `given`
    rather than learnt, and whose it is."""
    return "".join(line + "\n" for line in _lines(examples))


def read_jsonl(text: str) -> tuple[Example, ...]:
    """The examples that `to_jsonl` wrote."""
    return tuple(_from_json(json.loads(line)) for line in text.split("\n") if line)


def example(row: Row, *, query: str, title: str, text: str, wording: Wording, form: prompt.Form) -> Example:
    """A row as the model is asked, and what it shall answer. `text`: what the model sees of the document."""
    system = prompt.system_text(wording.scale, wording.guidelines, form)
    turns = prompt.messages(system=system, query=query, title=title, text=text)
    start = prompt.GRADE if form == "verdict-first" else prompt.EXPLANATION
    if row.explanation is None:
        completion = str(row.grade)
    else:
        answer = prompt.completion(grade=row.grade, explanation=row.explanation, form=form)
        completion = answer.removeprefix(start)
    return Example(
        query_id=row.query_id,
        doc_id=row.doc_id,
        grade=row.grade,
        choices=wording.scale.choices,
        target=share(row.grade, wording.scale),
        messages=prompt.answered(turns, start),
        completion=completion,
        closed=row.explanation is not None,
        source=row.source,
        explanation_source=row.explanation_source,
        assessor_id=row.assessor_id,
    )


def _lines(examples: Sequence[Example]) -> list[str]:
    return [json.dumps(_to_json(example), ensure_ascii=False, sort_keys=True) for example in examples]


def _to_json(example: Example) -> dict[str, object]:
    *turns, start = example.messages
    return {
        "query_id": example.query_id,
        "doc_id": example.doc_id,
        "grade": example.grade,
        "choices": example.choices,
        "target": example.target,
        "prompt": [{"role": turn.role, "content": turn.content} for turn in turns],
        "completion": [{"role": start.role, "content": start.content + example.completion}],
        "given": start.content,
        "closed": example.closed,
        "source": example.source.value,
        "explanation_source": example.explanation_source.value if example.explanation_source else None,
        "assessor_id": example.assessor_id,
        "weight": example.weight,
    }


def _from_json(content: dict[str, Any]) -> Example:
    (answer,) = content["completion"]
    given = content["given"]
    explanation_source = content["explanation_source"]
    return Example(
        query_id=content["query_id"],
        doc_id=content["doc_id"],
        grade=content["grade"],
        choices=tuple(content["choices"]),
        target=content["target"],
        messages=prompt.answered(tuple(Message(**turn) for turn in content["prompt"]), given),
        completion=answer["content"].removeprefix(given),
        closed=content["closed"],
        source=AssessorKind(content["source"]),
        explanation_source=AssessorKind(explanation_source) if explanation_source else None,
        assessor_id=content["assessor_id"],
        weight=content["weight"],
    )
