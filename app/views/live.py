"""A ranking while it is made: BM25's documents at once, then grades and explanations as they arrive."""

import time
from collections.abc import Mapping, Sequence

import streamlit as st

from app.actions.explore import Found
from app.components import grade_bar, passage
from data.records import Query
from data.scales import Scale
from engine.pipeline import Listener

LINES = 3


class Live:
    """Draws the first stage when made; its `listener` fills in the rest."""

    def __init__(self, found: Sequence[Found], scale: Scale) -> None:
        self.scale = scale
        self.documents = len(found)
        self.scored = 0
        self.started = time.monotonic()
        self.texts: dict[str, str] = {}
        self._progress = st.progress(0.0, text="BM25 is done. Loading the model ...")
        self._grades = {}
        self._explanations = {}
        for item in found:
            with st.container(border=True):
                place, text, model = st.columns([1, 7, 6])
                place.markdown(f"### {item.hit.rank}")
                place.caption("BM25")
                with text:
                    passage.draw(item.document, key=f"live-text-{item.hit.rank}", lines=LINES)
                with model:
                    self._grades[item.hit.doc_id] = st.empty()
                    self._explanations[item.hit.doc_id] = st.empty()
                self._grades[item.hit.doc_id].caption("waiting for the model")

    @property
    def listener(self) -> Listener:
        """Hears of scores and words."""
        return Listener(on_scored=self._on_scored, on_text=self._on_text)

    def _on_scored(self, _: Query, doc_id: str, probabilities: Mapping[int, float], expected: float) -> None:
        self.scored += 1
        with self._grades[doc_id].container():
            st.text(f"expected grade {expected:.2f}")
            grade_bar.draw(self.scale, probabilities, key=f"live-grade-{self.scored}")
        self._tell("explaining" if self.scored == self.documents else "grading")

    def _on_text(self, _: Query, doc_id: str, piece: str) -> None:
        self.texts[doc_id] = self.texts.get(doc_id, "") + piece
        self._explanations[doc_id].text(self.texts[doc_id].strip())
        self._tell("explaining")

    def _tell(self, doing: str) -> None:
        seconds = time.monotonic() - self.started
        self._progress.progress(
            min(1.0, self.scored / self.documents),
            text=f"{self.scored} of {self.documents} documents graded, {doing} · {seconds:.0f} s",
        )
