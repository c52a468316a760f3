"""What comes into a collection that is there already: judgments, and runs of other systems."""

from dataclasses import dataclass

from app.actions.collections import DOING, Upload, may_read, on_disk
from app.actions.people import require
from data.errors import SettingsError
from data.importing_judgments import FORMATS, import_judgments, judgments_format
from data.labels import grades_said
from data.people import Person, Role
from data.records import AssessorKind, Collection
from data.runs import GivenRun
from engine.workbench import Workbench


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A file of judgments."""

    file: Upload | str | None
    assessor: str = ""
    """Whose they are, where the file does not say it."""
    kind: AssessorKind = AssessorKind.HUMAN
    grades: str = ""
    """What grades of another scale mean here, as `0=0, 1=3`."""


def words(workbench: Workbench, by: Person, file: Upload | str) -> str:
    """What a file of judgments is. Raises NotAllowedError."""
    may_read(by, file)
    with on_disk(workbench, file) as path:
        return FORMATS[judgments_format(path)]


def add_judgments(workbench: Workbench, collection: Collection, by: Person, incoming: Incoming) -> int:
    """Import judgments, all or none, and return how many were new. Raises NotAllowedError."""
    may_read(by, incoming.file)
    if not incoming.file:
        raise SettingsError("No file of judgments was given.", mend="Upload one, or type its path.")
    assessor = incoming.assessor.strip() or None
    with on_disk(workbench, incoming.file) as path:
        return import_judgments(
            workbench.store,
            collection,
            path,
            assessor=assessor,
            kind=incoming.kind if assessor else None,
            grades=grades_said(part for part in incoming.grades.split(",") if part.strip()),
            by=by.name,
        )


def add_run(workbench: Workbench, collection: Collection, by: Person, file: Upload | str | None, name: str) -> GivenRun:
    """Keep a TREC run, whose queries and documents the collection must have. Raises NotAllowedError."""
    may_read(by, file)
    if not file:
        raise SettingsError("No run was given.", mend="Upload a TREC run, or type its path.")
    with on_disk(workbench, file) as path:
        return workbench.runs.add(workbench.store, collection, path, name.strip() or None)


def runs(workbench: Workbench, collection: Collection) -> list[GivenRun]:
    """The runs kept for a collection."""
    return workbench.runs.list(collection.collection_id)


def delete_run(workbench: Workbench, collection: Collection, by: Person, name: str) -> None:
    """Delete a run; rankings that began with it stay. Raises NotAllowedError."""
    require(by, Role.LEAD, DOING)
    workbench.runs.delete(collection, name)
