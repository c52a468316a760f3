"""Group relative policy optimization (GRPO, arXiv 2402.03300) of rewards: what both GRPO objectives share.

Several answers to each prompt are sampled from the model as it is; those that earn more than the mean of their group
become likelier, the others less. TRL's GRPOTrainer with LoRA; its loss (dapo) is near 0 whatever is learnt, so it is
the rewards that tell how it goes. A group whose answers all earn the same teaches nothing; such groups are counted.
"""

import importlib.util
import logging
import random
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PrinterCallback, TrainerState
from trl import GRPOConfig

from data.errors import SettingsError
from engine.explanation import prompt
from engine.lm.base import Choose, Message
from engine.lm.tokens import Tokens
from training import memory
from training.examples import Example
from training.objectives import packed
from training.objectives.groups import GroupTrainer
from training.objectives.packed import MAX_TOKENS
from training.options import Warmup
from training.packing import can_share
from training.recipes import OnMetrics, StageSetup, TrainConfig, TrainingOutcome
from training.rewards import Asked, asked
from training.stopping import ShouldStop, never
from training.watch import Watch

log = logging.getLogger(__name__)
Reward = Callable[[str, Asked], float | None]
FORM = "form"
"""The reward that is 0 for an answer that can't be read, where the others are None."""
FIGURES = {
    "reward": "reward",
    "kl": "kl",
    "entropy": "entropy",
    "unreadable": "unreadable",
    "completions/clipped_ratio": "clipped",
    "completions/mean_length": "completion_tokens",
    "frac_reward_zero_std": "same_reward",
}
"""TRL's name -> ours: mean reward of an answer, distance to the model the stage began with (nats per token), entropy of
a token, shares of answers that could not be read or were cut off at the token limit, their mean length, and the share
of groups whose answers all earned the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What makes one GRPO objective differ from another."""

    options: Warmup
    prompt: Callable[[Example], tuple[Message, ...]]
    """The chat, with the beginning of the answer that is given."""
    counted: Callable[[Example], str]
    """As much of that beginning as is read with what the model writes."""
    rewards: Mapping[str, Reward]
    """`FORM` is among them."""
    weights: Mapping[str, float]
    max_tokens: int
    ends: tuple[str, ...] = ()
    """Single tokens that end an answer, beside the model's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """A prompt, and what its answers are measured against."""

    prompt_ids: list[int]
    start: str
    given: Asked


def train(
    examples: Sequence[Example],
    setup: StageSetup,
    config: TrainConfig,
    objective: Objective,
    *,
    on_metrics: OnMetrics,
    should_stop: ShouldStop,
) -> TrainingOutcome:
    """Train an adapter and save it, resuming from the newest checkpoint; a `Trainer` but for its objective."""
    started = time.monotonic()
    tokenizer = AutoTokenizer.from_pretrained(setup.base, local_files_only=True, padding_side="left")
    tokens = Tokens(tokenizer)
    every = [
        _Task(prompt_ids=tokens.prompt(objective.prompt(one)), start=objective.counted(one), given=asked(one))
        for one in examples
    ]
    tasks = [task for task in every if len(task.prompt_ids) + objective.max_tokens <= MAX_TOKENS]
    if not tasks:
        raise packed.every_too_long()

    def told(step: int, of: int, figures: Mapping[str, float]) -> None:
        log.info("Step %d of %d: %s", step, of, ", ".join(f"{name} {value:.4g}" for name, value in figures.items()))
        on_metrics(step, of, figures)

    watch = Watch(told, should_stop, curves(objective))
    with warnings.catch_warnings():
        # PEFT and TRL read names that transformers 5 renamed.
        warnings.filterwarnings("ignore", ".*gradient_checkpointing.* is deprecated", FutureWarning)
        trainer = _trainer(tasks, tokenizer, setup, config, objective, watch, should_stop)
        packed.run(trainer, watch, setup)
    return TrainingOutcome(
        steps=trainer.state.global_step,
        examples=len(tasks),
        too_long=len(every) - len(tasks),
        loss=_mean(trainer.state, "loss") or 0.0,
        seconds=time.monotonic() - started,
        figures=_figures(trainer.state, objective),
    )


def curves(objective: Objective) -> dict[str, str]:
    """TRL's name -> ours of all figures a step has."""
    return {**FIGURES, **{f"rewards/{name}/mean": f"reward_{name}" for name in objective.rewards}}


def order(count: int, wanted: int, seed: int) -> list[int]:
    """Which of `count` prompts come in which order: one shuffled pass after the other."""
    drawn = random.Random(seed)
    found: list[int] = []
    while len(found) < wanted:
        found += drawn.sample(range(count), count)
    return found[:wanted]


