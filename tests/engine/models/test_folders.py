"""Finding a model's folder by name, and refusing what is not one."""

import json
import shutil
from pathlib import Path

import pytest

from data.errors import ModelError
from engine import models

PACKAGED = "qwen2.5-coder-0.5b-instruct"


@pytest.fixture
def copied(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "copied"))


def test_a_local_folder_is_itself(tiny_model, tmp_path):
    assert models.resolve(str(tiny_model), tmp_path) == tiny_model
    assert models.local(str(tiny_model), tmp_path) == tiny_model


def test_a_packaged_name_is_looked_for_where_models_are_kept(tiny_model, tmp_path):
    with pytest.raises(ModelError, match="whyrank model fetch"):
        models.resolve(PACKAGED, tmp_path)
    shutil.copytree(tiny_model, tmp_path / PACKAGED)
    assert models.resolve(PACKAGED, tmp_path) == tmp_path / PACKAGED


@pytest.mark.parametrize("name", ["no-such-model", "./nowhere", "/nowhere/at/all", ""])
def test_an_unknown_name_is_refused_with_the_mend(name, tmp_path):
    with pytest.raises(ModelError, match=PACKAGED):
        models.resolve(name, tmp_path / "models")


def test_pickled_weights_are_refused(copied, tmp_path):
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin.*could run code"):
        models.resolve(str(copied), tmp_path)


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_folder_that_lacks_something_is_refused(copied, missing, tmp_path):
    (copied / missing).unlink()
    with pytest.raises(ModelError, match=missing.split(".")[-1]):
        models.resolve(str(copied), tmp_path)


def test_half_of_the_weight_files_is_not_a_model(copied, tmp_path):
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (copied / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"model-2\.safetensors"):
        models.resolve(str(copied), tmp_path)


def test_a_cached_hub_model_is_used_without_asking_the_hub(tiny_model, tmp_path):
    asked = []

    def hub(model, cached):
        asked.append((model, cached))
        return tiny_model

    assert models.resolve("some/model", tmp_path, hub=hub) == tiny_model
    assert asked == [("some/model", True)]


def test_a_hub_model_is_downloaded_where_it_is_not_cached(tiny_model, tmp_path):
    def hub(model, cached):
        if cached:
            raise FileNotFoundError("not cached")
        return tiny_model

    assert models.resolve("some/model", tmp_path, hub=hub) == tiny_model


def test_a_hub_that_can_not_be_reached_is_said_with_the_mend(tmp_path):
    def hub(model, cached):
        raise OSError("no route\nto host")

    with pytest.raises(ModelError, match="no route") as caught:
        models.resolve("some/model", tmp_path, hub=hub)
    assert PACKAGED in caught.value.mend


def test_a_hub_model_of_pickles_only_is_refused(copied, tmp_path):
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(ModelError, match="could run code"):
        models.resolve("some/model", tmp_path, hub=lambda model, cached: copied)


def test_the_hash_of_the_weights_follows_the_weights(copied):
    first = models.base_sha256(copied)
    assert first == models.base_sha256(copied)
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    assert models.base_sha256(copied) != first
    (copied / "more.safetensors").write_bytes(b"x")
    assert len(models.base_sha256(copied)) == 64


def test_the_list_names_packaged_and_other_models(tiny_model, tmp_path):
    assert {m["name"]: m["path"] for m in models.listing(tmp_path / "none")} == dict.fromkeys(models.BASES)
    shutil.copytree(tiny_model, tmp_path / "own")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "empty").mkdir()
    *packages, own = models.listing(tmp_path)
    packaged = next(base for base in packages if base["name"] == PACKAGED)
    assert (packaged["licence"], packaged["path"]) == ("Apache-2.0", None)
    assert own["path"] == str(tmp_path / "own")
    assert own["bytes"] > 0
    json.dumps([packaged, own])
