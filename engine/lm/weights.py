"""Loading a causal model from a Hugging Face folder: safetensors only, no code from the folder."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.initialization import no_init_weights
from transformers.utils import logging as transformers_logging

from data.errors import ModelError, lacks_memory
from engine.lm.tokens import Tokens


def load(path: Path, device: str) -> tuple[Tokens, Any]:
    """Tokenizer and model, float32 on a CPU and bfloat16 on a GPU; ModelError where the folder does not hold them."""
    # Its progress bar would be drawn over ours.
    transformers_logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        model = _on_cpu(path) if device == "cpu" else _on_device(path, torch.bfloat16).to(device)
    except (OSError, ValueError, RuntimeError, KeyError, MemoryError, SafetensorError) as error:
        if lacks_memory(error):
            raise ModelError(
                f"There is too little memory for the model in {path}.",
                mend="Close other programs, or take a smaller model (WHYRANK_MODEL).",
            ) from error
        raise ModelError(
            f"The model in {path} can't be loaded: {(str(error).strip() or type(error).__name__).splitlines()[0]}",
            mend="Fetch it again (whyrank model fetch), or give a folder with safetensors weights and a tokenizer.",
        ) from error
    if getattr(tokenizer, "chat_template", None) is None:
        raise ModelError(f"The model in {path} has no chat template.", mend="Use an instruction-tuned model.")
    ends = getattr(model.generation_config, "eos_token_id", None)
    return Tokens(tokenizer, ends=[ends] if isinstance(ends, int) else ends or []), model.eval()


def _on_cpu(path: Path) -> Any:
    """Float32 weights, read one by one: with all of a bfloat16 file in memory beside them, loading would take half as
    much again as the loaded model. Folders whose names differ from the model's own go the library's way."""
    files = _files(path)
    with no_init_weights():
        model = AutoModelForCausalLM.from_config(
            AutoConfig.from_pretrained(path, local_files_only=True), dtype=torch.float32
        )
    model.tie_weights()
    wanted = dict(model.named_parameters())
    saved = set(model.state_dict())
    if set(files) != set(wanted) or any(name in saved for name, _ in model.named_buffers()):
        return _on_device(path, torch.float32)
    with torch.no_grad():
        for name, parameter in wanted.items():
            # Opened anew for each: closing gives the pages of the file back.
            with safe_open(files[name], framework="pt") as file:
                parameter.copy_(file.get_tensor(name))
    return model


def _on_device(path: Path, dtype: torch.dtype) -> Any:
    return AutoModelForCausalLM.from_pretrained(path, dtype=dtype, use_safetensors=True, local_files_only=True)


def _files(path: Path) -> dict[str, Path]:
    """Tensor name -> the file it is in."""
    index = path / "model.safetensors.index.json"
    if index.is_file():
        return {name: path / file for name, file in json.loads(index.read_text(encoding="utf-8"))["weight_map"].items()}
    with safe_open(path / "model.safetensors", framework="pt") as file:
        return dict.fromkeys(file.keys(), path / "model.safetensors")


def layers(path: Path) -> Callable[[str], Sequence[int] | None]:
    """The shape (out, in) of a layer's weight by its name, of all weights in the folder; nothing else of them is read.

    Raises ModelError where they are damaged.
    """
    found: dict[str, Sequence[int]] = {}
    try:
        for file_path in sorted(set(_files(path).values())):
            with safe_open(file_path, framework="pt") as file:
                found |= {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ModelError(f"The weights in {path} are damaged.", mend="Fetch it again (whyrank model fetch).") from error
    return lambda name: found.get(f"{name}.weight")
