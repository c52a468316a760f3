"""Recipes: what the Train button can do, and the options of a job.

A recipe is a chain of stages; each stage is a module with a `train` function of the form `Trainer` and continues
from the adapter of the stage before it. Adding one is a file and a line in `RECIPES`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import Field, field_validator, model_validator

from data.errors import NotFoundError
from engine.ranking import DEFAULT_METHOD, METHODS
from training.examples import Example
from training.options import Grpo, Options, RewardWeighted, ScoreLearning, Warmup
from training.stopping import ShouldStop

OnMetrics = Callable[[int, int, Mapping[str, float]], None]
"""Called after a step with its number (from 1), how many there will be, and its figures. A step is an optimizer step,
or one of the work that an objective does before."""


class TrainConfig(Options):
    """Everything a training job can be told. The defaults are the button's."""

    recipe: str = Field(default="sft", description="Name of a recipe.")
    method: str = Field(
        default=DEFAULT_METHOD,
        description="Ranking method whose answer form is trained and with which the version is evaluated.",
    )
    epochs: int = Field(default=2, ge=1, le=50, description="Passes over the examples. Source: InteRank uses 1-3.")
    max_steps: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Most optimizer steps of a stage that goes through the examples, where its epochs have more; the "
        "learning rate has fallen to 0 by then. 0: whole epochs.",
    )
    learning_rate: float = Field(
        default=3e-4, gt=0, le=0.1, description="Peak of AdamW's linear decay. Source: LoRA wants about 10x full SFT's."
    )
    warmup_steps: int = Field(default=0, ge=0, le=10_000, description="Steps in which the learning rate rises from 0.")
    batch_size: int = Field(default=4, ge=1, le=256, description="Examples per optimizer step.")
    lora_rank: int = Field(
        default=16,
        ge=1,
        le=256,
        description="Rank of the adapter on every linear layer but the output head; alpha is twice the rank. "
        "Source: LoRA, arXiv 2106.09685.",
    )
    explanation_weight: float = Field(
        default=1.0,
        ge=0,
        le=10,
        description="Weight of the explanation's mean token loss; the grade's token has weight 1. 0: only grades are "
        "learnt. "
        "Source: Distilling Step-by-Step, arXiv 2305.02301.",
    )
    teacher_limit: int = Field(
        default=40,
        ge=0,
        le=100_000,
        description="Most teacher judgments used, for pairs no person graded; 0: none.",
    )
    start_from: Literal["base", "champion"] = Field(
        default="base", description="Train a new adapter on the base model, or continue the champion's."
    )
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Of adapter, order of examples and held-out sample.")
    heldout_queries: int = Field(
        default=50,
        ge=1,
        le=100_000,
        description="Most held-out queries evaluated; a seeded sample where there are more.",
    )
    depth: int = Field(default=10, ge=1, le=1000, description="Documents per query in the evaluation.")
    replay_share: float = Field(
        default=0.0,
        ge=0,
        le=0.9,
        description="Share of the examples that is replayed from the sample collection, so that a few corrections "
        "don't wipe out what the student knew.",
    )
    general: bool = Field(
        default=False,
        description="Train a version for every collection: each query is asked on a scale drawn from all there are.",
    )
    score: ScoreLearning = Field(default=ScoreLearning(), description="Options of score-learning.")
    weighted: RewardWeighted = Field(default=RewardWeighted(), description="Options of reward-weighted-sft.")
    warmup: Warmup = Field(default=Warmup(), description="Options of grpo-warmup.")
    grpo: Grpo = Field(default=Grpo(), description="Options of grpo-reasoned.")

    @model_validator(mode="before")
    @classmethod
    def _recipe_defaults(cls, values: Any) -> Any:
        """What the recipe sets where nothing was said."""
        recipe = RECIPES.get(values.get("recipe", "")) if isinstance(values, Mapping) else None
        return values if recipe is None else {**recipe.defaults, **values}

    def steps(self, units: int, per_step: int) -> int:
        """Optimizer steps of a stage over so many units (examples, or queries' groups of them)."""
        whole = self.epochs * -(-units // per_step)
        return min(whole, self.max_steps) if self.max_steps else whole

    @field_validator("recipe")
    @classmethod
    def _known_recipe(cls, name: str) -> str:
        return _known(name, RECIPES, "recipe")

    @field_validator("method")
    @classmethod
    def _known_method(cls, name: str) -> str:
        return _known(name, METHODS, "ranking method")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOutcome:
    """Figures about a finished stage."""

    steps: int
    """Steps told in the whole training, those before a resumption included."""
    examples: int
    too_long: int
    """Examples left out because they have more tokens than the model is trained on; none is ever cut."""
    loss: float
    """Mean over the last epoch."""
    seconds: float
    """Of this process; a resumed training counts from its resumption."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """The objective's own, over the whole training: what its answers earned, how many could not be read or were cut
    off at the token limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSetup:
    """Where a stage reads and writes (local folders), and what it runs on."""

    base: Path
    """The base model."""
    parent: Path | None
    """The adapter to continue from; None: a new one."""
    checkpoints: Path
    """Kept until the job has ended; a stage resumes from the newest whole one."""
    out: Path
    """The finished adapter in PEFT's layout, safetensors. Appears at once or not at all."""
    device: str = "auto"
    """`cpu`, `cuda`, or `auto`."""
    free_bytes: int | None = None
    """Memory there is for the training; None: the system is asked."""
    rank: int = 0
    processes: int = 1
    """Which process of how many that train together this is; all must run the same `train`."""


class Trainer(Protocol):
    """What a stage does. Raises TrainingError, and `Stopped` where it was told to stop, with a checkpoint saved."""

    def __call__(
        self,
        examples: Sequence[Example],
        setup: StageSetup,
        config: TrainConfig,
        *,
        on_metrics: OnMetrics,
        should_stop: ShouldStop,
    ) -> TrainingOutcome:
        """Train an adapter on `examples`, resuming where a checkpoint is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A step of a recipe. The module is imported when the stage runs: it brings torch, which no page needs."""

    name: str
    module: str
    options: str | None = None
    """The field of `TrainConfig` that holds this objective's own options."""

    @property
    def train(self) -> Trainer:
        """The stage's `train` function."""
        trainer: Trainer = import_module(self.module).train
        return trainer


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A member of `RECIPES`."""

    name: str
    summary: str
    source: str
    stages: tuple[Stage, ...]
    defaults: Mapping[str, object] = field(default_factory=dict)
    """Options that are not `TrainConfig`'s own by default."""


SFT = Stage(name="sft", module="training.objectives.sft")
SCORE_LEARNING = Stage(name="score-learning", module="training.objectives.score_learning", options="score")
REWARD_WEIGHTED = Stage(name="reward-weighted-sft", module="training.objectives.reward_weighted", options="weighted")
GRPO_WARMUP = Stage(name="grpo-warmup", module="training.objectives.grpo_warmup", options="warmup")
GRPO_REASONED = Stage(name="grpo-reasoned", module="training.objectives.grpo_reasoned", options="grpo")

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="correct",
            summary="Learn the order of a query's documents from its grades, and the explanations with them.",
            source="ProRank stage 2, arXiv 2506.03487, with InteRank stage 1 in the same pass",
            stages=(SCORE_LEARNING,),
            defaults={"start_from": "champion", "learning_rate": 1e-4, "batch_size": 8, "replay_share": 0.25},
        ),
        Recipe(
            name="sft",
            summary="Fine-tune an adapter (LoRA) to give people's grades and explanations.",
            source="InteRank stage 1, arXiv 2504.03947",
            stages=(SFT,),
        ),
        Recipe(
            name="interank",
            summary="Learn grades and explanations, then from answers of the student's own that earn a high reward.",
            source="InteRank, arXiv 2504.03947",
            stages=(SFT, REWARD_WEIGHTED),
        ),
        Recipe(
            name="grpo-warmup",
            summary="Let the student write the grade's line itself, and reward the right one.",
            source="ProRank stage 1, arXiv 2506.03487",
            stages=(GRPO_WARMUP,),
        ),
        Recipe(
            name="prorank",
            summary="Warm up on the grade by reward, then learn the order of a query's documents.",
            source="ProRank, arXiv 2506.03487",
            stages=(GRPO_WARMUP, SCORE_LEARNING),
            defaults={"batch_size": 8},
        ),
        Recipe(
            name="reasoned",
            summary="Learn grades and explanations, then let the student reason and reward it: form, grade, evidence.",
            source="Rank-R1, arXiv 2503.06034, and ERank, arXiv 2509.00520",
            stages=(SFT, GRPO_REASONED),
        ),
    )
}


