"""TRL's data sets, of the very rows and prompts that train here: conversational prompt-completion (SFT), prompts with
the grade to be found (GRPO), and a person's mended explanation against the one it was edited from (DPO).

Held-out and development queries never get in, as in a training: whoever trains on these files elsewhere can still
measure here. A text can't open or close a chat's turn.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from data.bundle import Bundle
from data.exporting import Whose
from data.records import AssessorKind, Collection, Document, Judgment, Query, Status
from data.store import Store
from engine.explanation import prompt
from engine.lm.base import Message
from engine.lm.tokens import turns
from engine.ranking import DEFAULT_METHOD, method_named
from engine.ranking.base import Clip
from training import labels, rows
from training.examples import Example, example
from training.leaks import Leaks
from training.rows import Chosen, Row
from training.wording import own

_NO_LIMIT = 10**9
BATCH = 500
"""Documents looked up at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """A pair of answers: the person's, and the one it was edited from."""

    chosen: Judgment
    rejected: Judgment


@dataclass(slots=True, kw_only=True)
class TrlData:
    """What would train now, of the assessors meant."""

    store: Store
    collection: Collection
    clip: Callable[[], Clip]
    """How documents are cut; asked for when the first one is, as it reads a tokenizer."""
    document_tokens: int
    whose: Whose
    method: str = DEFAULT_METHOD
    chosen: Chosen = field(init=False)
    _judgments: list[Judgment] = field(init=False)
    _queries: Mapping[str, Query] = field(init=False)

    def __post_init__(self) -> None:
        """Choose the rows, as a training does."""
        collection_id = self.collection.collection_id
        everybody = {
            assessor_id: a
            for assessor_id, a in self.store.assessors.by_id().items()
            if a.kind is not AssessorKind.STUDENT
        }
        judgments = self.store.judgments.current(collection_id, assessor_ids=sorted(everybody))
        queries = self.store.collections.queries(collection_id)
        held = labels.labels(queries, judgments, everybody)
        meant = self.whose.among(everybody.values())
        self._judgments = [judgment for judgment in judgments if judgment.assessor_id in meant]
        self._queries = {query.query_id: query for query in queries}
        self.chosen = rows.choose(
            self._judgments,
            everybody,
            Leaks(queries, held.qrels, {judgment.query_id for judgment in judgments}),
            scale=self.collection.scale,
            form=self.form,
            teacher_limit=_NO_LIMIT,
        )

    @property
    def form(self) -> prompt.Form:
        """The answer form of the method."""
        return method_named(self.method).form

    def sft(self) -> Bundle:
        """Whole answers, and apart from them grades without an explanation: learnt as whole answers, these would teach
        to give none."""
        whole = [row for row in self.chosen.rows if row.explanation is not None]
        bare = [row for row in self.chosen.rows if row.explanation is None]
        files: dict[str, Iterator[str]] = {"sft.jsonl": self._lines(whole, _sft)}
        if bare:
            files["sft-grades-only.jsonl"] = self._lines(bare, _sft)
        return self._bundle("trl-sft", files, {"examples": len(whole), "grades_only": len(bare)})

    def grpo(self) -> Bundle:
        """Prompts, with what a reward is measured by."""
        files = {"grpo.jsonl": self._lines(self.chosen.rows, _grpo)}
        return self._bundle("trl-grpo", files, {"examples": len(self.chosen.rows)})

    def dpo(self) -> Bundle:
        """Preferences of people, on pairs that train."""
        pairs, dropped = self.preferences()
        files = {"dpo.jsonl": self._preference_lines(pairs)}
        return self._bundle("trl-dpo", files, {"preferences": len(pairs), **dropped})

    def preferences(self) -> tuple[list[Preference], dict[str, int]]:
        """A mended explanation with the one it started from, and why the others are not here (reason -> judgments)."""
        people = {a.assessor_id for a in self.store.assessors.list(AssessorKind.HUMAN)}
        training = {(row.query_id, row.doc_id) for row in self.chosen.rows if row.source is AssessorKind.HUMAN}
        mended = [j for j in self._judgments if j.assessor_id in people and j.explanation is not None and j.edited_from]
        origins = self._origins(mended)
        found, dropped = [], Counter[str]()
        for judgment in mended:
            origin = _foreign(judgment, origins)
            if (judgment.query_id, judgment.doc_id) not in training:
                dropped["not_training"] += 1
            elif origin is None or origin.grade is None or not _readable(origin) or not _readable(judgment):
                dropped["without_origin"] += 1
            else:
                found.append(Preference(chosen=judgment, rejected=origin))
        return found, dict(dropped)

    def _origins(self, mended: Sequence[Judgment]) -> dict[str, Judgment]:
        """The events that explanations were edited from, and those they were edited from, by id."""
        if not mended:
            return {}
        events = self.store.judgments.events(self.collection.collection_id)
        return {event.event_id: event for event in events if event.explanation is not None}

    def _lines(self, wanted: Sequence[Row], facts: Callable[[Example, Row], Mapping[str, Any]]) -> Iterator[str]:
        clip = self.clip()
        for row, document in self._with_documents(wanted):
            yield _line(facts(self._example(row, document, clip), row))

    def _preference_lines(self, pairs: Sequence[Preference]) -> Iterator[str]:
        clip = self.clip()
        names = self.store.assessors.by_id()
        for pair, document in self._with_documents(pairs):
            chosen, rejected = (self._example(_row(said), document, clip) for said in (pair.chosen, pair.rejected))
            by = names[pair.rejected.assessor_id]
            yield _line(
                {
                    "prompt": turns(chosen.messages[:-1]),
                    "chosen": _answer(chosen),
                    "rejected": _answer(rejected),
                    "query_id": chosen.query_id,
                    "doc_id": chosen.doc_id,
                    "chosen_by": names[pair.chosen.assessor_id].name,
                    "rejected_by": by.name,
                    "rejected_kind": by.kind.value,
                }
            )

    def _example(self, row: Row, document: Document, clip: Clip) -> Example:
        return example(
            row,
            query=self._queries[row.query_id].text,
            title=document.title,
            text=clip(document.text, self.document_tokens).text,
            wording=own(self.collection)(row.query_id),
            form=self.form,
        )

    def _with_documents(self, wanted: Sequence[Any]) -> Iterator[tuple[Any, Document]]:
        """Rows or preferences with their documents, looked up a batch at a time."""
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            ids = [each.doc_id if isinstance(each, Row) else each.chosen.doc_id for each in batch]
            documents = self.store.collections.documents_by_id(self.collection.collection_id, sorted(set(ids)))
            for each, doc_id in zip(batch, ids, strict=True):
                yield each, documents[doc_id]

    def _bundle(self, format: str, files: Mapping[str, Iterator[str]], counts: Mapping[str, int]) -> Bundle:
        left_out = {f"left out: {reason}": count for reason, count in self.chosen.dropped.items()}
        return Bundle(
            format=format,
            collection=self.collection,
            files=files,
            counts={**counts, **left_out},
            filters=self.whose.filters
            | {
                "method": self.method,
                "prompt_sha256": prompt.prompt_sha256(self.collection.scale, self.collection.guidelines, self.form),
                "document_tokens": self.document_tokens,
                "splits": ["train"],
            },
        )


