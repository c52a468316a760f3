"""The options of a training job as a form draws them: one per field of `TrainConfig`, with range and help."""

from dataclasses import dataclass
from typing import Any, get_args

from engine.ranking import METHODS
from training.recipes import RECIPES, TrainConfig, field_names

_GRPO = {
    "steps": "steps",
    "prompts_per_step": "pairs per step",
    "generations": "answers sampled per pair",
    "temperature": "temperature of the sampling",
    "beta": "weight of the distance (KL)",
    "learning_rate": "learning rate",
    "format_weight": "reward for the form",
    "grade_weight": "reward for the grade",
    "vllm_url": "vLLM server that samples",
    "max_tokens": "longest answer (tokens)",
    "evidence_weight": "reward for found quotes",
    "length_weight": "reward for the length",
    "explanation_words": "longest explanation (words)",
}
_LABELS = {
    "method": "Ranking method",
    "learning_rate": "Learning rate",
    "batch_size": "Batch size (examples)",
    "lora_rank": "LoRA rank",
    "explanation_weight": "Weight of the explanation",
    "teacher_limit": "Teacher judgments at most",
    "start_from": "Start from",
    "heldout_queries": "Held-out queries at most",
    "depth": "Depth (documents per query)",
    "replay_share": "Share replayed from the sample",
    "general": "For every collection",
    "score.share_weight": "Weight of the expected grade",
    "score.pairwise_weight": "Weight of pairs (RankNet)",
    "score.grade_weight": "Weight of the grade itself",
    "score.margin_weight": "Weight of differences (Margin-MSE)",
    "score.group_size": "Documents compared at once",
    "weighted.answers": "Answers sampled per pair",
    "weighted.temperature": "Temperature of the sampling",
    "weighted.max_tokens": "Longest answer (tokens)",
    "weighted.keep_from": "Least reward that is learnt",
    "weighted.easy_weight": "Weight of pairs that are right already",
    "weighted.grade_weight": "Reward: weight of the grade",
    "weighted.evidence_weight": "Reward: weight of found quotes",
    "weighted.length_weight": "Reward: weight of the length",
    "weighted.explanation_words": "Longest explanation (words)",
    **{f"{stage}.{name}": f"GRPO: {words}" for stage in ("warmup", "grpo") for name, words in _GRPO.items()},
}
_CHOICES = {"recipe": tuple(RECIPES), "method": tuple(METHODS)}
"""Fields that name a member of a dict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One field of the form."""

    name: str
    label: str
    help: str
    default: Any  # as the field is: text, whole number or fraction
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


def options(recipe: str) -> list[Option]:
    """Every option of a training job by this recipe but the recipe itself, those of its objectives last."""
    start = TrainConfig(recipe=recipe)
    return [_option(name, start) for name in field_names(recipe) if name != "recipe"]


def _option(name: str, start: TrainConfig) -> Option:
    """`start`: the config whose values are the form's first ones."""
    outer, _, inner = name.partition(".")
    holder = getattr(start, outer) if inner else start
    field, default = type(holder).model_fields[inner or outer], getattr(holder, inner or outer)
    limits = {key: getattr(part, key) for part in field.metadata for key in ("ge", "gt", "le") if hasattr(part, key)}
    choices = _CHOICES.get(name) or (get_args(field.annotation) if isinstance(default, str) else ())
    return Option(
        name=name,
        label=_LABELS.get(name, (inner or outer).replace("_", " ").capitalize()),
        help=field.description or "",
        default=default,
        low=limits.get("ge", limits.get("gt")),
        high=limits.get("le"),
        choices=choices,
    )
