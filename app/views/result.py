"""A stored ranking: every document with its move, its grade probabilities, its reason, and a place to correct it."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app import state
from app.actions.explore import Result, making_of, rank_change, starting_text
from app.actions.opinions import of
from app.components import grade_bar, passage
from app.views import opinion
from app.views.plain import plain
from data.records import AssessorKind, RankedDocument

LINES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """The keys of one document's correction, and what its buttons do."""

    slot: str
    on_save: Callable[[str], None]
    """Called with the doc_id."""
    on_undo: Callable[[str], None]

    def grade_key(self, doc_id: str) -> str:
        """Key of the grade's widget."""
        return f"{self.slot}:grade:{doc_id}"

    def text_key(self, doc_id: str) -> str:
        """Key of the explanation's widget."""
        return f"{self.slot}:text:{doc_id}"

    def note_key(self, doc_id: str) -> str:
        """Where what was saved is noted."""
        return f"{self.slot}:note:{doc_id}"


def draw(result: Result, me: str, correction: Correction) -> None:
    """Draw a ranking; `me` is the assessor id of who looks at it."""
    ranking = result.ranking
    st.markdown(f"#### {plain(ranking.query_text, limit=500)}")
    seconds = sum(ranking.seconds.values())
    st.caption(
        f"{len(ranking.documents)} documents · {plain(result.version.name)} · {plain(ranking.method)} · "
        f"{seconds:.1f} s · arrows: places moved against BM25"
    )
    if ranking.retriever.startswith("bm25s") and result.collection.index_note:
        st.info(plain(result.collection.index_note, limit=400), icon=":material/info:")
    with st.expander("How this ranking was made", icon=":material/account_tree:"):
        rows = making_of(result)
        width = max(len(name) for name, _ in rows)
        st.code("\n".join(f"{name:<{width}}  {value}" for name, value in rows), language=None, wrap_lines=True)
        if result.collection.index_note:
            st.caption(plain(result.collection.index_note, limit=400))
    for document in ranking.documents:
        with st.container(border=True, key=f"card-{document.rank}"):
            _card(result, document, me, correction)


def _card(result: Result, document: RankedDocument, me: str, correction: Correction) -> None:
    place, text, model = st.columns([1, 7, 6])
    with place:
        _place(document)
    with text:
        passage.draw(
            result.documents[document.doc_id],
            document.evidence,
            key=f"{correction.slot}:{document.doc_id}",
            lines=LINES,
        )
        cut = " · the model read only its beginning" if document.cut else ""
        st.caption(f"{plain(document.doc_id)}{cut}")
    with model:
        _student(result, document)
        # One place for what is said, however much it is: else what comes below is made anew, and closed, by each save.
        with st.container():
            for other in result.opinions.get(document.doc_id, ()):
                if other.assessor.kind is not AssessorKind.STUDENT:
                    name = "You" if other.assessor.assessor_id == me else None
                    opinion.draw(other, result.collection.scale, name=name)
        with st.expander("Correct", icon=":material/edit:"):
            _correct(result, document, me, correction)


def _place(document: RankedDocument) -> None:
    change = rank_change(document)
    st.markdown(f"### {document.rank}")
    if change > 0:
        st.markdown(f":green[**▲ {change}**]")
    elif change < 0:
        st.markdown(f":red[**▼ {-change}**]")
    else:
        st.markdown(":gray[**=**]")
    st.caption(f"BM25: {document.first_stage_rank}")


def _student(result: Result, document: RankedDocument) -> None:
    scale = result.collection.scale
    if document.grade is None or document.probabilities is None:
        st.markdown(":orange[:material/warning: **The answer could not be read**: no grade, BM25's place kept.]")
        st.text(document.unreadable or "")
        if document.answer_text:
            st.code(document.answer_text, language=None, wrap_lines=True)
        return
    st.markdown(
        f"{opinion.ICONS[AssessorKind.STUDENT]} **{opinion.grade_label(document.grade, scale)}** · "
        f"expected grade {document.raw_score:.2f}"
    )
    grade_bar.draw(scale, document.probabilities, key=f"bar:{result.ranking.ranking_id}:{document.doc_id}")
    if document.explanation:
        st.text(document.explanation)
    elif document.answer_text is not None:
        st.caption("The explanation could not be read:")
        st.code(document.answer_text or "(empty)", language=None)
    else:
        st.caption("No explanation was asked for at this place.")


def _correct(result: Result, document: RankedDocument, me: str, correction: Correction) -> None:
    doc_id, scale = document.doc_id, result.collection.scale
    grade_key, text_key = correction.grade_key(doc_id), correction.text_key(doc_id)
    mine = of(result.opinions.get(doc_id, ()), me)
    state.settle(**{grade_key: mine.grade if mine else None, text_key: starting_text(result, doc_id, mine)})
    st.segmented_control(
        "Your grade", scale.grades, format_func=lambda grade: opinion.grade_label(grade, scale), key=grade_key
    )
    st.text_area(
        "Your explanation",
        key=text_key,
        height=110,
        help="Starts from the model's. Left as it is, it is not stored as yours.",
    )
    note = state.note_of(correction.note_key(doc_id))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Save", key=f"{correction.slot}:save:{doc_id}", type="primary", on_click=correction.on_save, args=(doc_id,)
        )
        if note:
            st.button("Undo", key=f"{correction.slot}:undo:{doc_id}", on_click=correction.on_undo, args=(doc_id,))
            st.caption(plain(note, limit=400))
