"""Checkpoints of a training: whole or not there.

A process can be killed while it writes one, so a checkpoint counts only once its mark is written, which is the last
thing that happens to it.
"""

import shutil
from pathlib import Path

_MARK = "whole"


def mark_whole(checkpoint: Path, step: int) -> None:
    """Say that everything of this checkpoint is written. `step`: the last that was told before it."""
    beside = checkpoint / f"{_MARK}.part"
    beside.write_text(str(step), encoding="ascii")
    beside.rename(checkpoint / _MARK)


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
    """The last step that was told before a whole checkpoint; 0 without one."""
    if checkpoint is None:
        return 0
    told = (checkpoint / _MARK).read_text(encoding="ascii")
    # Marks were empty once: nothing was told but optimizer steps then.
    return int(told or checkpoint.name.removeprefix("checkpoint-"))