def _trainer(
    tasks: Sequence[_Task],
    tokenizer: PreTrainedTokenizerBase,
    setup: StageSetup,
    config: TrainConfig,
    objective: Objective,
    watch: Watch,
    should_stop: ShouldStop,
) -> GroupTrainer:
    options = objective.options
    cuda = packed.on_cuda(setup)
    if options.vllm_url and not (cuda and importlib.util.find_spec("vllm")):
        raise SettingsError(
            "Sampling by a vLLM server needs CUDA and the package vllm here too: it hands the weights over.",
            mend="Install vllm beside WhyRank on a machine with a GPU, or leave vllm_url empty.",
        )
    model = packed.load(setup, torch.bfloat16 if cuda else torch.float32)
    free = memory.free_bytes() if setup.free_bytes is None else setup.free_bytes
    longest = max(len(task.prompt_ids) for task in tasks) + options.generations * objective.max_tokens
    tight = not cuda and memory.is_tight(model.config, model.num_parameters(), longest, free)
    if tight:
        log.info("Memory is short: activations are computed twice instead of kept.")
    ends = _ends(tokenizer, model, objective)
    model.generation_config.eos_token_id = sorted(ends)
    drawn = order(len(tasks), options.steps * _prompts(options, setup) * setup.processes, config.seed)
    trainer = GroupTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_dict({"prompt": [str(position) for position in drawn]}),
        reward_funcs=_reward_functions(tasks, Tokens(tokenizer), objective, ends),
        callbacks=[watch],
        peft_config=None if setup.parent else packed.lora(config),
        args=_arguments(setup, config, objective, ends, cuda=cuda, tight=tight),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.prompts = [task.prompt_ids for task in tasks]
    trainer.share = can_share(model.config)
    # Processes that train together stop together, at a step's end.
    trainer.should_stop = should_stop if setup.processes == 1 else never
    trainer.ends = ends
    return trainer


def _prompts(options: Warmup, setup: StageSetup) -> int:
    """Of each process, for a step."""
    return -(-options.prompts_per_step // setup.processes)


def _ends(tokenizer: PreTrainedTokenizerBase, model: Any, objective: Objective) -> frozenset[int]:
    """Ids that end an answer: those that do when it ranks, and the objective's."""
    own = model.generation_config.eos_token_id
    tokens = Tokens(tokenizer, ends=[own] if isinstance(own, int) else own or [])
    if not objective.ends:
        return tokens.ends
    after = Message(role="assistant", content=f"{prompt.GRADE}0")
    return tokens.ends | set(tokens.choices(Choose(messages=(after,), choices=objective.ends)).values())


def _reward_functions(
    tasks: Sequence[_Task], tokens: Tokens, objective: Objective, ends: frozenset[int]
) -> list[Callable[..., list[float | None]]]:
    """The rewards as TRL calls them: for a whole batch, by the name that its log has."""

    def whole(position: str, ids: Sequence[int]) -> str:
        """The answer's text; nothing of one that the token limit cut off, which can't be read."""
        return tasks[int(position)].start + tokens.decode(ids) if ids and ids[-1] in ends else ""

    def named(name: str, reward: Reward) -> Callable[..., list[float | None]]:
        def function(
            *,
            prompts: Sequence[str],
            completion_ids: Sequence[Sequence[int]],
            log_metric: Callable[[str, float], None],
            **_: object,
        ) -> list[float | None]:
            found = [
                reward(whole(position, ids), tasks[int(position)].given)
                for position, ids in zip(prompts, completion_ids, strict=True)
            ]
            if name == FORM:
                log_metric("unreadable", sum(value == 0 for value in found) / len(found))
            return found

        function.__name__ = name
        return function

    return [named(name, reward) for name, reward in objective.rewards.items()]


def _arguments(
    setup: StageSetup, config: TrainConfig, objective: Objective, ends: frozenset[int], *, cuda: bool, tight: bool
) -> GRPOConfig:
    options = objective.options
    total = sum(objective.weights.values())
    return GRPOConfig(
        output_dir=str(setup.checkpoints),
        max_steps=options.steps,
        per_device_train_batch_size=options.generations,
        gradient_accumulation_steps=_prompts(options, setup),
        num_generations=options.generations,
        max_completion_length=objective.max_tokens,
        temperature=options.temperature,
        beta=options.beta,
        # As shares, so that a curve of the reward goes from 0 to 1.
        reward_weights=[objective.weights[name] / total for name in objective.rewards],
        learning_rate=options.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup_steps,
        seed=config.seed,
        data_seed=config.seed,
        shuffle_dataset=False,  # `order` did
        use_vllm=bool(options.vllm_url),
        vllm_mode="server",
        vllm_server_base_url=options.vllm_url or None,
        generation_kwargs={"stop_token_ids": sorted(ends)} if options.vllm_url else None,
        use_cpu=not cuda,
        bf16=cuda,
        gradient_checkpointing=None,  # TRL sets this deprecated name to True
        activation_checkpointing=tight,
        dataloader_pin_memory=cuda,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",  # Watch says when
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
    )


def _figures(state: TrainerState, objective: Objective) -> dict[str, float]:
    """Means over all steps, those before a resumption included."""
    found = {curve: _mean(state, name) for name, curve in curves(objective).items()}
    return {curve: value for curve, value in found.items() if value is not None}


def _mean(state: TrainerState, name: str) -> float | None:
    values = [entry[name] for entry in state.log_history if entry.get(name) is not None]
    return sum(values) / len(values) if values else None