def nested(values: Mapping[str, object]) -> dict[str, object]:
    """A config's values by their full names (`epochs`, `score.group_size`) as `TrainConfig` takes them."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        outer, dot, inner = name.partition(".")
        if dot:
            found.setdefault(outer, {})[inner] = value
        else:
            found[name] = value
    return found


def field_names(recipe: str) -> list[str]:
    """Full names of all options a recipe has, those of its objectives last."""
    objectives = [stage.options for stage in recipe_named(recipe).stages if stage.options]
    common = [name for name, field in TrainConfig.model_fields.items() if not _is_config(field.annotation)]
    inner = {name: getattr(TrainConfig.model_fields[name].annotation, "model_fields", {}) for name in objectives}
    return [*common, *(f"{name}.{option}" for name, fields in inner.items() for option in fields)]


def _is_config(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Options)


DEFAULT_RECIPE = "correct"
"""The button's."""


def recipe_named(name: str) -> Recipe:
    """The recipe of that name."""
    try:
        return RECIPES[name]
    except KeyError:
        raise NotFoundError(f"There is no recipe {name!r}.", mend=f"Use one of: {', '.join(RECIPES)}.") from None


def _known(name: str, members: Mapping[str, object], what: str) -> str:
    if name not in members:
        raise ValueError(f"There is no {what} {name!r}; use one of: {', '.join(members)}.")
    return name
