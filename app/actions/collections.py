"""What the Collections page does: import, install the sample, rename, index, delete, browse."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from app.actions.people import require
from data import sample
from data.errors import ConflictError, NotAllowedError, SettingsError, WhyRankError
from data.formats.ir_dataset import is_ir_dataset
from data.importing import import_collection
from data.people import Person, Role
from data.records import AssessorKind, Collection, Document, JobState, Query, Split, Status, Version, new_id, utc_now
from data.scales import Scale
from data.sources import Source, column_names, source_of
from engine.workbench import Workbench
from training.asking import is_made
from training.heartbeat import STALE_SECONDS
from training.splits import split_of

Progress = Callable[[str, int, int | None], None]
"""What is being done, how much of it is done, and of how much (None: not known)."""

DOING = "change collections"
READING = "read files of the machine the app runs on"
FETCHING = "have the machine the app runs on fetch a data set"
PAGE_SIZE = 25
"""Documents shown at once."""
_USES = {Split.TRAIN: "training", Split.DEVELOPMENT: "development", Split.HELDOUT: "evaluation only (held out)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A collection as the list shows it."""

    collection: Collection
    judgments: dict[AssessorKind, int]
    """Pairs graded, by kind of assessor."""
    authored: bool
    """Are some of those assessors authored ones?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that came through the browser."""

    file_name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A collection to import. Paths are on the machine the app runs on; `ir_datasets:ID` stands for one that this
    machine fetches."""

    name: str
    documents: Upload | str | None
    format: str | None = None
    """None: found out."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Use (`id`, `title`, `text`) -> column, of a table."""
    split: str | None = None
    """Labels of this split only; of BRIGHT, the domain."""
    first: int | None = None
    """Of ir_datasets: so many documents, and their labels; None: all."""
    qrels: str | None = None
    grades: Mapping[int, int] | None = None
    """Grade of the labels -> grade here; None: the same."""
    assessor: str = ""
    kind: AssessorKind = AssessorKind.HUMAN
    authored: bool = False
    scale: Scale | None = None
    """None: that of the folder's manifest, else the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was found where somebody pointed."""

    words: str
    names: tuple[str, ...] = ()
    """Columns of a table."""
    scale: Scale | None = None
    """The labels' own, where a manifest names it."""
    problem: WhyRankError | None = None
    """Why it can't be imported so."""


def may_read(by: Person, *files: Upload | str | None) -> None:
    """Raise NotAllowedError where the person may not take in these files. A path is on the machine the app runs on, and
    whoever signs in from elsewhere has no claim to its files, nor to its disk and network."""
    require(by, Role.LEAD, DOING)
    for file in files:
        if isinstance(file, str):
            require(by, Role.ADMIN, FETCHING if is_ir_dataset(file) else READING)


def look(workbench: Workbench, by: Person, wanted: Wanted) -> Seen | None:
    """What the documents are, before they are imported; None where nothing was pointed at yet."""
    if not wanted.documents:
        return None
    try:
        may_read(by, wanted.documents, wanted.qrels)
    except NotAllowedError as error:
        return Seen(words="", problem=error)
    with on_disk(workbench, wanted.documents) as path:
        try:
            source = _source(path, wanted)
            return Seen(words=source.words, names=source.column_names, scale=source.scale)
        except WhyRankError as error:
            names = () if is_ir_dataset(path) else _names(path, wanted.format)
            return Seen(words="", names=names, problem=error)


def overviews(workbench: Workbench) -> list[Overview]:
    """Every collection with the judgments it has."""
    assessors = workbench.store.assessors.by_id()
    found = []
    for collection in workbench.store.collections.list():
        counts = workbench.store.judgments.counts(collection.collection_id)
        judged: Counter[AssessorKind] = Counter()
        for assessor_id, statuses in counts.items():
            judged[assessors[assessor_id].kind] += statuses.get(Status.JUDGED, 0)
        authored = any(assessors[assessor_id].authored for assessor_id in counts)
        found.append(Overview(collection=collection, judgments=dict(judged), authored=authored))
    return found


def index_words(collection: Collection) -> str:
    """The state of a collection's index in words."""
    if collection.index_path is None:
        return "not built"
    if collection.index_backend == "lucene":
        return "Lucene"
    return "bm25s in place of Lucene" if collection.index_note else str(collection.index_backend)


def add(workbench: Workbench, by: Person, wanted: Wanted, on_progress: Progress) -> Collection:
    """Import a collection and index it; a refused import leaves nothing behind. Raises NotAllowedError."""
    may_read(by, wanted.documents, wanted.qrels)
    name = _checked_name(wanted.name)
    if not wanted.documents:
        raise SettingsError("No file of documents was given.", mend="Upload a file, or type a path or an id.")
    assessor = wanted.assessor.strip() or None
    qrels = Path(wanted.qrels).expanduser() if wanted.qrels else None
    with on_disk(workbench, wanted.documents) as path:
        source = _source(path, wanted)
        if is_ir_dataset(path):
            on_progress(f"Fetching {source.domain}, where it is not there yet", 0, None)
        collection = import_collection(
            workbench.store,
            name=name,
            path=source,
            qrels=qrels,
            grades=wanted.grades,
            split=wanted.split,
            assessor=assessor,
            kind=wanted.kind if assessor else None,
            scale=wanted.scale,
            authored=wanted.authored,
            by=by.name,
            on_progress=on_progress,
        )
    return build_index(workbench, collection, by, on_progress)


