"""Answers sampled from a language model for a training's examples, kept in a file as they come.

Sampling takes longer than learning, so it can be stopped at any token and goes on with the first example whose answers
are not in the file: a line per example, written whole or cut off again. Every answer has a seed of its own, so that it
does not depend on when it was sampled, nor on its neighbours.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.lm.base import LM, Generate
from training.examples import Example
from training.stopping import ShouldStop, Stopped

LOOK_SECONDS = 1.0
"""How often a process looks for what another one samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One answer."""

    text: str
    """The whole of it, with the beginning that was given."""
    finished: bool
    """False where the token limit cut it off."""
    tokens: int
    """That the model wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How answers are drawn."""

    answers: int
    """For each example."""
    temperature: float
    max_tokens: int
    seed: int


OnSampled = Callable[[int, Sequence[Sample]], None]
"""Called with an example's position and its answers, for those already in the file too."""


def sample(
    lm: LM,
    examples: Sequence[Example],
    path: Path,
    sampling: Sampling,
    *,
    on_sampled: OnSampled,
    should_stop: ShouldStop,
) -> list[tuple[Sample, ...]]:
    """Answers to every example, in their order. Raises `Stopped` where told to stop."""
    found = _kept(path)
    for position, answers in enumerate(found):
        on_sampled(position, answers)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for position in range(len(found), len(examples)):
            answers = _answers(lm, examples[position], sampling, should_stop)
            file.write(json.dumps([asdict(one) for one in answers], ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
            found.append(answers)
            on_sampled(position, answers)
    return found


def wait(path: Path, count: int, *, on_sampled: OnSampled, should_stop: ShouldStop) -> None:
    """Wait until another process has sampled so many examples' answers into the file. Raises `Stopped`."""
    told = 0
    while told < count:
        found = _read(path)
        for position in range(told, len(found)):
            on_sampled(position, found[position])
        told = len(found)
        if should_stop():
            raise Stopped
        if told < count:
            time.sleep(LOOK_SECONDS)


def _answers(lm: LM, example: Example, sampling: Sampling, should_stop: ShouldStop) -> tuple[Sample, ...]:
    def look(*_: object) -> None:
        if should_stop():
            raise Stopped

    look()
    asks = [
        Generate(
            messages=example.messages,
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            seed=_seed(sampling.seed, example, number),
        )
        for number in range(sampling.answers)
    ]
    start = example.messages[-1].content
    return tuple(
        Sample(text=start + one.text, finished=one.finished, tokens=one.completion_tokens)
        for one in lm.generate(asks, on_text=look)
    )


def _seed(seed: int, example: Example, number: int) -> int:
    words = json.dumps([seed, example.query_id, example.doc_id, number])
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:6], "big")


def _kept(path: Path) -> list[tuple[Sample, ...]]:
    """What the file holds; a line that was cut short is taken off."""
    if not path.exists():
        return []
    content = path.read_bytes()
    os.truncate(path, content.rfind(b"\n") + 1)
    return _read(path)


def _read(path: Path) -> list[tuple[Sample, ...]]:
    """The file's whole lines."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [tuple(Sample(**one) for one in json.loads(line)) for line in lines]
