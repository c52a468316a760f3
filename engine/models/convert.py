"""GGUF file to Hugging Face folder with bfloat16 safetensors: `python -m engine.models.convert GGUF OUT`.

Takes about 3 GB for a 0.5B model; `engine.models.conversion` gives it a process of its own.
"""

import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

_NOT_OURS = ("quantization_config", "_name_or_path", "_model_name_or_path")


def convert(gguf: Path, out: Path) -> None:
    """Read `gguf`, which need not lie in a folder of its own, and write configuration, weights and tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, local_files_only=True)
    read = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16, local_files_only=True
    )
    # A model read from GGUF refuses to be saved ("quantized"), so its weights, plain by now, move into one built from
    # the configuration without that; on the meta device, as it brings none of its own. The output head is stored
    # apart from the embedding and stays apart.
    config = type(read.config)(**{k: v for k, v in read.config.to_dict().items() if k not in _NOT_OURS})
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.load_state_dict(read.state_dict(), strict=True, assign=True)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
