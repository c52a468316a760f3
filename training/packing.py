"""A batch in a few forward passes, without padding, every beginning that prompts share computed once.

All prompts of a collection begin alike, those of a query go on alike, and several answers to one prompt differ only
in themselves. A pack writes such a tree of beginnings as one sequence, depth first:

    rules | query 1 | document a | document b | query 2 | document c | ...

in which every token attends to the beginnings it stands on and to its own example only, at the positions it has when
the example stands alone. Loss and gradients are those of separate sequences up to rounding (a test holds them to it),
at half the time on a CPU and less. Logits are taken only where a completion is predicted: the output head of a
150,000-word vocabulary is a quarter of a small model's work.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
from transformers import PretrainedConfig

from training.tokens import Tokenised

PACK_TOKENS = 1024
"""Most tokens in a pack (a longer single example is a pack of its own): bounds memory, about 5 MB a token for a 0.5B
model in float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Some examples of a batch. T tokens, K of them predicted, M examples."""

    members: tuple[Tokenised, ...]
    """In the order in which their completions stand."""
    input_ids: torch.Tensor
    """(1, T)"""
    position_ids: torch.Tensor
    """(1, T)"""
    attention_mask: torch.Tensor | None
    """(1, 1, T, T), True where a row's token sees a column's; None: plainly causal."""
    predicting: torch.Tensor
    """(K,) positions whose logits are needed."""
    targets: torch.Tensor
    """(K,) the token that comes next there."""
    weights: torch.Tensor
    """(K,) share of each target in its example's loss."""
    grades: torch.Tensor
    """(K,) True at the grades, one for each member."""


def can_share(config: PretrainedConfig) -> bool:
    """Can a model of this kind attend by a mask? Not where layers look back over a window only."""
    return set(getattr(config, "layer_types", None) or ["full_attention"]) == {"full_attention"}


def packs(
    batch: Sequence[Tokenised], *, explanation_weight: float, share: bool = True, most_tokens: int = PACK_TOKENS
) -> list[Pack]:
    """Pack a batch, in its order. `share=False` (models that can't attend by a mask): a pack per example."""
    if not share:
        return [_pack([one], explanation_weight) for one in batch]
    groups: list[list[Tokenised]] = []
    size = 0
    for one in batch:
        shared = max((_common(_head(one), _head(other), 0) for other in groups[-1]), default=0) if groups else 0
        if groups and size + len(one) - shared <= most_tokens:
            groups[-1].append(one)
            size += len(one) - shared
        else:
            groups.append([one])
            size = len(one)
    return [_pack(group, explanation_weight) for group in groups]


def _head(one: Tokenised) -> tuple[int, ...]:
    """What an example may share: its prompt but for the last token, whose logits are its own."""
    return one.prompt_ids[:-1]


def _common(first: Sequence[int], second: Sequence[int], start: int) -> int:
    """Where two sequences that are the same before `start` begin to differ."""
    end = min(len(first), len(second))
    if first[start:end] == second[start:end]:
        return end
    return next(i for i in range(start, end) if first[i] != second[i])


@dataclass(slots=True)
class _Tree:
    """The tree of beginnings as it is written down, depth first."""

    members: list[Tokenised] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)
    """Of each token."""
    paths: list[tuple[int, ...]] = field(default_factory=list)
    """Of each node: the nodes it stands on, itself included."""
    predicting: list[int] = field(default_factory=list)

    def branch(self, group: Sequence[Tokenised], start: int, path: tuple[int, ...]) -> None:
        """Write examples that are the same before `start`: what more they share, then each part by itself."""
        if len(group) == 1:
            self._leaf(group[0], start, path)
            return
        end = min(_common(_head(group[0]), _head(other), start) for other in group[1:])
        if end > start:
            path = self._write(group[0].prompt_ids[start:end], start, path)
        for part in _parts(group, end):
            self.branch(part, end, path)

    def _leaf(self, one: Tokenised, start: int, path: tuple[int, ...]) -> None:
        before = len(self.ids) - start  # where the example's position 0 would lie
        self._write((one.prompt_ids + one.completion_ids)[start:], start, path)
        self.predicting += range(before + len(one.prompt_ids) - 1, before + len(one) - 1)
        self.members.append(one)

    def _write(self, ids: Sequence[int], start: int, path: tuple[int, ...]) -> tuple[int, ...]:
        path = (*path, len(self.paths))
        self.paths.append(path)
        self.ids += ids
        self.positions += range(start, start + len(ids))
        self.nodes += [path[-1]] * len(ids)
        return path

    def mask(self) -> torch.Tensor | None:
        """Causal, and only the nodes a token's own stands on: (1, 1, T, T); None where there is one node."""
        if len(self.paths) == 1:
            return None
        stands_on = torch.zeros(len(self.paths), len(self.paths), dtype=torch.bool)
        for node, path in enumerate(self.paths):
            stands_on[node, list(path)] = True
        node = torch.tensor(self.nodes)
        causal = torch.ones(len(self.ids), len(self.ids), dtype=torch.bool).tril()
        return (causal & stands_on[node][:, node])[None, None]


def _parts(group: Sequence[Tokenised], end: int) -> Iterable[list[Tokenised]]:
    """Examples that go on alike after `end`, in the order of their first; one whose head ends there is by itself."""
    parts: dict[object, list[Tokenised]] = {}
    for position, one in enumerate(group):
        head = _head(one)
        parts.setdefault(head[end] if len(head) > end else ("ended", position), []).append(one)
    return parts.values()


def _pack(group: Sequence[Tokenised], explanation_weight: float) -> Pack:
    tree = _Tree()
    tree.branch(group, 0, ())
    targets: list[int] = []
    weights: list[float] = []
    grades: list[bool] = []
    for one in tree.members:
        count = len(one.completion_ids)
        targets += one.completion_ids
        others = explanation_weight / max(1, count - 1)
        weights += [one.weight * (1.0 if i == one.grade_at else others) for i in range(count)]
        grades += [i == one.grade_at for i in range(count)]
    return Pack(
        members=tuple(tree.members),
        input_ids=torch.tensor([tree.ids]),
        position_ids=torch.tensor([tree.positions]),
        attention_mask=tree.mask(),
        predicting=torch.tensor(tree.predicting),
        targets=torch.tensor(targets),
        weights=torch.tensor(weights),
        grades=torch.tensor(grades),
    )
