"""A text passed on piece by piece, over attempts: what was passed on once must come again, and is not repeated."""

from data.errors import LMError
from engine.lm.base import Generated, OnText
from engine.lm.completions import Stream


class Listening:
    """Hears one request's text. `OnText` gets `position` and each piece."""

    def __init__(self, position: int, on_text: OnText | None) -> None:
        self._position = position
        self._on_text = on_text
        self._given = ""

    def hear(self, text: str) -> None:
        """The text so far."""
        if self._on_text is None:
            return
        if not text.startswith(self._given) and not self._given.startswith(text):
            self._differs()
        piece = text[len(self._given) :]
        if piece:
            self._given = text
            self._on_text(self._position, piece)

    def heard(self, stream: Stream) -> Generated:
        """The whole text."""
        finished = stream.finished
        if self._on_text is not None and stream.text != self._given:
            self._differs()
        return Generated(
            text=stream.text,
            finished=finished,
            prompt_tokens=stream.prompt_tokens,
            completion_tokens=stream.completion_tokens,
        )

    def _differs(self) -> None:
        raise LMError(
            "The server broke off a text that was being shown, and wrote another one when asked again.",
            mend="Ask again; a temperature of 0 or a seed makes texts repeatable.",
        )
