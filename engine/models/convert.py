"""GGUF file to Hugging Face folder with bfloat16 safetensors: `python -m engine.models.convert GGUF OUT`."""

import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

_NOT_OURS = ("quantization_config", "_name_or_path", "_model_name_or_path")


def convert(gguf: Path, out: Path) -> None:
    """Read `gguf`, which need not lie in a folder of its own, and write configuration, weights and tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, local_files_only=True)
    read = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32, local_files_only=True
    )
    # A model read from GGUF refuses to be saved ("quantized"), so its weights move into one built from the plain
    # configuration. The output head is stored apart from the embedding and stays apart.
    config = type(read.config)(**{k: v for k, v in read.config.to_dict().items() if k not in _NOT_OURS})
    weights = {name: weight.to(torch.bfloat16) for name, weight in read.state_dict().items()}
    del read
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.load_state_dict(weights, strict=True)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
