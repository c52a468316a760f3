"""Checkpoints of a training: whole or not there.

A process can be killed while it writes one, so a checkpoint counts only once its mark is written, which is the last
thing that happens to it.
"""

import shutil
from pathlib import Path

_MARK = "whole"


def mark_whole(checkpoint: Path) -> None:
    """Say that everything of this checkpoint is written."""
    (checkpoint / _MARK).touch()


def newest(folder: Path) -> Path | None:
    """The newest whole checkpoint; broken ones are removed."""
    whole = []
    for checkpoint in folder.glob("checkpoint-*"):
        if (checkpoint / _MARK).exists():
            whole.append(checkpoint)
        else:
            shutil.rmtree(checkpoint)
    return max(whole, key=step_of, default=None)


def step_of(checkpoint: Path | None) -> int:
    """Optimizer steps done at a checkpoint; 0 without one."""
    return 0 if checkpoint is None else int(checkpoint.name.removeprefix("checkpoint-"))
