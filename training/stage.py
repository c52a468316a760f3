"""One stage of a recipe in a process of its own: `python -m training.stage FOLDER`; in several by `accelerate launch`.

The folder holds what is asked for (`training.launch` writes it) and gets what comes of it:

    asked.json      the stage's module, its setup and its config, and how it writes its log
    examples.jsonl  what it learns from
    stop            there as soon as it shall stop
    metrics.jsonl   a line per step: step, of, figures
    ended.json      how it ended: done with its outcome, stopped, or failed with what and mend
"""

import argparse
import fcntl
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path

from accelerate import PartialState

from data import logs
from data.errors import WhyRankError
from training.examples import read_jsonl
from training.folders import write_json
from training.recipes import StageSetup, TrainConfig
from training.stopping import Stopped

ASKED, EXAMPLES, STOP, METRICS, ENDED = "asked.json", "examples.jsonl", "stop", "metrics.jsonl", "ended.json"
_PATHS = ("base", "parent", "checkpoints", "out")


def written(setup: StageSetup) -> dict[str, object]:
    """A setup as JSON takes it."""
    return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(setup).items()}


def main(folder: Path) -> None:
    """Train, and write how it ended."""
    asked = json.loads((folder / ASKED).read_text(encoding="utf-8"))
    logs.set_up(handler=logging.StreamHandler(sys.stdout), **asked["log"])
    paths = {name: Path(asked["setup"][name]) for name in _PATHS if asked["setup"][name] is not None}
    state = PartialState(cpu=asked["setup"]["device"] == "cpu")
    setup = replace(StageSetup(**{**asked["setup"], **paths}), rank=state.process_index, processes=state.num_processes)
    with _alone(folder, setup):
        state.wait_for_everyone()
        ended = _ended(folder, asked, setup)
        if setup.rank == 0:
            write_json(folder / ENDED, ended)
        state.wait_for_everyone()
    state.destroy_process_group()


def _ended(folder: Path, asked: Mapping[str, object], setup: StageSetup) -> dict[str, object]:
    """Train to the end, whatever that is."""

    def on_metrics(step: int, of: int, figures: Mapping[str, float]) -> None:
        with (folder / METRICS).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "of": of, "figures": dict(figures)}) + "\n")

    def should_stop() -> bool:
        return (folder / STOP).exists() or not _lives(int(str(asked["parent"])))

    try:
        outcome = import_module(str(asked["module"])).train(
            read_jsonl((folder / EXAMPLES).read_text(encoding="utf-8")),
            setup,
            TrainConfig.model_validate(asked["config"]),
            on_metrics=on_metrics,
            should_stop=should_stop,
        )
    except Stopped:
        return {"how": "stopped"}
    except WhyRankError as error:
        return {"how": "failed", "what": error.what, "mend": error.mend}
    return {"how": "done", "outcome": asdict(outcome)}


def _lives(process: int) -> bool:
    """Is the process there that asked? Its children end with it, so that nobody writes where the next one does."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def _alone(folder: Path, setup: StageSetup) -> Iterator[None]:
    """Wait for processes that an earlier start left behind; they end within a step."""
    if setup.rank > 0:
        yield
        return
    with (folder / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run one stage of a recipe.")
    parser.add_argument("folder", type=Path)
    main(parser.parse_args().folder)
