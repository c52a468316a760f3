"""Forward passes with a shared prefix: tensors in, the last position's logits out."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache

from data.errors import LMError
from engine.lm.prefix import common

KEPT_PREFIXES = 8
"""Prefixes kept between calls: a few hundred tokens each, some 5 MB for a 0.5B model."""

Layers = list[tuple[torch.Tensor, torch.Tensor]]
"""Keys and values per layer, each (1, heads, tokens, head size)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """Computed beginning of prompts."""

    ids: tuple[int, ...]
    layers: Layers


@dataclass(slots=True, kw_only=True)
class Reading:
    """What a pass over B rows left behind, to be continued token by token."""

    logits: torch.Tensor
    """(B, V), of each row's last position."""
    cache: Any
    """DynamicCache of B rows."""
    mask: torch.Tensor
    """(B, T), 0 where a pad lies."""
    positions: torch.Tensor
    """(B,), the next position of each row."""


class Forward:
    """A causal model and what it keeps of earlier prompts."""

    def __init__(self, model: Any, device: str) -> None:  # a transformers model of any family
        self._model = model
        self._device = device
        self._kept: OrderedDict[tuple[str, tuple[int, ...]], Prefix] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def on_cpu(self) -> bool:
        """Does the model run on the CPU?"""
        return self._device == "cpu"

    @property
    def context_tokens(self) -> int:
        """Tokens the model can attend to."""
        return int(self._model.config.max_position_embeddings)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """No gradients; running out of memory becomes an LMError."""
        try:
            with torch.inference_mode():
                yield
        except RuntimeError as error:  # torch.OutOfMemoryError is one; the CPU's allocator raises the plain kind
            if "memory" not in str(error).lower():
                raise
            self.forget()
            raise LMError(
                "The model ran out of memory.", mend="Lower WHYRANK_BATCH_TOKENS or WHYRANK_DOCUMENT_TOKENS."
            ) from error

    def forget(self) -> None:
        """Drop all kept prefixes."""
        with self._lock:
            self._kept.clear()

    def prefix(self, adapter: str, ids: Sequence[int]) -> Prefix:
        """Keys and values of a beginning: from what is kept as far as that reaches, the rest computed and kept."""
        wanted = tuple(ids)
        if not wanted:
            return Prefix(ids=(), layers=[])
        with self._lock:
            known = self._kept.get((adapter, wanted))
            if known is not None:
                self._kept.move_to_end((adapter, wanted))
                return known
            nearest = max(
                (prefix for (name, _), prefix in self._kept.items() if name == adapter),
                key=lambda prefix: common(prefix.ids, wanted),
                default=Prefix(ids=(), layers=[]),
            )
        reached = common(nearest.ids, wanted)
        start = Prefix(
            ids=wanted[:reached],
            layers=[(keys[:, :, :reached], values[:, :, :reached]) for keys, values in nearest.layers]
            if reached
            else [],
        )
        made = start if reached == len(wanted) else self._extended(start, wanted)
        with self._lock:
            self._kept[adapter, wanted] = made
            while len(self._kept) > KEPT_PREFIXES:
                self._kept.popitem(last=False)
        return made

    def read(self, prefix: Prefix, suffixes: Sequence[Sequence[int]]) -> Reading:
        """One pass over B suffixes that follow the same prefix."""
        rows, longest, before = len(suffixes), max(map(len, suffixes)), len(prefix.ids)
        ids = torch.zeros((rows, longest), dtype=torch.long)
        positions = torch.zeros((rows, longest), dtype=torch.long)
        mask = torch.ones((rows, before + longest), dtype=torch.long)
        for row, suffix in enumerate(suffixes):
            pads = longest - len(suffix)
            ids[row, pads:] = torch.tensor(suffix)
            positions[row, pads:] = torch.arange(before, before + len(suffix))
            mask[row, before : before + pads] = 0
        mask = mask.to(self._device)
        cache = self._cache(prefix, rows)
        logits = self._pass(ids.to(self._device), positions.to(self._device), mask, cache)
        following = torch.tensor([before + len(suffix) for suffix in suffixes], device=self._device)
        return Reading(logits=logits, cache=cache, mask=mask, positions=following)

    def step(self, reading: Reading, ids: Sequence[int]) -> None:
        """Continue every row by one token; `reading` then holds the state after it."""
        rows = reading.mask.shape[0]
        reading.mask = torch.cat([reading.mask, reading.mask.new_ones((rows, 1))], dim=1)
        tokens = torch.tensor(ids, device=self._device).unsqueeze(1)  # (B, 1)
        reading.logits = self._pass(tokens, reading.positions.unsqueeze(1), reading.mask, reading.cache)
        reading.positions = reading.positions + 1

    def keep(self, reading: Reading, rows: Sequence[int]) -> None:
        """Drop all rows but these."""
        chosen = torch.tensor(rows, device=self._device)
        reading.cache.batch_select_indices(chosen)
        reading.mask, reading.positions = reading.mask[chosen], reading.positions[chosen]
        reading.logits = reading.logits[chosen]

    def _extended(self, start: Prefix, wanted: tuple[int, ...]) -> Prefix:
        cache = self._cache(start, 1)
        reached = len(start.ids)
        ids = torch.tensor([wanted[reached:]], device=self._device)
        positions = torch.arange(reached, len(wanted), device=self._device).unsqueeze(0)
        mask = torch.ones((1, len(wanted)), dtype=torch.long, device=self._device)
        self._pass(ids, positions, mask, cache)
        return Prefix(ids=wanted, layers=[(layer.keys, layer.values) for layer in cache.layers])

    def _cache(self, prefix: Prefix, rows: int) -> Any:
        """A cache of B rows that begins with the prefix; expanding does not copy."""
        if not prefix.layers:
            return DynamicCache(config=self._model.config)
        return DynamicCache([(k.expand(rows, -1, -1, -1), v.expand(rows, -1, -1, -1)) for k, v in prefix.layers])

    def _pass(self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, cache: Any) -> torch.Tensor:
        """(B, S) ids to the (B, V) logits of the last position."""
        done = self._model(
            input_ids=ids,
            attention_mask=None if bool(mask.all()) else mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return done.logits[:, -1]
