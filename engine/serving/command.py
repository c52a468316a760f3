"""How vLLM is started: its command line, its variables, and the same as a container."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from data.errors import SettingsError
from engine.lm import adapters
from engine.lm.base import Adapter
from engine.serving import environment

HOST = "127.0.0.1"
"""vLLM listens on this machine only: whoever reaches it could have it read adapters from any folder."""
INSIDE = Path(__file__).parent / "inside"
GUARD = "whyrank_guard.Guard"
IMAGE = f"vllm/vllm-openai:v{environment.VERSION}"
LEAST_SLOTS = 8
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes as --max-lora-rank."""
Dtype = Literal["float32", "bfloat16", "float16"]
LEAST_RANK = 16
"""What WhyRank trains by default."""
PROMPT_TOKENS = 1536
"""For the rules, guidelines, query and title around a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One vLLM."""

    model: str
    """The name it is asked by."""
    model_path: Path
    adapters: tuple[Adapter, ...]
    port: int
    max_length: int
    """Tokens of prompt and answer together."""
    slots: int
    """Adapters at once."""
    rank: int
    gpu: bool
    cores: tuple[int, ...] = (0,)
    """The CPUs it computes on, without a GPU."""
    cache_gib: int = 1
    """Memory for keys and values, without a GPU."""
    dtype: Dtype | None = None
    """Numbers it computes with; None: float32 without a GPU, and with one what the model was stored in."""

    @property
    def url(self) -> str:
        """What WHYRANK_LM_URL takes."""
        return f"http://{HOST}:{self.port}/v1"


def slots_for(given: Sequence[Adapter], wanted: int | None) -> int:
    """Slots for these adapters and for some that come later."""
    if wanted is None:
        return max(LEAST_SLOTS, len(given) + 4)
    if wanted < max(1, len(given)):
        raise SettingsError(
            f"{wanted} slots are too few for {len(given)} adapters.", mend=f"Give --slots {len(given)} or more."
        )
    return wanted


def rank_for(given: Sequence[Adapter], wanted: int | None = None) -> int:
    """The smallest rank vLLM knows that holds every adapter, and others of the rank `wanted`."""
    needed = max([LEAST_RANK, wanted or 0, *map(adapters.rank, given)])
    for rank in RANKS:
        if rank >= needed:
            return rank
    raise SettingsError(f"vLLM takes adapters up to rank {RANKS[-1]}, not {needed}.", mend="Train with a smaller rank.")


def length_for(document_tokens: int, explanation_tokens: int, context_tokens: int) -> int:
    """Tokens for prompt and answer by the settings, in steps of 256, and never more than the model's own context."""
    wanted = document_tokens + explanation_tokens + PROMPT_TOKENS
    return min(math.ceil(wanted / 256) * 256, context_tokens)


def arguments(plan: Plan, *, guarded: bool) -> list[str]:
    """The command line after the interpreter. The key is not in it: everybody on the machine can read it there."""
    # `vllm serve` looks for a package named vllm, which the CPU build is not.
    return ["-m", "vllm.entrypoints.openai.api_server", *_options(plan, guarded=guarded, host=HOST)]


def _options(plan: Plan, *, guarded: bool, host: str) -> list[str]:
    options = ["--model", str(plan.model_path), "--served-model-name", plan.model, "--host", host]
    options += ["--port", str(plan.port), "--max-model-len", str(plan.max_length), "--enable-prefix-caching"]
    # Without a GPU vLLM gives a request without an adapter the one in the last slot when both are in a batch: that
    # slot stays empty (vllm-project/vllm pull requests 48421 and 49656).
    spare = 0 if plan.gpu else 1
    options += ["--enable-lora", "--max-loras", str(plan.slots + spare), "--max-lora-rank", str(plan.rank)]
    dtype = plan.dtype or (None if plan.gpu else "float32")
    options += ["--dtype", dtype] if dtype else []
    if not plan.gpu:
        # Blocks are 128 tokens by default there, and a shorter beginning would never be found again; compiling takes
        # longer than it brings.
        options += ["--block-size", "32", "--enforce-eager"]
    if guarded:
        options += ["--middleware", GUARD]
    if plan.adapters:
        options += ["--lora-modules", *(f"{adapter.name}={adapter.path}" for adapter in plan.adapters)]
    return options


def variables(plan: Plan, *, api_key: str | None, base: Mapping[str, str]) -> dict[str, str]:
    """The variables vLLM runs under: `base` without what is WhyRank's own. Adapters can be loaded at run time only
    where a key keeps others away."""
    kept = {
        name: value
        for name, value in base.items()
        if not name.startswith("WHYRANK_") and name not in {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "OMP_NUM_THREADS"}
    }
    kept |= {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "PYTHONPATH": str(INSIDE), "PYTHONUNBUFFERED": "1"}
    for name in ("VLLM_API_KEY", "VLLM_ALLOW_RUNTIME_LORA_UPDATING"):
        kept.pop(name, None)
    if api_key:
        kept |= {"VLLM_API_KEY": api_key, "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"}
    if not plan.gpu:
        kept["VLLM_CPU_OMP_THREADS_BIND"] = ",".join(map(str, plan.cores))
        kept["VLLM_CPU_KVCACHE_SPACE"] = str(plan.cache_gib)
    return kept


def container(plan: Plan, *, versions_path: Path, guarded: bool) -> str:
    """The command that runs the same in a container on a GPU. Folders are where they are outside, so that adapters
    are loaded by the same paths; the port is open to this machine only."""
    plan = replace(plan, gpu=True)
    words = ["docker", "run", "--rm", "--gpus", "all", "--ipc=host", "-p", f"{HOST}:{plan.port}:{plan.port}"]
    for path in (plan.model_path, versions_path, INSIDE):
        words += ["-v", f"{path.resolve()}:{path.resolve()}:ro"]
    words += ["-e", "HF_HUB_OFFLINE=1", "-e", "VLLM_NO_USAGE_STATS=1", "-e", f"PYTHONPATH={INSIDE}"]
    if guarded:
        words += ["-e", "VLLM_API_KEY", "-e", "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"]
    return shlex.join([*words, IMAGE, *_options(plan, guarded=guarded, host="0.0.0.0")])  # noqa: S104
