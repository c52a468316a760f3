"""The forms of what comes in: a collection, judgments, a run."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.actions.collections import Seen, Upload, Wanted
from app.actions.intake import Incoming
from app.views import problem
from data.formats import ir_dataset
from data.formats.tables import USUAL
from data.records import AssessorKind
from data.runs import GivenRun
from data.scales import DEFAULT_SCALE, SCALES, Scale
from data.sources import FORMATS

UPLOAD, PATH = "A file from this browser", "A path on the machine the app runs on"
IR_DATASETS = "A data set of ir_datasets"
KINDS = {AssessorKind.HUMAN: "people", AssessorKind.TEACHER: "a teacher LLM"}
FOUND_OUT = "found out"
GUESSED = "guessed by its name"
DOCUMENTS = ["jsonl", "json", "csv", "tsv", "parquet"]
_GRADES_HELP = (
    "Where the labels are on another scale than the collection: every grade of theirs with what it is here, as "
    "0=0, 1=3."
)


def wanted(number: int, look: Callable[[Wanted], Seen | None]) -> tuple[Wanted, bool]:
    """Ask for a collection; also, whether a file is still to come. `number` makes an empty form after each import that
    went well; `look` says what was pointed at."""
    name = st.text_input("Name of the new collection", key=f"import_name_{number}", max_chars=80)
    how = _how("import", number, "Documents", [UPLOAD, PATH, IR_DATASETS])
    request = Wanted(name=name, documents=None)
    if how == IR_DATASETS:
        request = replace(request, **_ir_dataset(number))
    else:
        request = replace(request, documents=_file("import", number, "File or folder of documents", DOCUMENTS, how))
        st.caption(
            "A JSONL, CSV or Parquet file; by path also a folder: BEIR, BRIGHT, or texts and Markdown. One bad row "
            "refuses all of it."
        )
    if how == PATH:
        request = replace(request, **_kind_of_path(number))
    seen = None
    if request.documents:
        request, seen = _seen(request, number, look)
    scale = _scale(number, seen.scale if seen is not None else None)
    labels: dict[str, Any] = _labels(number, in_file=how == PATH) if how != UPLOAD else {}
    return replace(request, scale=scale, **labels), how == UPLOAD and request.documents is None


def _scale(number: int, told: Scale | None) -> Scale:
    """A preset, or the one a manifest tells."""
    found = {f"{scale.name}: {scale.words}": scale for scale in SCALES.values()}
    titles = list(found)
    if told is not None:
        titles.insert(0, told_title := f"as the folder's manifest says, {told.name}: {told.words}")
        found[told_title] = told
    present = told or DEFAULT_SCALE
    index = next(i for i, title in enumerate(titles) if found[title] is present)
    # Another folder may tell another scale: its choice is a widget of its own.
    key = f"import_scale_{number}" + (f"_{told.name}" if told is not None else "")
    return found[st.selectbox("Label scale", titles, index=index, key=key)]


def _ir_dataset(number: int) -> dict[str, Any]:
    """A data set by its id, and how much of it."""
    with st.container(horizontal=True):
        typed = st.text_input(
            "Id of the data set",
            key=f"import_ir_dataset_{number}",
            placeholder="beir/scifact/test",
            help="As ir-datasets.com lists it; the end names the split.",
            max_chars=200,
            width=420,
        )
        first = st.number_input(
            "First documents only",
            min_value=1,
            value=None,
            step=1,
            key=f"import_first_{number}",
            placeholder="all",
            help="So many from the beginning, with their labels. More than "
            f"{ir_dataset.MOST:,} documents are only taken where it is said how many.",
            width=240,
        )
    st.caption(
        "The library ir_datasets fetches it to the machine the app runs on, once; that may take long, and the page "
        "waits. Where a data set has labels, the queries without any stay out."
    )
    name = typed.strip().removeprefix(ir_dataset.PREFIX)
    return {"documents": ir_dataset.PREFIX + name if name else None, "first": first}


def _kind_of_path(number: int) -> dict[str, Any]:
    """What a path can be told beside itself."""
    with st.container(horizontal=True):
        format = st.selectbox(
            "What it is",
            [FOUND_OUT, *FORMATS],
            format_func=lambda key: FORMATS.get(key, key),
            key=f"import_format_{number}",
            width=420,
        )
        split = st.text_input(
            "Split, or BRIGHT's domain (empty: all)",
            key=f"import_split_{number}",
            help="Only the labels of this split, as train, dev or test. A BRIGHT folder of several domains needs one.",
            width=320,
        ).strip()
    return {"format": None if format == FOUND_OUT else format, "split": split or None}


def _seen(request: Wanted, number: int, look: Callable[[Wanted], Seen | None]) -> tuple[Wanted, Seen | None]:
    """Say what was pointed at; of a table, ask for its columns."""
    seen = None
    with problem.shown():
        found = look(request)
        if found is not None and found.names:
            request = replace(request, columns=_columns(number, found.names))
            found = look(request)
        if found is not None and found.problem is not None:
            raise found.problem
        if found is not None:
            st.text(f"This is {found.words}.")
        seen = found
    return request, seen


def _columns(number: int, names: Sequence[str]) -> dict[str, str]:
    chosen = {}
    with st.container(horizontal=True):
        for use in USUAL:
            column = st.selectbox(f"Column of the {use}s", [GUESSED, *names], key=f"import_{use}_{number}", width=200)
            if column != GUESSED:
                chosen[use] = column
    return chosen


def _labels(number: int, *, in_file: bool) -> dict[str, Any]:
    """Labels belong to queries, and those come with a folder or a data set. `in_file`: they may stand in another."""
    assessor, kind = _whose("import", number, "Whose labels (empty: import no labels)")
    if not assessor.strip():
        return {}
    found = {"assessor": assessor, "kind": kind}
    if not in_file:
        return found
    return found | {
        "authored": st.checkbox(
            "Written for this collection, so neither a measured person's nor a named model's",
            key=f"import_authored_{number}",
        ),
        "qrels": st.text_input("Labels file (qrels), if it is not in the folder", key=f"import_qrels_{number}").strip()
        or None,
    }


def judgments(number: int, words: Callable[[Upload | str], str]) -> tuple[Incoming, bool]:
    """Ask for a file of judgments; also, whether it is there. `words` says what a file is."""
    file = _file("judgments", number, "File of judgments", ["jsonl", "json", "csv", "tsv", "txt", "qrels"])
    st.caption(
        "TREC qrels or BEIR's table of labels (whose they are is asked below), JSONL or CSV of whole judgments (the "
        "rows may name their assessors). A teacher's labels, as UMBRELA writes them, are qrels too."
    )
    if file:
        with problem.shown():
            st.text(f"This is {words(file)}.")
    assessor, kind = _whose("judgments", number, "Whose they are, where the file does not say it")
    grades = st.text_input("Grades of another scale", key=f"judgments_grades_{number}", help=_GRADES_HELP, width=320)
    return Incoming(file=file, assessor=assessor, kind=kind, grades=grades), bool(file)


def run(number: int) -> tuple[Upload | str | None, str]:
    """Ask for a TREC run and its name."""
    file = _file("run", number, "TREC run", ["txt", "trec", "run", "tsv"])
    name = st.text_input("Name of the run (empty: the file's)", key=f"run_name_{number}", max_chars=80, width=420)
    return file, name


def runs(found: Sequence[GivenRun]) -> None:
    """The runs that are kept."""
    if not found:
        st.caption("No run is kept. `whyrank evaluate --run NAME` re-ranks one and compares with its own order.")
        return
    rows = [{"Name": r.name, "Queries": r.queries, "Documents": r.documents, "Since": r.created_at} for r in found]
    st.dataframe(rows, hide_index=True, key="runs_table", width="content")


def _whose(form: str, number: int, label: str) -> tuple[str, AssessorKind]:
    assessor = st.text_input(
        label,
        key=f"{form}_assessor_{number}",
        help="The name of the person, group or teacher LLM.",
        width=420,
    )
    if not assessor.strip():
        return "", AssessorKind.HUMAN
    kind = st.segmented_control(
        "They are of",
        list(KINDS),
        format_func=KINDS.__getitem__,
        default=AssessorKind.HUMAN,
        required=True,
        key=f"{form}_kind_{number}",
    )
    return assessor, kind


def _how(form: str, number: int, label: str, ways: list[str]) -> str:
    """Where it comes from."""
    return st.segmented_control(f"{label}: from where", ways, default=UPLOAD, required=True, key=f"{form}_how_{number}")


def _file(form: str, number: int, label: str, types: list[str], how: str | None = None) -> Upload | str | None:
    """A file of the browser or a path; `how`: which of them, where that was asked already."""
    if (how or _how(form, number, label, [UPLOAD, PATH])) == PATH:
        typed = st.text_input(label, key=f"{form}_path_{number}", placeholder="/data/my-collection")
        return typed.strip() or None
    return _upload(st.file_uploader(label, type=types, key=f"{form}_file_{number}"))


def _upload(file: UploadedFile | None) -> Upload | None:
    return Upload(file_name=file.name, content=file.getvalue()) if file is not None else None
