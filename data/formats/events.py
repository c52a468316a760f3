"""Judgment events as JSONL: everything an event says, with its assessor by name and kind. Rows written by
hand may leave out all but `query_id`, `doc_id` and `grade`."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from data.formats.rows import BadRows, id_problem, text_rows
from data.records import Assessor, AssessorKind, Evidence, Judgment, Status, new_id, utc_now


def _number_as_text(value: object) -> object:
    return str(value) if type(value) is int else value


def _without_white_space(value: str) -> str:
    problem = id_problem(value)
    if problem is not None:
        raise ValueError(problem)
    return value


Id = Annotated[str, BeforeValidator(_number_as_text), AfterValidator(_without_white_space)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class AssessorRow(_Row):
    """Who says it."""

    name: str = Field(pattern=r"\S")
    kind: AssessorKind
    authored: bool = False
    version_id: str | None = None


class EvidenceRow(_Row):
    """A quote; a plain text stands for one without a place."""

    quote: str
    start_char: int | None = None
    end_char: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, value: object) -> object:
        return {"quote": value} if isinstance(value, str) else value


class EventRow(_Row):
    """A line of the file."""

    event_id: Id = Field(default_factory=new_id)
    query_id: Id
    doc_id: Id
    assessor: AssessorRow | None = None
    status: Status = Status.JUDGED
    grade: int | None = None
    explanation: str | None = None
    evidence: tuple[EvidenceRow, ...] = ()
    edited_from: str | None = None
    model_visible: bool = False
    seconds_spent: float | None = None
    guideline_version: int | None = None
    ranking_id: str | None = None
    settles: tuple[str, ...] = ()
    note: str | None = None
    created_at: AwareDatetime = Field(default_factory=utc_now)

    @model_validator(mode="after")
    def _status_fits(self) -> Self:
        if (self.status is Status.JUDGED) != (self.grade is not None):
            raise ValueError(f"the grade {self.grade} does not go with the status {self.status.value!r}")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEvent:
    """A row of the file, checked; which collection and whose judgment it is, the import says."""

    line: int
    row: EventRow

    def judgment(self, collection_id: str, assessor_id: str) -> Judgment:
        """The event in a collection, by an assessor of the store."""
        values = {name: getattr(self.row, name) for name in EventRow.model_fields if name != "assessor"}
        values["evidence"] = tuple(Evidence(**evidence.model_dump()) for evidence in self.row.evidence)
        return Judgment(collection_id=collection_id, assessor_id=assessor_id, **values)


def event_rows(path: Path, bad: BadRows) -> list[ReadEvent]:
    """The events of a file; bad rows go to `bad`."""
    return events_in(text_rows(path, bad), path, bad)


def events_in(rows: Iterable[tuple[int, str]], path: Path, bad: BadRows) -> list[ReadEvent]:
    """The events of JSON objects with the lines they stand for; bad ones go to `bad`."""
    seen: dict[str, int] = {}
    found = []
    for line, text in rows:
        try:
            row = EventRow.model_validate_json(text, strict=True)
        except ValidationError as error:
            bad.add(path, line, _reason(error))
            continue
        first = seen.setdefault(row.event_id, line)
        if first == line:
            found.append(ReadEvent(line=line, row=row))
        else:
            bad.add(path, line, f"the event {row.event_id!r} stands in line {first} already")
    return found


def write_events(events: Iterable[Judgment], assessors: Mapping[str, Assessor]) -> str:
    """A line per event. `assessors`: id -> assessor."""
    return "".join(event_line(event, assessors[event.assessor_id]) for event in events)


def event_line(event: Judgment, assessor: Assessor) -> str:
    """An event as a line of JSON."""
    return json.dumps(event_facts(event, assessor), ensure_ascii=False, default=_moment) + "\n"


def event_facts(event: Judgment, assessor: Assessor) -> dict[str, Any]:
    """All that an event says, by the names of `EventRow`; the moment is still one."""
    row: dict[str, Any] = {name: getattr(event, name) for name in EventRow.model_fields if name != "assessor"}
    row["evidence"] = [{"quote": e.quote, "start_char": e.start_char, "end_char": e.end_char} for e in event.evidence]
    row["assessor"] = {"name": assessor.name, "kind": assessor.kind.value, "authored": assessor.authored}
    if assessor.version_id is not None:
        row["assessor"]["version_id"] = assessor.version_id
    return row


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no form in JSON")


def _reason(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]
