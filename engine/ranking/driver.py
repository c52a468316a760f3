"""Runs any number of ranking methods at once against one language model.

Every method is a generator (see `engine.ranking.base`). The driver keeps up to `open_queries` of them going, joins
the requests that wait at the same moment into one batch of each kind, and hands the answers back. Memory follows
`open_queries`, not the number of queries.
"""

from collections.abc import Callable, Iterable, Sequence

from engine.lm.base import LM, Answer, Ask, Choose, Chosen, Generate
from engine.ranking.base import Asking, Opinion

OnAnswer = Callable[[int, Ask, Answer], None]
"""Query's position, request, answer: called as soon as a `Choose` is answered."""
OnPiece = Callable[[int, Ask, str], None]
"""Query's position, request, next piece of its text."""


def drive(
    askings: Iterable[Asking],
    lm: LM,
    *,
    open_queries: int = 16,
    on_answer: OnAnswer | None = None,
    on_piece: OnPiece | None = None,
    on_done: Callable[[int, list[Opinion]], None] | None = None,
) -> list[list[Opinion]]:
    """Return each method's opinions, in the order of `askings`."""
    source = enumerate(askings)
    waiting: dict[int, tuple[Asking, Sequence[Ask]]] = {}
    done: dict[int, list[Opinion]] = {}

    def advance(position: int, asking: Asking, answers: Sequence[Answer] | None) -> None:
        try:
            asks = next(asking) if answers is None else asking.send(answers)
        except StopIteration as stop:
            done[position] = stop.value
            if on_done is not None:
                on_done(position, stop.value)
        else:
            waiting[position] = (asking, asks)

    while True:
        while len(waiting) < open_queries and (opened := next(source, None)) is not None:
            advance(*opened, None)
        if not waiting:
            return [done[position] for position in sorted(done)]
        asks = [(position, ask) for position, (_, batch) in waiting.items() for ask in batch]
        answers = iter(_answer(asks, lm, on_answer, on_piece))
        for position, (asking, batch) in list(waiting.items()):
            del waiting[position]
            advance(position, asking, [next(answers) for _ in batch])


def _answer(
    asks: Sequence[tuple[int, Ask]], lm: LM, on_answer: OnAnswer | None, on_piece: OnPiece | None
) -> list[Answer]:
    """All answers in the order of `asks`: one call for the choices, one for the texts."""
    chooses = [(i, ask) for i, (_, ask) in enumerate(asks) if isinstance(ask, Choose)]
    generates = [(i, ask) for i, (_, ask) in enumerate(asks) if isinstance(ask, Generate)]

    def heard(k: int, answer: Chosen) -> None:
        position, ask = asks[chooses[k][0]]
        if on_answer is not None:
            on_answer(position, ask, answer)

    def read(k: int, piece: str) -> None:
        position, ask = asks[generates[k][0]]
        if on_piece is not None:
            on_piece(position, ask, piece)

    answers: dict[int, Answer] = {}
    if chooses:
        chosen = lm.choose([ask for _, ask in chooses], on_answer=heard if on_answer else None)
        answers.update(zip((i for i, _ in chooses), chosen, strict=True))
    if generates:
        texts = lm.generate([ask for _, ask in generates], on_text=read if on_piece else None)
        answers.update(zip((i for i, _ in generates), texts, strict=True))
    return [answers[i] for i in range(len(asks))]
