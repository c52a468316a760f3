"""A batch in one forward pass, without padding and with the beginning that all prompts share computed once.

Prompts differ only from the query on: rules, scale and guidelines are more than half of a short one. A pack is one
sequence `shared beginning | rest of example 1 | rest of example 2 | ...` in which every token attends to the shared
beginning and to its own example only, at the positions it has when it stands alone. Loss and gradients are those of
separate sequences up to rounding (a test holds them to it), at half the time on a CPU. Logits are taken only where a
completion is predicted: the output head of a 150,000-word vocabulary is a quarter of a small model's work.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from training.tokens import Tokenised

PACK_TOKENS = 1024
"""Most tokens in a pack (a longer single example is a pack of its own): bounds memory, about 5 MB a token for a 0.5B
model in float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Some examples of a batch. T tokens, K of them predicted."""

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
    """(K,) True at the grades."""


def packs(
    batch: Sequence[Tokenised], *, explanation_weight: float, share: bool = True, most_tokens: int = PACK_TOKENS
) -> list[Pack]:
    """Pack a batch, in its order. `share=False` (models that can't attend by a mask): a pack per example."""
    if not share:
        return [_pack([one], 0, explanation_weight) for one in batch]
    shared = shared_beginning(batch)
    groups: list[list[Tokenised]] = []
    size = 0
    for one in batch:
        rest = len(one) - shared
        if groups and size + rest <= most_tokens:
            groups[-1].append(one)
            size += rest
        else:
            groups.append([one])
            size = shared + rest
    return [_pack(group, shared if len(group) > 1 else 0, explanation_weight) for group in groups]


def shared_beginning(batch: Sequence[Tokenised]) -> int:
    """Number of first tokens that all prompts have in common; each keeps at least its last one for itself."""
    first, *others = (one.prompt_ids[:-1] for one in batch)
    shared = len(first)
    for ids in others:
        shared = min(shared, len(ids))
        while first[:shared] != ids[:shared]:
            shared -= 1
    return shared


def _pack(group: Sequence[Tokenised], shared: int, explanation_weight: float) -> Pack:
    ids = list(group[0].prompt_ids[:shared])
    positions = list(range(shared))
    owners = [0] * shared
    predicting: list[int] = []
    targets: list[int] = []
    weights: list[float] = []
    grades: list[bool] = []
    for owner, one in enumerate(group, start=1):
        whole = one.prompt_ids + one.completion_ids
        start = len(ids) - shared  # where the example's position 0 would lie
        ids += whole[shared:]
        positions += range(shared, len(whole))
        owners += [owner] * (len(whole) - shared)
        count = len(one.completion_ids)
        predicting += range(start + len(one.prompt_ids) - 1, start + len(whole) - 1)
        targets += one.completion_ids
        others = explanation_weight / max(1, count - 1)
        weights += [1.0 if i == one.grade_at else others for i in range(count)]
        grades += [i == one.grade_at for i in range(count)]
    return Pack(
        input_ids=torch.tensor([ids]),
        position_ids=torch.tensor([positions]),
        attention_mask=_mask(owners) if len(group) > 1 else None,
        predicting=torch.tensor(predicting),
        targets=torch.tensor(targets),
        weights=torch.tensor(weights),
        grades=torch.tensor(grades),
    )


def _mask(owners: Sequence[int]) -> torch.Tensor:
    """Causal, and only the shared beginning (owner 0) and the own example: (1, 1, T, T) of True and False."""
    owner = torch.tensor(owners)
    causal = torch.ones(len(owners), len(owners), dtype=torch.bool).tril()
    return (causal & ((owner == 0)[None, :] | (owner[None, :] == owner[:, None])))[None, None]
