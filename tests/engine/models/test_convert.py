"""From a GGUF file, as the packaged base is, to the folder that models are read from."""

import json
from pathlib import Path

import pytest
import torch
from gguf import GGUFWriter
from safetensors.torch import load_file
from transformers import AutoConfig, AutoTokenizer

from engine.models import check_folder
from engine.models.conversion import convert_in_subprocess

_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""Names in a folder -> names in a GGUF file."""


@pytest.fixture
def gguf(tiny_model: Path, tmp_path: Path) -> Path:
    """The tiny model as a GGUF file."""
    config = AutoConfig.from_pretrained(tiny_model)
    writer = GGUFWriter(tmp_path / "model.gguf", "qwen2")
    writer.add_name("tiny")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    _add_tokenizer(writer, tiny_model)
    for name, tensor in load_file(tiny_model / "model.safetensors").items():
        writer.add_tensor(_gguf_name(name), tensor.to(torch.float32).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tmp_path / "model.gguf"


def _add_tokenizer(writer: GGUFWriter, path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(path)
    merges = json.loads((path / "tokenizer.json").read_text())["model"]["merges"]
    special = set(tokenizer.all_special_ids)
    ids = range(len(tokenizer))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokenizer.convert_ids_to_tokens(list(ids)))
    writer.add_token_types([3 if i in special else 1 for i in ids])
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_chat_template(tokenizer.chat_template)


def _gguf_name(name: str) -> str:
    stem, kind = name.rsplit(".", 1)
    if stem.startswith("model.layers."):
        _, _, number, inner = stem.split(".", 3)
        return f"blk.{number}.{_NAMES[inner]}.{kind}"
    return f"{_NAMES[stem]}.{kind}"


def test_weights_tokenizer_and_template_come_through(gguf, tiny_model, tmp_path):
    counts = []
    convert_in_subprocess(gguf, tmp_path / "out", lambda done, total: counts.append((done, total)))
    made = check_folder(tmp_path / "out")

    before, after = load_file(tiny_model / "model.safetensors"), load_file(made / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(after[name], weight.to(torch.bfloat16)) for name, weight in before.items())
    assert counts[-1] == (len(before), len(before))

    config = json.loads((made / "config.json").read_text())
    assert "quantization_config" not in config
    assert config["tie_word_embeddings"] is False

    old, new = AutoTokenizer.from_pretrained(tiny_model), AutoTokenizer.from_pretrained(made)
    assert new.chat_template == old.chat_template
    chat = [{"role": "user", "content": "Grade: 3, because 12 words é"}]
    ids = [t.apply_chat_template(chat, add_generation_prompt=True, return_dict=False) for t in (old, new)]
    assert ids[0] == ids[1]