def install_sample(workbench: Workbench, by: Person, on_progress: Progress) -> Collection:
    """Install the sample collection, where it is not there yet, and index it."""
    require(by, Role.LEAD, DOING)
    on_progress("Installing the sample", 0, None)
    collection = sample.install(workbench.store, by=by.name)
    return collection if collection.index_path else build_index(workbench, collection, by, on_progress)


def has_sample(found: Sequence[Overview]) -> bool:
    """Is the sample among these collections?"""
    return any(overview.collection.name == sample.SAMPLE_NAME for overview in found)


def build_index(workbench: Workbench, collection: Collection, by: Person, on_progress: Progress) -> Collection:
    """Build the index anew; the old one serves until the new one is there."""
    require(by, Role.LEAD, DOING)
    on_progress("Indexing", 0, collection.documents)
    return workbench.build_index(collection, lambda done: on_progress("Indexing", done, collection.documents))


def rename(workbench: Workbench, collection: Collection, by: Person, name: str) -> Collection:
    """Give a collection another name; raises ConflictError where it is taken."""
    require(by, Role.LEAD, DOING)
    return workbench.store.collections.rename(collection.collection_id, _checked_name(name))


def trained_versions(workbench: Workbench, collection: Collection) -> list[Version]:
    """Versions trained on this collection: what an edit of its guidelines makes unusable."""
    versions = workbench.store.versions.list(collection.collection_id)
    return [version for version in versions if version.collection_id == collection.collection_id]


def hanging(workbench: Workbench, collection: Collection) -> dict[str, int]:
    """What a delete takes along: name of the things -> how many."""
    counts = workbench.store.collections.hanging(collection.collection_id)
    return counts | {"runs": len(workbench.runs.list(collection.collection_id))}


def delete(workbench: Workbench, collection: Collection, by: Person, typed: str) -> None:
    """Delete a collection with everything in it, if its name was typed in and no job works on it."""
    require(by, Role.LEAD, DOING)
    if typed.strip() != collection.name:
        raise ConflictError(
            f"The name typed in is not {collection.name!r}: nothing was deleted.",
            mend="Type the collection's name exactly as it stands in the list.",
        )
    running = workbench.store.jobs.list(collection_id=collection.collection_id, states=[JobState.RUNNING])
    now = utc_now()
    if any(job.heartbeat_at and (now - job.heartbeat_at).total_seconds() < STALE_SECONDS for job in running):
        raise ConflictError(
            f"A job is working on {collection.name}: nothing was deleted.",
            mend="Cancel it on the Train page, or wait until it has ended.",
        )
    workbench.delete(collection, by=by.name)


def pages(collection: Collection) -> int:
    """How many pages of documents there are, at least one."""
    return max(1, -(-collection.documents // PAGE_SIZE))


def documents(workbench: Workbench, collection: Collection, page: int) -> list[Document]:
    """The documents of a page (from 1), in the order of their ids."""
    return workbench.store.collections.page(collection.collection_id, offset=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE)


def document(workbench: Workbench, collection: Collection, doc_id: str) -> Document | None:
    """A document by its id, None where there is none."""
    return workbench.store.collections.documents_by_id(collection.collection_id, [doc_id]).get(doc_id)


def queries(workbench: Workbench, collection: Collection) -> list[tuple[Query, str]]:
    """All queries, imported ones, those people typed and those a model made, with what each is used for in words."""
    found = workbench.store.collections.queries(collection.collection_id)
    return [(query, _USES[split_of(query)] + (", made by a model" if is_made(query) else "")) for query in found]


def _source(path: Path, wanted: Wanted) -> Source:
    return source_of(path, format=wanted.format, columns=wanted.columns, split=wanted.split, documents=wanted.first)


def _names(path: Path, format: str | None) -> tuple[str, ...]:
    """Columns of a table that can't be imported as it is; none where it is no table."""
    try:
        return column_names(path, format)
    except (WhyRankError, OSError):
        return ()


def _checked_name(name: str) -> str:
    if not name.strip():
        raise SettingsError("The collection has no name.", mend="Type a name for it.")
    return name.strip()


@contextmanager
def on_disk(workbench: Workbench, file: Upload | str) -> Iterator[Path]:
    """The path of a file; an upload lies in a folder of its own while it is read, under its own name."""
    if isinstance(file, str):
        yield Path(file.strip()).expanduser()
        return
    folder = workbench.settings.home / "uploads" / new_id()
    folder.mkdir(parents=True)
    try:
        path = folder / (PurePath(file.file_name.replace("\\", "/")).name or "upload.jsonl")
        path.write_bytes(file.content)
        yield path
    finally:
        shutil.rmtree(folder)