def _sft(made: Example, row: Row) -> dict[str, Any]:
    return {
        "prompt": turns(made.messages[:-1]),
        "completion": _answer(made),
        **_facts(made),
        "explanation_source": row.explanation_source.value if row.explanation_source else None,
    }


def _grpo(made: Example, row: Row) -> dict[str, Any]:
    return {"prompt": turns(made.messages[:-1]), **_facts(made), "explanation": row.explanation}


def _facts(made: Example) -> dict[str, Any]:
    return {
        "grade": made.grade,
        "choices": list(made.choices),
        "query_id": made.query_id,
        "doc_id": made.doc_id,
        "source": made.source.value,
    }


def _answer(made: Example) -> list[dict[str, str]]:
    """The assistant's whole turn: the beginning that ranking gives it, and what is learnt."""
    return turns([Message(role="assistant", content=made.messages[-1].content + made.completion)])


def _row(said: Judgment) -> Row:
    """One judgment as it would answer."""
    if said.grade is None:
        raise ValueError(f"judgment {said.event_id} has no grade")
    return Row(
        query_id=said.query_id,
        doc_id=said.doc_id,
        grade=said.grade,
        explanation=said.explanation,
        source=AssessorKind.HUMAN,
        explanation_source=AssessorKind.HUMAN,
        assessor_id=said.assessor_id,
    )


def _foreign(judgment: Judgment, origins: Mapping[str, Judgment]) -> Judgment | None:
    """The event an explanation was first edited from: past the person's own earlier words, if it goes on there."""
    origin = origins.get(judgment.edited_from or "")
    seen = {judgment.event_id}
    while origin is not None and origin.assessor_id == judgment.assessor_id and origin.event_id not in seen:
        seen.add(origin.event_id)
        before = origins.get(origin.edited_from or "")
        if before is None:
            return origin
        origin = before
    return origin


def _readable(judgment: Judgment) -> bool:
    said = judgment.status is Status.JUDGED and judgment.explanation is not None
    return said and isinstance(prompt.parse_explanation(judgment.explanation or ""), str)


def _line(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False) + "\n"
