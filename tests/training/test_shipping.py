import hashlib
import json

import pytest
import torch
from safetensors.torch import load_file

from data import student
from data.errors import ConflictError, NotFoundError
from data.records import Version
from data.settings import Settings
from engine.lm.base import Adapter, Choose, Message
from engine.lm.local import LocalLM
from tests import tiny
from training import shipping


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home")


@pytest.fixture
def version(store, settings, tiny_model):
    tiny.adapt(tiny_model, settings.versions_path / "v")
    made = Version(
        version_id="v",
        name="v",
        base_model="tiny",
        base_sha256="b" * 64,
        adapter_path="versions/v",
        prompt_sha256="p" * 64,
        form="pointwise-score",
    )
    store.versions.ensure_base("tiny")
    store.versions.add(made)
    return made


def test_what_is_given_away_is_small_and_says_where_it_comes_from(store, settings, version, tmp_path):
    out = tmp_path / "out"
    made = shipping.export(store, settings, version, out, name="student-9", notes={"sources": ["my own"]})
    assert json.loads((out / "manifest.json").read_text()) == made
    assert (made["name"], made["base_model"], made["sources"]) == ("student-9", "tiny", ["my own"])
    weights = (out / "adapter_model.safetensors").read_bytes()
    assert made["adapter_sha256"] == hashlib.sha256(weights).hexdigest()
    assert {tensor.dtype for tensor in load_file(out / "adapter_model.safetensors").values()} == {torch.bfloat16}
    assert json.loads((out / "adapter_config.json").read_text())["base_model_name_or_path"] == "tiny"
    assert set(made["libraries"]) == {"torch", "transformers", "trl", "peft"}


def test_another_installation_answers_the_same(store, settings, version, tmp_path, tiny_model):
    out = tmp_path / "out"
    shipping.export(store, settings, version, out, name="student-9", notes={})
    installed = student.install(store, tmp_path / "other", folder=out)
    assert (installed.form, installed.prompt_sha256) == (version.form, version.prompt_sha256)
    base = LocalLM.load(tiny_model, name="tiny", device="cpu")
    ask = Choose(
        messages=(Message(role="user", content="a b"), Message(role="assistant", content="Grade: ")),
        choices=("0", "1"),
    )
    answers = []
    for path in (settings.versions_path / "v", tmp_path / "other" / installed.adapter_path):
        (answer,) = base.adapted(Adapter(name=str(path), path=path)).choose([ask])
        answers.append(answer.probabilities["1"])
    assert answers[0] == pytest.approx(answers[1], abs=0.02)
    assert abs(answers[0] - base.choose([ask])[0].probabilities["1"]) > 0.02


def test_a_folder_that_is_there_is_left_alone(store, settings, version, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(ConflictError, match="there already"):
        shipping.export(store, settings, version, tmp_path / "out", name="n", notes={})


def test_a_base_has_nothing_to_give_away(store, settings, tmp_path):
    with pytest.raises(NotFoundError, match="no adapter"):
        shipping.export(store, settings, store.versions.ensure_base("tiny"), tmp_path / "out", name="n", notes={})
    assert not (tmp_path / "out").exists()
