"""One pair to be judged: query and document, the grades with their keys, and, once decided, what others say."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app.actions.judge import Desk, Progress, Sheet
from app.components import passage
from app.views import opinion
from app.views.plain import plain
from data.records import Collection, Status
from data.scales import Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the keys that answer do."""

    on_grade: Callable[[int], None]
    on_status: Callable[[Status], None]
    on_explain: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What the keys that move do."""

    on_undo: Callable[[], None]
    on_previous: Callable[[], None]
    on_next: Callable[[], None]


def draw_pair(sheet: Sheet, *, revealed: bool, key: str) -> None:
    """Draw query and document; evidence is marked only where models may be seen."""
    st.markdown(f"#### {plain(sheet.query.text, limit=2000)}")
    quoted = [evidence for given in sheet.others for evidence in given.judgment.evidence] if revealed else []
    own = list(sheet.mine.evidence) if sheet.mine else []
    with st.container(border=True):
        passage.draw(sheet.document, [*own, *quoted], key=key)
    st.caption(plain(sheet.document.doc_id))


def draw_grades(scale: Scale, sheet: Sheet, answers: Answers, *, painting: str) -> None:
    """Draw a button a grade, with its key and meaning. `painting` is the event id this painting would make."""
    mine = sheet.mine.grade if sheet.mine else None
    for level in scale.levels:
        with st.container(gap="xxsmall"):
            st.button(
                opinion.grade_label(level.grade, scale),
                key=f"grade-{level.grade}:{painting}",
                type="primary" if mine == level.grade else "secondary",
                shortcut=str(level.grade),
                on_click=answers.on_grade,
                args=(level.grade,),
                width="stretch",
            )
            st.caption(plain(level.definition, limit=300))


def draw_other_answers(answers: Answers, *, painting: str) -> None:
    """Draw what can be said instead of a grade."""
    with st.container(horizontal=True):
        for label, letter, status in (
            ("Skip", "S", Status.SKIPPED),
            ("Later", "L", Status.LATER),
            ("Can't judge", "X", Status.CANT_JUDGE),
        ):
            st.button(label, key=f"{status}:{painting}", shortcut=letter, on_click=answers.on_status, args=(status,))


def draw_ways(desk: Desk, note: str, ways: Ways) -> None:
    """Draw undo, previous and next, and what was saved last."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Undo", key="judge_undo", icon=":material/undo:", shortcut="U", on_click=ways.on_undo)
        st.button("Previous", key="judge_previous", shortcut="P", on_click=ways.on_previous)
        st.button("Next", key="judge_next", shortcut="N", on_click=ways.on_next)
        place = f"pair {desk.position + 1} of {len(desk.items)}" if desk.item else "end of the queue"
        st.caption(f"{place}{' · ' + plain(note, limit=400) if note else ''}")


def draw_editor(sheet: Sheet, answers: Answers, *, text_key: str, painting: str) -> None:
    """Draw the explanation's field."""
    graded = sheet.mine is not None and sheet.mine.grade is not None
    st.text_area(
        "Edit the explanation" if graded else "Your reason (optional)",
        key=text_key,
        height=120,
        placeholder='Why this grade? Quote the document in "double quotes".',
        help="A text that starts from a model's and is left as it is, is not stored as yours.",
    )
    if graded:
        st.button("Save explanation", key=f"explain:{painting}", shortcut="Ctrl+Enter", on_click=answers.on_explain)
    else:
        st.caption("Saved with the grade. The keys work while the cursor is outside this field.")


def draw_others(sheet: Sheet, scale: Scale) -> None:
    """Draw what models and other people say."""
    if not sheet.others:
        st.caption("Nobody else has judged this pair.")
    opinion.draw_all(sheet.others, scale)


def draw_rules(collection: Collection) -> None:
    """Draw the collection's guidelines, as text."""
    with st.expander("Guidelines", expanded=bool(collection.guidelines), icon=":material/menu_book:"):
        st.text(collection.guidelines or "This collection has no guidelines of its own: follow the definitions above.")


def draw_progress(progress: Progress) -> None:
    """Draw how much is done."""
    whole = progress.judged + progress.left
    st.progress(
        progress.judged / whole if whole else 1.0,
        text=f"{progress.judged} judged by you · {progress.left} left in this queue · {progress.today} today",
    )


def draw_end(desk: Desk) -> None:
    """Draw what stands behind the last pair of a queue, or in place of an empty one."""
    if desk.items:
        st.success("That was the last pair of this queue.", icon=":material/check:")
    else:
        st.info(
            "Nothing waits here. Pairs come from rankings (Explore) and from imported or other people's judgments.",
            icon=":material/inbox:",
        )
    st.page_link("screens/explore.py", label="Rank a query on Explore", icon=":material/search:")
    st.page_link("screens/agreement.py", label="See who disagrees on Agreement", icon=":material/group:")
