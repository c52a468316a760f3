"""What watches a training by transformers' Trainer: curves, checkpoints, and the word to stop."""

import time
from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from training import checkpoints
from training.recipes import OnMetrics
from training.stopping import ShouldStop, Stopped

CHECKPOINT_SHARE = 0.05
"""Share of the time that may go into writing checkpoints."""
CURVES = ("loss", "grad_norm", "learning_rate")
"""What every training shows; an objective adds its own."""


class Watch(TrainerCallback):
    """Reports every step, checkpoints as often as it is cheap, and stops the training when told to."""

    def __init__(
        self, on_metrics: OnMetrics, should_stop: ShouldStop, curves: Mapping[str, str], *, before: int = 0
    ) -> None:
        """`curves`: the objective's own figures, name in the log -> name of the curve. `before`: steps told before
        the first optimizer step."""
        self.stopped = False
        self._on_metrics = on_metrics
        self._curves = {**{name: name for name in CURVES}, **curves}
        self._should_stop = should_stop
        self._before = before
        self._saved_at = time.monotonic()
        self._save_seconds = 0.0
        self._saving_since = 0.0

    def on_substep_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> TrainerControl:
        """Leave in the middle of a long step: it is done again from the newest checkpoint. Processes that train
        together leave together, at a step's end."""
        if args.world_size == 1 and self._should_stop():
            raise Stopped
        return control

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> TrainerControl:
        """Stop, or save, if it is time to."""
        now = time.monotonic()
        save = (now - self._saved_at) * CHECKPOINT_SHARE >= self._save_seconds
        self.stopped, save = _first_ones(args, self._should_stop(), save)
        control.should_training_stop = control.should_training_stop or self.stopped
        control.should_save = self.stopped or save
        self._saving_since = now
        return control

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Mark the checkpoint as whole."""
        args.distributed_state.wait_for_everyone()  # each process writes where its chances are
        if state.is_world_process_zero:
            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            checkpoints.mark_whole(checkpoint, self._before + state.global_step)
        self._saved_at = time.monotonic()
        self._save_seconds = self._saved_at - self._saving_since

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float | None] | None = None,
        **_: object,
    ) -> None:
        """Pass the step's figures on."""
        logs = logs or {}
        figures = {curve: float(value) for name, curve in self._curves.items() if (value := logs.get(name)) is not None}
        if "loss" in figures and state.is_world_process_zero:
            self._on_metrics(self._before + state.global_step, self._before + state.max_steps, figures)


def _first_ones(args: TrainingArguments, *flags: bool) -> list[bool]:
    """The first process's answers: all must do the same."""
    if args.world_size == 1:
        return list(flags)
    told = torch.tensor(flags, dtype=torch.int32, device=args.device)
    torch.distributed.broadcast(told, src=0)
    return [bool(flag) for flag in told.tolist()]
