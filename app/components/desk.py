"""The desk of the Judge page: it paints pairs, takes keys, and keeps what the server has not acknowledged.

Its script is trusted code beside this file; what it is given (queries, documents, words of models and people) only
becomes text nodes there. Streamlit's own shortcuts lose and reorder keys while a script runs, hence this component:
docs/decisions/0007-keys-of-our-own.md.
"""

from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent
_SCRIPTS = ("desk_text.js", "desk_outbox.js", "desk_paint.js", "desk.js", "desk_view.js")
KEY = "judge_keys"
SENT = "sent"
"""The one piece of state: the browser's newest message."""

_component = st.components.v2.component(
    "whyrank_desk",
    html='<div class="desk"></div>',
    css=(_FOLDER / "desk.css").read_text(encoding="utf-8"),
    js="\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS),
)


def draw(data: dict[str, Any]) -> None:
    """Draw the desk with what the server has to say."""
    _component(key=KEY, data=data, on_sent_change=_heard)


def _heard() -> None:
    """The page reads the message before it draws; this only names the state."""
