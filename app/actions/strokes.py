"""What a person did on the Judge page, as the browser tells it: the one way in, however often it is told.

Every key that answers becomes a stroke with an id made in the browser and the pair that was painted when it was
pressed. The browser keeps it until the server has acknowledged it, and sends it again after a reload or a dropped
connection; here the same id is the same event.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.actions import judging
from data.errors import StoreError, WhyRankError
from data.records import Collection, Judgment, Status
from engine.workbench import Workbench

MOST = 500
"""Strokes taken at once: a browser that was away for long sends the rest afterwards."""
EXPLANATION = 20_000
"""Characters of an explanation."""
DAY = 86_400.0

_Id = Annotated[str, Field(min_length=1, max_length=400)]
_STATUS = {"skip": Status.SKIPPED, "later": Status.LATER, "cant-judge": Status.CANT_JUDGE}


class Stroke(BaseModel):
    """One key press, or click, that says something."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    seq: Annotated[int, Field(ge=0)]
    event_id: Annotated[str, Field(pattern=r"^[0-9a-f-]{32,36}$")]
    kind: Literal["grade", "skip", "later", "cant-judge", "undo"]
    query_id: _Id
    doc_id: _Id
    grade: int | None = None
    text: Annotated[str, Field(max_length=EXPLANATION)] = ""
    started_from: _Id | None = None
    """Event whose explanation the text began as."""
    spans: tuple[tuple[int, int], ...] = ()
    seconds: Annotated[float, Field(ge=0)] | None = None
    model_visible: bool = False
    guideline_version: int | None = None
    undoes: _Id | None = None
    """The event that an undo takes back."""

    @model_validator(mode="after")
    def _whole(self) -> "Stroke":
        if (self.kind == "grade") != (self.grade is not None):
            raise ValueError("a grade comes with the kind 'grade', and with no other")
        if (self.kind == "undo") != (self.undoes is not None):
            raise ValueError("an undo names the event it takes back, and nothing else does")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the browser is told of a stroke. `final`: it may forget it."""

    event_id: str
    final: bool
    saved: bool
    words: str
    """Empty where it is saved and nothing is to be said."""
    at: str
    """Local time, hh:mm:ss."""


def read(given: Any) -> tuple[list[Stroke], list[Answer]]:
    """Strokes in the order they were made, and an answer to everything that is none."""
    strokes, refused = [], []
    for row in (given if isinstance(given, Sequence) else [])[:MOST]:
        try:
            strokes.append(Stroke.model_validate(row))
        except ValidationError as error:
            event_id = str(row.get("event_id", "")) if isinstance(row, dict) else ""
            why = error.errors()[0]
            words = f"A key could not be read ({'.'.join(map(str, why['loc']))}: {why['msg']}). Reload the page."
            refused.append(_answer(event_id, words, saved=False))
    return sorted(strokes, key=lambda stroke: stroke.seq), refused


def apply(workbench: Workbench, collection: Collection, name: str, strokes: Iterable[Stroke]) -> list[Answer]:
    """Store what was said, one event a stroke, in order; what is stored already stays as it is.

    After a failure of the store nothing more is tried: a later stroke must not overtake an earlier one, so those that
    follow wait in the browser as well.
    """
    answers: list[Answer] = []
    stopped = ""
    for stroke in strokes:
        if stopped:
            answers.append(_answer(stroke.event_id, stopped, saved=False, final=False))
            continue
        try:
            answers.append(_apply(workbench, collection, name, stroke))
        except StoreError as error:
            stopped = str(error)
            answers.append(_answer(stroke.event_id, stopped, saved=False, final=False))
        except WhyRankError as error:
            answers.append(_answer(stroke.event_id, f"{stroke.doc_id}: {error}", saved=False))
    return answers


def _apply(workbench: Workbench, collection: Collection, name: str, stroke: Stroke) -> Answer:
    stored = workbench.store.judgments.find(stroke.event_id)
    if stored is not None:
        return _known(workbench, collection, name, stroke, stored)
    if stroke.kind == "undo":
        undone = judging.undo(workbench, collection, name, target=stroke.undoes, event_id=stroke.event_id)
        return _answer(stroke.event_id, judging.undone_words(undone, stroke.doc_id), saved=undone is not None)
    saved = judging.save(workbench, collection, name, _draft(workbench, collection, stroke))
    return _answer(stroke.event_id, "", saved=True, at=saved.at)


def _known(workbench: Workbench, collection: Collection, name: str, stroke: Stroke, stored: Judgment) -> Answer:
    """It came before. An id that was given to something else is refused: it is nobody's proof of being saved."""
    me = judging.person(workbench, name).assessor_id
    sent = (collection.collection_id, me, stroke.query_id, stroke.doc_id)
    kept = (stored.collection_id, stored.assessor_id, stored.query_id, stored.doc_id)
    same_grade = stroke.kind != "grade" or stroke.grade == stored.grade
    if sent != kept or not same_grade:
        words = f"{stroke.doc_id}: this key's id belongs to another answer. Press the key again."
        return _answer(stroke.event_id, words, saved=False)
    words = judging.undone_words(stored, stroke.doc_id) if stroke.kind == "undo" else ""
    return _answer(stroke.event_id, words, saved=True, at=stored.created_at.astimezone())


def _draft(workbench: Workbench, collection: Collection, stroke: Stroke) -> judging.Draft:
    started_from = None
    if stroke.started_from is not None:
        begun = workbench.store.judgments.find(stroke.started_from)
        # Words of another pair or collection can't be what this text began as.
        if begun is not None and (begun.collection_id, begun.query_id, begun.doc_id) == (
            collection.collection_id,
            stroke.query_id,
            stroke.doc_id,
        ):
            started_from = begun
    judged = stroke.kind == "grade"
    return judging.Draft(
        event_id=stroke.event_id,
        query_id=stroke.query_id,
        doc_id=stroke.doc_id,
        status=Status.JUDGED if judged else _STATUS[stroke.kind],
        grade=stroke.grade,
        text=stroke.text if judged else "",
        started_from=started_from,
        spans=stroke.spans if judged else (),
        model_visible=stroke.model_visible,
        seconds_spent=None if stroke.seconds is None else min(stroke.seconds, DAY),
        guideline_version=stroke.guideline_version,
    )


def _answer(event_id: str, words: str, *, saved: bool, final: bool = True, at: datetime | None = None) -> Answer:
    moment = at or datetime.now().astimezone()
    return Answer(event_id=event_id, final=final, saved=saved, words=words, at=f"{moment:%H:%M:%S}")
