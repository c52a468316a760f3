"""How a conflict looks: query and document, who said what and why, the decision, and what was settled before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from app.actions.adjudication import Case, Settlement
from app.actions.opinions import who
from app.components import passage
from app.views import opinion
from app.views.moments import moment
from app.views.plain import plain
from data.records import Collection
from data.scales import Rules, Scale

LINES = 18
"""Of a document, until the reader asks for more."""
CANT_JUDGE = -1
"""Stands for "can't be judged" among the grades to choose from."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of the widgets of one painting of a case: the next one begins with empty ones."""

    painting: str

    @property
    def grade(self) -> str:
        """Of the final grade."""
        return f"final:{self.painting}"

    @property
    def reason(self) -> str:
        """Of why it was decided so."""
        return f"reason:{self.painting}"

    @property
    def explanation(self) -> str:
        """Of why the document has that grade."""
        return f"explanation:{self.painting}"

    @property
    def settle(self) -> str:
        """Of the button."""
        return f"settle:{self.painting}"


def draw_place(waiting: int, place: int | None, note: str) -> None:
    """Say how many conflicts wait, which one of them is shown, and what was done last."""
    words = f"{waiting:,} conflicts wait" if waiting != 1 else "1 conflict waits"
    where = f" · number {place}, the largest difference first" if place else ""
    st.caption(words + where + (f" · {plain(note, limit=400)}" if note else ""))


def draw_pair(case: Case, *, with_models: bool, key: str) -> None:
    """Draw query and document, with what people quote (models too, where they may be seen) marked."""
    st.markdown(f"#### {plain(case.query.text, limit=2000)}")
    shown = [*case.people, *(case.models if with_models else ())]
    with st.container(border=True):
        passage.draw(case.document, [e for o in shown for e in o.judgment.evidence], key=key, lines=LINES)
    st.caption(plain(case.document.doc_id))


def draw_links(address: Mapping[str, str]) -> None:
    """Draw the ways to the pair's other pages."""
    with st.container(horizontal=True):
        st.page_link("screens/judge.py", label="Judge", icon=":material/gavel:", query_params=address)
        st.page_link("screens/history.py", label="History", icon=":material/history:", query_params=address)


def draw_none() -> None:
    """Say that nothing waits, and where to go on."""
    st.success("No conflict waits: where people graded the same pair, they agree, or it was settled.")
    st.page_link("screens/agreement.py", label="See how far they agree", icon=":material/group:")
    st.page_link("screens/judge.py", label="Judge pairs", icon=":material/gavel:")


def draw_people(case: Case, scale: Scale, *, guideline_version: int) -> None:
    """Draw what each person said, when, and under which guidelines."""
    for given in case.people:
        with st.container(border=True, gap="xxsmall"):
            opinion.draw(given, scale)
            settled = ["settled an earlier conflict"] if given.judgment.settles else []
            st.caption(" · ".join([*opinion.circumstances(given.judgment, of_person=True), *settled]))
    for version, rules in sorted(case.rules.items()):
        if version != guideline_version:
            _draw_rules(version, rules)


def _draw_rules(version: int, rules: Rules) -> None:
    with st.expander(f"Guidelines, version {version}", icon=":material/menu_book:"):
        st.text(rules.guidelines or "There were no guidelines of its own.")


def draw_models(case: Case, scale: Scale, *, shown: bool, on_show: Callable[[], None]) -> None:
    """Draw what models say, once it was asked for."""
    if not case.models:
        st.caption("No model has graded this pair.")
    elif shown:
        opinion.draw_all(case.models, scale)
    else:
        st.button("Show what models say", key="adjudication_models", icon=":material/visibility:", on_click=on_show)
        st.caption("Hidden until you ask; the decision is then stored as made with models in sight.")


def draw_decision(
    case: Case, collection: Collection, *, refusal: str | None, keys: Keys, on_settle: Callable[[], None]
) -> None:
    """Draw the choice of the grade, the reason, the lead's own explanation, and the button. `refusal`: why this person
    may not decide."""
    scale = collection.scale
    st.segmented_control(
        "Final grade",
        [*scale.grades, CANT_JUDGE],
        format_func=lambda grade: "Can't be judged" if grade == CANT_JUDGE else opinion.grade_label(grade, scale),
        key=keys.grade,
        on_change="ignore",
        wrap=True,
    )
    st.text_area(
        "Why?",
        key=keys.reason,
        on_change="ignore",
        height=90,
        max_chars=2000,
        placeholder="The reason is kept with the decision and shown to everybody.",
    )
    st.text_area(
        "Your explanation of the grade, to train on (may stay empty)",
        key=keys.explanation,
        on_change="ignore",
        height=90,
        max_chars=4000,
        placeholder='What in the document makes it so; "quotes" are looked for in it.',
        help="Without one, the newest explanation of somebody who gave the same grade is trained on, if there is one.",
    )
    st.button(
        "Settle",
        key=keys.settle,
        type="primary",
        icon=":material/balance:",
        shortcut="Ctrl+Enter",
        on_click=on_settle,
        disabled=refusal is not None or len(case.resolution.grades) < 2,
    )
    if refusal is not None:
        st.caption(refusal)


def draw_standing(case: Case, scale: Scale) -> None:
    """Say how a pair stands that does not wait for a decision."""
    how = case.resolution
    if how.settled_by is not None:
        settled = next(o for o in case.people if o.judgment.event_id == how.settled_by)
        grade = "it can't be judged" if how.grade is None else opinion.grade_label(how.grade, scale)
        st.success(
            f"Settled by {plain(who(settled.assessor))} on {moment(settled.judgment.created_at)}: {grade}.",
            icon=":material/balance:",
        )
    elif not how.open:
        st.info("People do not disagree on this pair.", icon=":material/check:")


def draw_settlements(found: Sequence[Settlement], scale: Scale, *, key: str) -> None:
    """Draw a page of settlements as a table."""
    rows = [
        {
            "Settled": moment(s.judgment.created_at),
            "By": who(s.by),
            "Query": s.judgment.query_id,
            "Document": s.judgment.doc_id,
            "Grade": opinion.answer(s.judgment, scale),
            "Why": s.judgment.note or "",
            "Explanation": s.judgment.explanation or "",
            "Counts": "yes" if s.stands else "no: something else was said since",
            "Before": ", ".join(f"{name}: {grade}" for name, grade in s.before),
        }
        for s in found
    ]
    st.dataframe(rows, hide_index=True, key=key)
