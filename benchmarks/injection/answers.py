"""Answers of a language model kept in a file as they come: begun again, a measurement asks only what is new."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from engine.lm.base import LM, Adapter, Choose, Chosen, Clipped, Generate, Generated, OnChosen, OnText


class KeptAnswers:
    """A language model whose `choose` looks into the file first. A request is the same if every word of it and the
    model's name are."""

    def __init__(self, lm: LM, path: Path) -> None:
        self._lm = lm
        self._path = path
        self._kept: dict[str, Chosen] = {}
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        self._before = "\n" if text and not text.endswith("\n") else ""
        """Ends a line that was cut off when the process ended."""
        for line in text.splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            key = row.pop("key")
            self._kept[key] = Chosen(**row)

    @property
    def name(self) -> str:
        """The model's."""
        return self._lm.name

    def choose(self, asks: Sequence[Choose], *, on_answer: OnChosen | None = None) -> list[Chosen]:
        """Answer each request, in the order of `asks`."""
        keys = [self._key(ask) for ask in asks]
        new = [i for i, key in enumerate(keys) if key not in self._kept]

        def tell(position: int) -> None:
            if on_answer is not None:
                on_answer(position, self._kept[keys[position]])

        def heard(position: int, answer: Chosen) -> None:
            self._keep(keys[new[position]], answer)
            tell(new[position])

        for position in sorted(set(range(len(asks))) - set(new)):
            tell(position)
        if new:
            self._lm.choose([asks[i] for i in new], on_answer=heard)
        return [self._kept[key] for key in keys]

    def generate(self, asks: Sequence[Generate], *, on_text: OnText | None = None) -> list[Generated]:
        """The model's; texts are not kept."""
        return self._lm.generate(asks, on_text=on_text)

    def clip(self, text: str, max_tokens: int) -> Clipped:
        """The model's."""
        return self._lm.clip(text, max_tokens)

    def adapted(self, adapter: Adapter | None) -> "KeptAnswers":
        """The same file with the model under another adapter, whose name is part of every request."""
        view = object.__new__(KeptAnswers)
        view.__dict__.update(self.__dict__)
        view._lm = self._lm.adapted(adapter)
        return view

    def _key(self, ask: Choose) -> str:
        turns = [(message.role, message.content) for message in ask.messages]
        content = json.dumps([self.name, turns, ask.choices], ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()

    def _keep(self, key: str, answer: Chosen) -> None:
        self._kept[key] = answer
        row = {
            "key": key,
            "log_probabilities": dict(answer.log_probabilities),
            "probabilities": dict(answer.probabilities),
            "prompt_tokens": answer.prompt_tokens,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{self._before}{json.dumps(row)}\n")
        self._before = ""
