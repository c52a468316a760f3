"""Writing texts token by token, several side by side; each as it would be written alone."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import torch

from engine.lm.base import Generate, OnText
from engine.lm.forward import Forward, Reading
from engine.lm.tokens import Tokens

_HALF_CHARACTER = "\N{REPLACEMENT CHARACTER}"


@dataclass(slots=True, kw_only=True)
class _Row:
    """One text under way."""

    position: int
    ask: Generate
    ids: list[int] = field(default_factory=list)
    text: str = ""
    given: int = 0
    """Characters already passed on."""
    finished: bool = False
    random: torch.Generator | None = None


class Decoding:
    """One batch of requests, from the reading of their prompts to their texts."""

    def __init__(
        self,
        *,
        tokens: Tokens,
        forward: Forward,
        turn: Callable[[], AbstractContextManager[str]],
        asks: Mapping[int, Generate],
        on_text: OnText | None,
    ) -> None:
        """`turn`: the model is this text's own for the length of a step, so that others can go between."""
        self._tokens = tokens
        self._forward = forward
        self._turn = turn
        self._on_text = on_text
        self._rows = [_Row(position=i, ask=ask, random=_random(ask)) for i, ask in asks.items()]

    def run(self, reading: Reading) -> dict[int, tuple[str, bool, int]]:
        """Position -> text, whether it ended by itself, tokens made."""
        rows = self._rows
        while True:
            kept = [i for i, row in enumerate(rows) if not self._advance(row, reading.logits[i])]
            if not kept:
                return {row.position: (row.text, row.finished, len(row.ids)) for row in self._rows}
            with self._turn():
                if len(kept) < len(rows):
                    self._forward.select(reading, kept)
                    rows = [rows[i] for i in kept]
                self._forward.step(reading, [row.ids[-1] for row in rows])

    def _advance(self, row: _Row, logits: torch.Tensor) -> bool:
        """Take one more token; True when the text is complete."""
        if row.ask.max_tokens <= 0:
            return True
        token = _pick(row, logits)
        if token in self._tokens.ends:
            row.finished = True
            self._pass_on(row, hold=0)
            return True
        row.ids.append(token)
        row.text = self._tokens.decode(row.ids)
        ends = [at for stop in row.ask.stop if (at := row.text.find(stop)) >= 0]
        if ends:
            row.text, row.finished = row.text[: min(ends)], True
        complete = row.finished or len(row.ids) >= row.ask.max_tokens
        if complete and not row.finished:
            # The limit may fall inside a character.
            row.text = row.text.rstrip(_HALF_CHARACTER)
        self._pass_on(row, hold=0 if complete else _unsure(row.text, row.ask.stop))
        return complete

    def _pass_on(self, row: _Row, *, hold: int) -> None:
        """Hand on what is certain: no half character, and nothing that may turn out to be a stop text."""
        sure = len(row.text) - hold
        if self._on_text is not None and sure > row.given:
            self._on_text(row.position, row.text[row.given : sure])
            row.given = sure


def _unsure(text: str, stops: tuple[str, ...]) -> int:
    """Characters at the end of `text` that may still change or be part of a stop text."""
    half = len(text) - len(text.rstrip(_HALF_CHARACTER))
    begun = [n for stop in stops for n in range(1, len(stop)) if text.endswith(stop[:n])]
    return max([half, *begun])


def _random(ask: Generate) -> torch.Generator | None:
    """Each request draws from its own source, so that its text does not depend on its neighbours."""
    if ask.temperature <= 0:
        return None
    source = torch.Generator()
    if ask.seed is None:
        source.seed()
    else:
        source.manual_seed(ask.seed)
    return source


def _pick(row: _Row, logits: torch.Tensor) -> int:
    if row.random is None:
        return int(logits.argmax())
    probabilities = (logits.float() / row.ask.temperature).softmax(dim=-1).cpu()
    return int(torch.multinomial(probabilities, 1, generator=row.random))
