"""How vLLM is started: what is on its command line, in its variables, and what must never be there."""

import json
from pathlib import Path

import pytest

from data.errors import ModelError, SettingsError
from engine.lm.base import Adapter
from engine.serving import command
from engine.serving.command import Plan

KEY = "sk-secret"


def plan(**options) -> Plan:
    given = {
        "model": "m",
        "model_path": Path("models/m"),
        "adapters": (Adapter(name="v1", path=Path("versions/v1")),),
        "port": 8000,
        "max_length": 2048,
        "slots": 8,
        "rank": 16,
        "gpu": False,
        "cores": (0, 1),
        **options,
    }
    return Plan(**given)


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


def adapter(folder: Path, **config) -> Adapter:
    folder.mkdir()
    (folder / "adapter_model.safetensors").touch()
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", **config}))
    return Adapter(name=folder.name, path=folder)


def test_without_a_gpu_one_slot_stays_spare_and_numbers_are_float32():
    words = command.arguments(plan(), guarded=True)
    assert option(words, "--max-loras") == "9"
    assert (option(words, "--dtype"), option(words, "--block-size")) == ("float32", "32")
    words = command.arguments(plan(gpu=True), guarded=True)
    assert option(words, "--max-loras") == "8"
    assert "--dtype" not in words
    assert option(command.arguments(plan(gpu=True, dtype="float32"), guarded=True), "--dtype") == "float32"
    assert option(command.arguments(plan(dtype="bfloat16"), guarded=True), "--dtype") == "bfloat16"


def test_it_listens_on_this_machine_only_and_the_key_is_not_on_its_command_line():
    words = command.arguments(plan(), guarded=True)
    assert option(words, "--host") == "127.0.0.1"
    assert option(words, "--middleware") == "whyrank_guard.Guard"
    assert option(words, "--lora-modules") == "v1=versions/v1"
    given = command.variables(plan(), api_key=KEY, base={})
    assert given["VLLM_API_KEY"] == KEY
    assert KEY not in " ".join(words) + command.container(plan(), versions_path=Path("versions"), guarded=True)


def test_adapters_are_loaded_at_run_time_only_behind_a_key():
    base = {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "VLLM_API_KEY": "left over", "PATH": "bin"}
    given = command.variables(plan(), api_key=None, base=base)
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" not in given
    assert "VLLM_API_KEY" not in given
    assert "--middleware" not in command.arguments(plan(), guarded=False)
    assert "RUNTIME_LORA" not in command.container(plan(), versions_path=Path("versions"), guarded=False)


def test_vllm_gets_the_cores_and_none_of_our_own_variables():
    base = {"WHYRANK_LM_API_KEY": KEY, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "PATH": "bin"}
    given = command.variables(plan(cores=(2, 5)), api_key=None, base=base)
    assert given["VLLM_CPU_OMP_THREADS_BIND"] == "2,5"
    assert given["PATH"] == "bin"
    assert not {"WHYRANK_LM_API_KEY", "PYTHONDONTWRITEBYTECODE", "OMP_NUM_THREADS"} & given.keys()
    assert "VLLM_CPU_OMP_THREADS_BIND" not in command.variables(plan(gpu=True), api_key=None, base={})


def test_a_container_is_open_to_this_machine_only_and_folders_are_where_they_are_outside(tmp_path):
    words = command.container(plan(model_path=tmp_path), versions_path=tmp_path / "versions", guarded=True).split()
    assert option(words, "-p") == "127.0.0.1:8000:8000"
    assert f"{tmp_path}:{tmp_path}:ro" in words
    assert command.IMAGE in words
    assert option(words, "--max-loras") == "8"
    assert "float32" not in words, "it has a GPU, whatever this machine has"


def test_the_rank_is_one_vllm_knows_and_holds_every_adapter(tmp_path):
    small, large = adapter(tmp_path / "a", r=4), adapter(tmp_path / "b", r=8, rank_pattern={"q_proj": 40})
    assert command.rank_for([]) == 16
    assert command.rank_for([small]) == 16
    assert command.rank_for([small, large]) == 64
    assert command.rank_for([small], 20) == 32
    with pytest.raises(SettingsError, match="up to rank 512"):
        command.rank_for([adapter(tmp_path / "c", r=1000)])
    with pytest.raises(ModelError, match="no rank"):
        command.rank_for([adapter(tmp_path / "d")])


def test_slots_hold_the_adapters_and_some_more():
    given = [Adapter(name=str(i), path=Path(str(i))) for i in range(6)]
    assert command.slots_for(given[:1], None) == 8
    assert command.slots_for(given, None) == 10
    assert command.slots_for(given, 6) == 6
    with pytest.raises(SettingsError, match="too few for 6"):
        command.slots_for(given, 5)


def test_the_length_follows_the_settings_up_to_the_models_context():
    assert command.length_for(320, 96, 32768) == 2048
    assert command.length_for(2000, 96, 32768) == 3840
    assert command.length_for(2000, 96, 2048) == 2048
