"""Forward passes that reuse what is known of a prompt: tensors in, the last position's logits out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache

from data.errors import LMError, lacks_memory
from engine.lm.kept import Beginning, Kept, Layers

KEPT_BYTES = 256_000_000
"""Keys and values kept between calls: enough for a query's twenty documents on a 0.5B model in float32."""


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
        self._kept = Kept(KEPT_BYTES)
        self._tail_only = _tail_only(model)

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
        except (RuntimeError, MemoryError) as error:  # torch.OutOfMemoryError is a RuntimeError too
            if not lacks_memory(error):
                raise
            self._kept.forget()
            raise LMError(
                "The model ran out of memory.", mend="Lower WHYRANK_BATCH_TOKENS or WHYRANK_DOCUMENT_TOKENS."
            ) from error

    def forget(self) -> None:
        """Drop everything kept of earlier prompts."""
        self._kept.forget()

    def known(self, adapter: str, ids: Sequence[int]) -> int:
        """How many of the first tokens are kept."""
        return self._kept.nearest(adapter, ids)[1]

    def beginning(self, adapter: str, ids: Sequence[int]) -> Beginning:
        """Keys and values of a beginning: from what is kept as far as that reaches, the rest computed and kept."""
        wanted = tuple(ids)
        nearest, reached = self._kept.nearest(adapter, wanted)
        start = nearest.first(reached)
        if reached == len(wanted):
            return start
        made = self._extended(start, wanted)
        self._kept.add(adapter, made)
        return made

    def keep(self, adapter: str, start: Beginning, suffixes: Sequence[Sequence[int]], reading: Reading) -> None:
        """Keep what a pass over suffixes of one beginning computed."""
        for row, suffix in enumerate(suffixes):
            layers = [
                (
                    layer.keys[row : row + 1, :, -len(suffix) :].clone(),
                    layer.values[row : row + 1, :, -len(suffix) :].clone(),
                )
                for layer in reading.cache.layers
            ]
            self._kept.add(
                adapter, Beginning(ids=(*start.ids, *suffix), layers=layers, parent=start if start.ids else None)
            )

    def read(self, start: Beginning, suffixes: Sequence[Sequence[int]]) -> Reading:
        """One pass over B suffixes that follow the same beginning; its keys and values are expanded, not copied."""
        rows, before = len(suffixes), len(start.ids)
        layers = [(k.expand(rows, -1, -1, -1), v.expand(rows, -1, -1, -1)) for k, v in start.layers]
        return self._read(layers, torch.ones((rows, before), dtype=torch.long), [before] * rows, suffixes)

    def resume(self, starts: Sequence[Beginning], suffixes: Sequence[Sequence[int]]) -> Reading:
        """One pass over B suffixes, each after a beginning of its own."""
        before = [len(start.ids) for start in starts]
        longest = max(before)
        mask = torch.tensor([[0] * (longest - n) + [1] * n for n in before], dtype=torch.long)
        layers = [
            (_stacked([start.layers[i][0] for start in starts]), _stacked([start.layers[i][1] for start in starts]))
            for i in range(len(starts[0].layers))
        ]
        return self._read(layers, mask, before, suffixes)

    def step(self, reading: Reading, ids: Sequence[int]) -> None:
        """Continue every row by one token; `reading` then holds the state after it."""
        rows = reading.mask.shape[0]
        reading.mask = torch.cat([reading.mask, reading.mask.new_ones((rows, 1))], dim=1)
        tokens = torch.tensor(ids, device=self._device).unsqueeze(1)  # (B, 1)
        reading.logits = self._pass(tokens, reading.positions.unsqueeze(1), reading.mask, reading.cache)
        reading.positions = reading.positions + 1

    def select(self, reading: Reading, rows: Sequence[int]) -> None:
        """Drop all rows but these."""
        chosen = torch.tensor(rows, device=self._device)
        reading.cache.batch_select_indices(chosen)
        reading.mask, reading.positions = reading.mask[chosen], reading.positions[chosen]
        reading.logits = reading.logits[chosen]

    def _read(
        self, layers: Layers, known: torch.Tensor, before: Sequence[int], suffixes: Sequence[Sequence[int]]
    ) -> Reading:
        """`known` (B, P): 0 where a row's beginning is padded; `before`: its true lengths. Suffixes are padded on the
        left, so that the last position is every row's own."""
        rows, longest = len(suffixes), max(map(len, suffixes))
        ids = torch.zeros((rows, longest), dtype=torch.long)
        positions = torch.zeros((rows, longest), dtype=torch.long)
        fresh = torch.zeros((rows, longest), dtype=torch.long)
        for row, suffix in enumerate(suffixes):
            ids[row, -len(suffix) :] = torch.tensor(suffix)
            positions[row, -len(suffix) :] = torch.arange(before[row], before[row] + len(suffix))
            fresh[row, -len(suffix) :] = 1
        mask = torch.cat([known, fresh], dim=1).to(self._device)
        cache = DynamicCache(layers) if layers else DynamicCache()
        logits = self._pass(ids.to(self._device), positions.to(self._device), mask, cache)
        following = torch.tensor([n + len(s) for n, s in zip(before, suffixes, strict=True)], device=self._device)
        return Reading(logits=logits, cache=cache, mask=mask, positions=following)

    def _extended(self, start: Beginning, wanted: tuple[int, ...]) -> Beginning:
        cache = self.read(start, [wanted[len(start.ids) :]]).cache
        return Beginning(ids=wanted, layers=[(layer.keys, layer.values) for layer in cache.layers])

    def _pass(self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, cache: Any) -> torch.Tensor:
        """(B, S) ids to the (B, V) logits of the last position."""
        with self._tail_only():
            done = self._model(
                input_ids=ids,
                attention_mask=None if bool(mask.all()) else mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
        return done.logits[:, -1]


def _stacked(rows: Sequence[torch.Tensor]) -> torch.Tensor:
    """(1, heads, tokens, size) each, to one (B, heads, most tokens, size), padded on the left."""
    longest = max(row.shape[2] for row in rows)
    return torch.cat([torch.nn.functional.pad(row, (0, 0, longest - row.shape[2], 0)) for row in rows])


def _tail_only(model: Any) -> Any:
    """A context in which the last layer's feed-forward block works on the last position only: nothing reads the others.

    That block is some 4 % of a small model's arithmetic. For models built otherwise the context does nothing.
    """
    layers = getattr(getattr(model, "model", None), "layers", None)
    block: Any = getattr(layers[-1], "mlp", None) if layers else None
    if not all(hasattr(block, name) for name in ("gate_proj", "up_proj", "down_proj")):
        return _as_it_is
    whole = block.forward

    def tail(hidden: torch.Tensor) -> torch.Tensor:  # (B, S, H) to the same shape
        done = torch.zeros_like(hidden)
        done[:, -1:] = whole(hidden[:, -1:])
        return done

    @contextmanager
    def context() -> Iterator[None]:
        block.forward = tail
        try:
            yield
        finally:
            del block.forward

    return context


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield
