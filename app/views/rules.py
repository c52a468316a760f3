"""Guidelines and scale as a form, and the versions they had."""

from collections.abc import Sequence

import streamlit as st

from app.actions.rules import Change, reworded
from app.views.plain import plain
from data.records import Collection
from data.scales import Scale

GUIDELINES = 4000
NAME = 60
DEFINITION = 200
"""Longest texts, in characters: the model reads all of them before every document."""


def form(collection: Collection, presets: Sequence[Scale]) -> tuple[str, Scale]:
    """The guidelines and the scale as they are typed. Raises SettingsError for a grade without words."""
    version = f"{collection.collection_id}_{collection.guideline_version}"
    text = st.text_area(
        "Guidelines", collection.guidelines, key=f"guidelines_{version}", height=200, max_chars=GUIDELINES
    )
    scale = _chosen(collection.scale, presets, version)
    names, definitions = [], []
    for level in scale.levels:
        key = f"{version}_{scale.name}_{level.grade}"
        with st.container(horizontal=True):
            names.append(
                st.text_input(f"Name of grade {level.grade}", level.name, key=f"level_{key}", max_chars=NAME, width=260)
            )
            definitions.append(
                st.text_input(
                    f"A document of grade {level.grade} ...",
                    level.definition,
                    key=f"definition_{key}",
                    max_chars=DEFINITION,
                )
            )
    relevant_from = st.selectbox(
        "A document counts as relevant from grade",
        scale.grades[1:],
        index=scale.grades[1:].index(scale.relevant_from),
        key=f"relevant_{version}_{scale.name}",
        help="Measures that know relevant or not (RR, AP, precision) count from here.",
        width=320,
    )
    return text, reworded(scale, names=names, definitions=definitions, relevant_from=relevant_from)


def _chosen(present: Scale, presets: Sequence[Scale], version: str) -> Scale:
    """The present scale, or a preset in its place."""
    by_title = {f"{present.name} (in use)": present} | {f"{scale.name}: {scale.words}": scale for scale in presets}
    title = st.selectbox(
        "Scale",
        list(by_title),
        key=f"scale_{version}",
        help="Another one can be taken as long as no grade that was ever given gets lost.",
        width=520,
    )
    return by_title[title]


def versions(changes: Sequence[Change]) -> None:
    """Who changed what, and when; the newest first."""
    st.markdown("**Versions** (every judgment keeps the one it was made under)")
    for change in changes:
        by = f" by {change.who}" if change.who else ""
        label = plain(f"Version {change.version}, {change.when:%Y-%m-%d %H:%M} UTC{by}")
        with st.expander(label, key=f"rules_{change.version}"):
            st.code(change.difference or "Only white space changed.", language=None, wrap_lines=True)
    if len(changes) > 1:
        st.caption(r"\[-gone-\] and \{+new+\} words; lines without a change are left out.")
