"""Converting weights in a process of its own, whose gigabytes are given back at its end."""

import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from data.errors import ModelError

OnCount = Callable[[int, int], None]
"""Tensors converted so far, and in all."""
Convert = Callable[[Path, Path, OnCount], None]
"""Makes a Hugging Face folder (second) of a GGUF file (first); raises ModelError where it can't."""

_BAR = re.compile(r"GGUF tensors.*?(\d+)/(\d+) \[")
"""What the progress bar of transformers shows while it reads the file, which takes nearly all of the time."""


def convert_in_subprocess(gguf: Path, out: Path, on_count: OnCount) -> None:
    """Convert, and tell how far it is."""
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.models.convert", str(gguf.resolve()), str(out.resolve())],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        cwd=Path(__file__).parents[2],
    )
    last: deque[str] = deque(maxlen=1)
    try:
        for line in _lines(process.stderr) if process.stderr else ():
            counted = _BAR.search(line)
            if counted:
                on_count(int(counted[1]), int(counted[2]))
            else:
                last.append(line)
        code = process.wait()
    finally:
        process.kill()
        process.wait()
    if code:
        reason = "it was killed" if code < 0 else last[0].rstrip(".") if last else f"exit code {code}"
        raise ModelError(
            f"The model's weights could not be converted: {reason}.",
            mend="It needs 4 GB of free memory. Then run: whyrank model fetch",
        )


def _lines(stream: IO[str]) -> Iterator[str]:
    """Lines with something in them; each state of a bar that is drawn over itself is one."""
    held = ""
    while piece := stream.read(1):
        if piece not in "\r\n":
            held += piece
            continue
        if held.strip():
            yield held.strip()
        held = ""
    if held.strip():
        yield held.strip()
