"""Gradient descent on packs: what every objective with given answers shares, whatever its loss.

TRL's SFTTrainer (its loop, optimizer, schedule, checkpoints and exact resume) with LoRA (arXiv 2106.09685) on every
linear layer; a batch is computed as packs, one backward pass each.
"""

import logging
import shutil
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerState,
)
from trl import SFTConfig, SFTTrainer

from data.errors import TrainingError
from engine.lm.tokens import Tokens
from training import checkpoints, memory
from training.examples import Example
from training.packing import PACK_TOKENS, Pack, can_share, packs
from training.recipes import OnMetrics, StageSetup, TrainConfig, TrainingOutcome
from training.stopping import ShouldStop, Stopped
from training.tokens import Tokenised, tokenise
from training.watch import Watch

log = logging.getLogger(__name__)
MAX_TOKENS = 2048
"""Longest example that is trained on; longer ones are left out and counted, never cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What an objective makes of a pack."""

    loss: torch.Tensor
    """Sum over the pack's examples: a scalar."""
    figures: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    """Name -> sum and count; a step's curve shows their quotient."""


Loss = Callable[[torch.Tensor, Pack], Measured]
"""Logits (K, vocabulary) at a pack's predicted positions, and the pack."""
Batches = Callable[[Sequence[Tokenised]], Sequence[Sequence[Tokenised]]]
"""Cuts the examples into what is never torn apart: single examples, or a query's documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What makes one objective differ from another."""

    loss: Loss
    units: Batches
    units_per_step: int
    explanation_weight: float
    """Of an explanation's mean token loss against its grade's; 0: explanations are not even read."""
    curves: tuple[str, ...] = ()
    """Names of its figures."""


def train(
    examples: Sequence[Example],
    setup: StageSetup,
    config: TrainConfig,
    objective: Objective,
    *,
    on_metrics: OnMetrics,
    should_stop: ShouldStop,
    before: int = 0,
) -> TrainingOutcome:
    """Train an adapter and save it, resuming from the newest checkpoint; a `Trainer` but for its objective.

    `before`: steps the objective told before the first optimizer step.
    """
    started = time.monotonic()
    tokenizer = AutoTokenizer.from_pretrained(setup.base, local_files_only=True)
    tokens = Tokens(tokenizer)
    every = [tokenise(tokens, example, end_id=tokenizer.eos_token_id) for example in examples]
    if objective.explanation_weight == 0:
        every = [one.until_grade() for one in every]
    tokenised = [one for one in every if len(one) <= MAX_TOKENS]
    if not tokenised:
        raise every_too_long()
    watch = Watch(on_metrics, should_stop, {name: name for name in objective.curves}, before=before)
    with warnings.catch_warnings():
        # PEFT and TRL read a name that transformers 5 renamed.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        trainer = _trainer(tokenised, tokenizer, setup, config, objective, watch)
        run(trainer, watch, setup)
    return TrainingOutcome(
        steps=before + trainer.state.global_step,
        examples=len(tokenised),
        too_long=len(every) - len(tokenised),
        loss=_last_epoch_loss(trainer.state),
        seconds=time.monotonic() - started,
    )


def every_too_long() -> TrainingError:
    """There is nothing to train on, because of lengths."""
    return TrainingError(
        f"Every example has more than {MAX_TOKENS} tokens.",
        mend="Shorten the collection's guidelines, or set WHYRANK_DOCUMENT_TOKENS lower.",
    )


def run(trainer: Trainer, watch: Watch, setup: StageSetup) -> None:
    """Train from the newest checkpoint on, and save the adapter. Raises `Stopped` where told to stop."""
    with trainer.accelerator.main_process_first():
        resumed = checkpoints.newest(setup.checkpoints)
    trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    if watch.stopped:
        raise Stopped
    if setup.rank == 0:
        save(trainer.model, setup.out)


class _Trainer(SFTTrainer):
    """SFTTrainer that computes a batch as packs, one backward pass each."""

    objective: Objective

    def training_step(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],  # what the collator made
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Accumulate the gradients of a batch; returns its loss, the mean over its examples."""
        model.train()
        total = torch.zeros((), device=self.args.device)
        sums = {name: torch.zeros(2, device=self.args.device) for name in self.objective.curves}
        for pack in inputs["packs"]:
            # Processes that train together exchange gradients once, with the last pack.
            is_last = pack is inputs["packs"][-1]
            with nullcontext() if is_last else self.accelerator.no_sync(model):
                with self.compute_loss_context_manager():
                    measured = self.objective.loss(_logits(model, pack, self.args.device), pack)
                    loss = measured.loss / inputs["examples"]
                if not torch.isfinite(loss):
                    raise TrainingError(
                        f"The loss is not a number any more (step {self.state.global_step + 1}).",
                        mend="Train again with a smaller learning rate.",
                    )
                self.accelerator.backward(loss)
            total += loss.detach()
            for name, value_and_count in measured.figures.items():
                sums[name] += torch.tensor(value_and_count, device=self.args.device)
        for name, sum_and_count in sums.items():
            value, count = self.accelerator.reduce(sum_and_count).tolist()
            if count:
                # SFTTrainer.log reports the mean of these beside the loss.
                self._metrics["train"][name].append(value / count)
        return total

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Not counted: packs are not what the estimate is made for."""
        return 0

    def create_model_card(self, *args: object, **kwargs: object) -> None:
        """None: the version's record says how it came to be."""

    def _send_telemetry(self) -> None:
        """Nothing leaves the machine."""


