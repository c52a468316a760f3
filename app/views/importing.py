"""The form of an import."""

from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.actions.collections import Upload, Wanted
from data.records import AssessorKind
from data.scales import DEFAULT_SCALE, SCALES

UPLOAD, PATH = "A file from this browser", "A path on the machine the app runs on"
KINDS = {AssessorKind.HUMAN: "people", AssessorKind.TEACHER: "a teacher LLM"}


def wanted(number: int) -> tuple[Wanted, bool]:
    """Ask for a collection; also, whether a file is still to come. `number` makes an empty form after each import that
    went well."""
    name = st.text_input("Name of the new collection", key=f"import_name_{number}", max_chars=80)
    how = st.segmented_control(
        "Documents come from", [UPLOAD, PATH], default=UPLOAD, required=True, key=f"import_how_{number}"
    )
    if how == PATH:
        documents: Upload | str | None = st.text_input(
            "JSONL file or BEIR folder",
            key=f"import_path_{number}",
            placeholder="/data/my-collection or /data/documents.jsonl",
            help="A BEIR folder holds corpus.jsonl, queries.jsonl and, where it has labels, qrels.tsv or qrels/*.tsv.",
        )
    else:
        documents = _upload(
            st.file_uploader("JSONL file of documents", type=["jsonl", "json"], key=f"import_file_{number}")
        )
    st.caption('A line is a document: {"_id": "d1", "title": "optional", "text": "..."}. One bad row refuses the file.')
    scale = st.selectbox(
        "Label scale",
        list(SCALES),
        index=list(SCALES).index(DEFAULT_SCALE.name),
        key=f"import_scale_{number}",
        format_func=lambda key: f"{key}: " + ", ".join(f"{level.grade} {level.name}" for level in SCALES[key].levels),
    )
    labels: dict[str, Any] = _labels(number) if how == PATH else {}
    request = Wanted(name=name, documents=documents or None, scale=SCALES[scale], **labels)
    return request, how == UPLOAD and documents is None


def _labels(number: int) -> dict[str, Any]:
    """Labels belong to queries, and those come with a folder."""
    assessor = st.text_input(
        "Whose labels (empty: import no labels)",
        key=f"import_assessor_{number}",
        help="The name of the person, group or teacher LLM that gave the labels of the folder.",
    )
    if not assessor.strip():
        return {}
    kind = st.segmented_control(
        "They are of",
        list(KINDS),
        format_func=KINDS.__getitem__,
        default=AssessorKind.HUMAN,
        required=True,
        key=f"import_kind_{number}",
    )
    return {
        "assessor": assessor,
        "kind": kind,
        "authored": st.checkbox(
            "Written for this collection, so neither a measured person's nor a named model's",
            key=f"import_authored_{number}",
        ),
        "qrels": st.text_input("Labels file (qrels), if it is not in the folder", key=f"import_qrels_{number}").strip()
        or None,
    }


def _upload(file: UploadedFile | None) -> Upload | None:
    return Upload(file_name=file.name, content=file.getvalue()) if file is not None else None
