"""Keys and values of prompts already read, kept for prompts that begin alike: the least recently used go first."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

import torch

from engine.lm.prefix import common

Layers = list[tuple[torch.Tensor, torch.Tensor]]
"""Keys and values per layer, each (1, heads, tokens, head size)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beginning:
    """A computed beginning of prompts. With a `parent`, `layers` hold only what follows the parent's tokens, so that
    the prompts of one query share its memory."""

    ids: tuple[int, ...]
    layers: Layers
    parent: Optional["Beginning"] = None

    def first(self, tokens: int) -> "Beginning":
        """The first tokens of it, in one piece."""
        if self.parent is None:
            layers = [(k[:, :, :tokens], v[:, :, :tokens]) for k, v in self.layers] if tokens else []
            return Beginning(ids=self.ids[:tokens], layers=layers)
        before = len(self.parent.ids)
        if tokens <= before:
            return self.parent.first(tokens)
        pieces = zip(self.parent.first(before).layers, self.layers, strict=True)
        layers = [
            (
                torch.cat([k, own_k[:, :, : tokens - before]], dim=2),
                torch.cat([v, own_v[:, :, : tokens - before]], dim=2),
            )
            for (k, v), (own_k, own_v) in pieces
        ]
        return Beginning(ids=self.ids[:tokens], layers=layers)

    @property
    def bytes(self) -> int:
        """Memory of its own."""
        return sum(t.numel() * t.element_size() for pair in self.layers for t in pair)


NOTHING = Beginning(ids=(), layers=[])


class Kept:
    """What is kept, by adapter; safe in many threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._beginnings: OrderedDict[tuple[str, tuple[int, ...]], Beginning] = OrderedDict()
        self._lock = threading.Lock()

    def nearest(self, adapter: str, ids: Sequence[int]) -> tuple[Beginning, int]:
        """The kept beginning that shares most tokens with `ids`, and how many these are."""
        wanted = tuple(ids)
        with self._lock:
            exact = (adapter, wanted)
            if exact in self._beginnings:
                self._beginnings.move_to_end(exact)
                return self._beginnings[exact], len(wanted)
            found, reached, used = NOTHING, 0, exact
            for key, beginning in self._beginnings.items():
                shared = common(beginning.ids, wanted) if key[0] == adapter else 0
                if shared > reached:
                    found, reached, used = beginning, shared, key
            if reached:
                self._beginnings.move_to_end(used)
            return found, reached

    def add(self, adapter: str, beginning: Beginning) -> None:
        """Keep one more, as far as the limit allows."""
        with self._lock:
            self._beginnings[adapter, beginning.ids] = beginning
            self._beginnings.move_to_end((adapter, beginning.ids))
            held = sum(each.bytes for each in self._beginnings.values())
            while held > self._limit:
                held -= self._beginnings.popitem(last=False)[1].bytes

    def forget(self) -> None:
        """Drop everything."""
        with self._lock:
            self._beginnings.clear()