def _trainer(
    tokenised: Sequence[Tokenised],
    tokenizer: PreTrainedTokenizerBase,
    setup: StageSetup,
    config: TrainConfig,
    objective: Objective,
    watch: Watch,
) -> _Trainer:
    cuda = on_cuda(setup)
    model = load(setup, torch.bfloat16 if cuda else torch.float32)
    free = memory.free_bytes() if setup.free_bytes is None else setup.free_bytes
    units = objective.units(tokenised)
    tokens = _tokens_at_once(units, objective.units_per_step)
    tight = not cuda and memory.is_tight(model.config, model.num_parameters(), tokens, free)
    if tight:
        log.info("Memory is short: activations are computed twice instead of kept.")
    share = can_share(model.config)

    def collate(rows: list[dict[str, int]]) -> dict[str, object]:
        batch = [one for row in rows for one in units[row["input_ids"]]]
        made = packs(batch, explanation_weight=objective.explanation_weight, share=share)
        return {"packs": made, "examples": len(batch)}

    trainer = _Trainer(
        model=model,
        processing_class=tokenizer,
        # Packs are made per batch: the data set only says which unit. The column's name tells TRL it is tokenised.
        train_dataset=Dataset.from_dict({"input_ids": list(range(len(units)))}),
        data_collator=collate,
        callbacks=[watch],
        peft_config=None if setup.parent else lora(config),
        args=_arguments(setup, config, -(-objective.units_per_step // setup.processes), cuda=cuda, tight=tight),
    )
    trainer.objective = objective
    trainer.args.max_steps = config.steps(len(units), objective.units_per_step)
    return trainer


def _arguments(setup: StageSetup, config: TrainConfig, batch_size: int, *, cuda: bool, tight: bool) -> SFTConfig:
    return SFTConfig(
        output_dir=str(setup.checkpoints),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=batch_size,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup_steps,
        seed=config.seed,
        data_seed=config.seed,
        use_cpu=not cuda,
        bf16=cuda,
        gradient_checkpointing=None,  # TRL sets this deprecated name to True
        activation_checkpointing=tight,
        max_length=None,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        dataloader_pin_memory=cuda,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",  # Watch says when
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
    )


def _tokens_at_once(units: Sequence[Sequence[Tokenised]], units_per_step: int) -> int:
    """Tokens of the largest pack there may be."""
    longest = max(len(one) for unit in units for one in unit)
    together = max(len(unit) for unit in units) * units_per_step
    return max(longest, min(PACK_TOKENS, longest * together))


def on_cuda(setup: StageSetup) -> bool:
    """Does the training run on a GPU?"""
    return torch.cuda.is_available() if setup.device == "auto" else setup.device == "cuda"


def load(setup: StageSetup, dtype: torch.dtype) -> PreTrainedModel | PeftModel:
    """The base model, with the parent's adapter ready to be trained on where there is one."""
    base = AutoModelForCausalLM.from_pretrained(
        setup.base, dtype=dtype, use_safetensors=True, local_files_only=True, attn_implementation="sdpa"
    )
    if not setup.parent:
        return base
    model = PeftModel.from_pretrained(base, setup.parent, is_trainable=True)
    # A shipped adapter names its base; PEFT would ask a model hub for that name at every checkpoint.
    model.peft_config["default"].base_model_name_or_path = str(setup.base)
    return model


def lora(config: TrainConfig) -> LoraConfig:
    """A new adapter on every linear layer but the output head."""
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=config.lora_rank,
        lora_alpha=2 * config.lora_rank,
        lora_dropout=0.0,
        target_modules="all-linear",
    )


def save(model: PeftModel, out: Path) -> None:
    """Write the adapter beside and put it into place whole."""
    if out.exists():
        shutil.rmtree(out)
    beside = out.with_name(f"{out.name}.part")
    # Only what was trained: GRPO keeps a copy of what it began with beside it.
    model.save_pretrained(beside, safe_serialization=True, save_embedding_layers=False, selected_adapters=["default"])
    beside.rename(out)


def _logits(model: torch.nn.Module, pack: Pack, device: torch.device) -> torch.Tensor:
    """(K, vocabulary)"""
    mask = None if pack.attention_mask is None else pack.attention_mask.to(device)
    output = model(
        input_ids=pack.input_ids.to(device),
        position_ids=pack.position_ids.to(device),
        attention_mask=mask,
        logits_to_keep=pack.predicting.to(device),
        use_cache=False,
    )
    return output.logits[0]


def _last_epoch_loss(state: TrainerState) -> float:
    losses = [(entry["epoch"], entry["loss"]) for entry in state.log_history if "loss" in entry]
    last = [loss for epoch, loss in losses if epoch > state.num_train_epochs - 1]
    return float(sum(last) / len(last))
