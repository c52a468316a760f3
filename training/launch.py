"""Where a stage runs: in this process, or with several GPUs in one process each, started by `accelerate launch`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from data import logs
from data.errors import TrainingError
from training import stage as protocol
from training.examples import Example, to_jsonl
from training.folders import write_json
from training.recipes import OnMetrics, Stage, StageSetup, TrainConfig, TrainingOutcome
from training.stopping import ShouldStop, Stopped

LOOK_SECONDS = 0.5
"""How often the processes are looked at."""
ALONE = (sys.executable, "-P", "-m", "training.stage")


def train(
    stage: Stage,
    examples: Sequence[Example],
    setup: StageSetup,
    config: TrainConfig,
    *,
    on_metrics: OnMetrics,
    should_stop: ShouldStop,
) -> TrainingOutcome:
    """Run a stage where it is best run; a `training.recipes.Trainer` but for the stage."""
    count = torch.cuda.device_count() if setup.device != "cpu" else 0
    if count < 2:
        return stage.train(examples, setup, config, on_metrics=on_metrics, should_stop=should_stop)
    return in_processes(
        stage, examples, setup, config, command=accelerated(count), on_metrics=on_metrics, should_stop=should_stop
    )


def accelerated(processes: int, *, cpu: bool = False) -> tuple[str, ...]:
    """The command that starts so many processes of a stage."""
    kind = ("--cpu", "--mixed_precision", "no") if cpu else ("--multi_gpu", "--mixed_precision", "bf16")
    counts = ("--num_machines", "1", "--num_processes", str(processes), "--dynamo_backend", "no")
    # Any free port: several jobs may train on one machine.
    return (
        *(sys.executable, "-P", "-m", "accelerate.commands.launch"),
        *(*kind, *counts, "--main_process_port", "0", "-m", "training.stage"),
    )


def in_processes(
    stage: Stage,
    examples: Sequence[Example],
    setup: StageSetup,
    config: TrainConfig,
    *,
    command: Sequence[str],
    on_metrics: OnMetrics,
    should_stop: ShouldStop,
) -> TrainingOutcome:
    """Run a stage by a command that is given the folder of `training.stage`, and pass on what it tells."""
    folder = setup.checkpoints.with_name("process")
    folder.mkdir(parents=True, exist_ok=True)
    for name in (protocol.STOP, protocol.METRICS, protocol.ENDED):
        (folder / name).unlink(missing_ok=True)
    (folder / protocol.EXAMPLES).write_text(to_jsonl(examples), encoding="utf-8")
    asked = {
        "module": stage.module,
        "setup": protocol.written(setup),
        "config": config.model_dump(mode="json"),
        "parent": os.getpid(),
        "log": logs.handed_on(),
    }
    write_json(folder / protocol.ASKED, asked)
    # A session of its own: a signal to this process's group is answered here, by asking the stage to stop.
    process = subprocess.Popen([*command, str(folder)], stdin=subprocess.DEVNULL, start_new_session=True)
    for step, of, figures in _told(process, folder, should_stop):
        on_metrics(step, of, figures)
    return _outcome(process.returncode, folder)


def _told(
    process: subprocess.Popen[bytes], folder: Path, should_stop: ShouldStop
) -> Iterator[tuple[int, int, dict[str, float]]]:
    """What the stage tells, until its processes have ended."""
    done = 0
    ended = False
    while not ended:
        try:
            process.wait(LOOK_SECONDS)
            ended = True
        except subprocess.TimeoutExpired:
            if should_stop():
                (folder / protocol.STOP).touch()
        lines = _lines(folder / protocol.METRICS)
        for line in lines[done:]:
            told = json.loads(line)
            yield told["step"], told["of"], told["figures"]
        done = len(lines)


def _lines(path: Path) -> list[bytes]:
    """A file's whole lines."""
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def _outcome(code: int, folder: Path) -> TrainingOutcome:
    path = folder / protocol.ENDED
    ended: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"how": "lost"}
    if ended["how"] == "done":
        return TrainingOutcome(**ended["outcome"])
    if ended["how"] == "stopped":
        raise Stopped
    if ended["how"] == "failed":
        raise TrainingError(ended["what"], mend=ended["mend"])
    raise TrainingError(
        f"The training's processes ended with code {code} and said nothing.",
        mend="See the log for why; often it is too little memory.",
    )
