"""How a judgment looks: who, which grade, and why. Explanations are drawn as text."""

from collections.abc import Iterable, Sequence

import streamlit as st

from app.actions.opinions import Opinion, who
from app.views.moments import moment
from app.views.plain import plain
from data.records import AssessorKind, Judgment, Status
from data.scales import Scale

ICONS = {
    AssessorKind.STUDENT: ":material/smart_toy:",
    AssessorKind.TEACHER: ":material/school:",
    AssessorKind.HUMAN: ":material/person:",
}
_STATUS = {
    Status.CANT_JUDGE: "can't judge",
    Status.SKIPPED: "skipped",
    Status.LATER: "put off until later",
    Status.UNREADABLE: "answer could not be read",
    Status.WITHDRAWN: "taken back",
}


def grade_words(grade: int, scale: Scale) -> str:
    """A grade with its name, for places drawn as text."""
    return f"{grade} {scale.level(grade).name}"


def grade_label(grade: int, scale: Scale) -> str:
    """A grade with its name, for labels: they render Markdown."""
    return f"{grade} {plain(scale.level(grade).name)}"


def answer(judgment: Judgment, scale: Scale) -> str:
    """What a judgment says, in a few words."""
    return grade_words(judgment.grade, scale) if judgment.grade is not None else _STATUS[judgment.status]


def circumstances(
    judgment: Judgment, marks: Sequence[str] = (), pace: Sequence[str] = (), *, of_person: bool
) -> list[str]:
    """When it was said, under which guidelines, and, of a person, how blind; `marks` follow the moment, `pace` the
    guidelines."""
    rules = [] if judgment.guideline_version is None else [f"guidelines, version {judgment.guideline_version}"]
    seen = ["models were in sight" if judgment.model_visible else "blind"] if of_person else []
    return [moment(judgment.created_at), *marks, *rules, *pace, *seen]


def draw(opinion: Opinion, scale: Scale, *, name: str | None = None) -> None:
    """Draw one opinion; `name` replaces the assessor's."""
    assessor, judgment = opinion.assessor, opinion.judgment
    shown = plain(name or who(assessor))
    st.markdown(f"{ICONS[assessor.kind]} **{shown}** · {plain(answer(judgment, scale))}")
    if judgment.explanation:
        st.text(judgment.explanation)
    missing = [evidence.quote for evidence in judgment.evidence if evidence.start_char is None]
    if missing:
        st.caption(f":orange[:material/warning: {len(missing)} quote(s) not found in the document's text]")
    if judgment.note:
        st.caption(plain(judgment.note, limit=300))


def draw_all(opinions: Iterable[Opinion], scale: Scale) -> None:
    """Draw opinions one below the other."""
    for opinion in opinions:
        draw(opinion, scale)
