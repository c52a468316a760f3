"""Adapters on a shared base: they change its answers, leave it as it was, and don't mix."""

import json
import threading
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from data.errors import IncompatibleVersionError, ModelError
from engine.lm import adapters
from engine.lm.base import Adapter, Choose, Generate, Message
from engine.lm.local import LocalLM
from tests import tiny

# PEFT asks transformers by a name that is on its way out.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

ASK = Choose(
    messages=(Message(role="user", content="Query: why? " * 9), Message(role="assistant", content="Grade: ")),
    choices=("0", "1", "2"),
)
TEXT = Generate(messages=ASK.messages, max_tokens=12)


def write_adapter(base: Path, path: Path, seed: int) -> Adapter:
    return Adapter(name=f"v{seed}.0", path=tiny.adapt(base, path, seed=seed))


@pytest.fixture(scope="module")
def many(tiny_model, tmp_path_factory) -> list[Adapter]:
    folder = tmp_path_factory.mktemp("adapters")
    return [write_adapter(tiny_model, folder / str(seed), seed) for seed in range(adapters.KEPT + 2)]


@pytest.fixture
def lm(tiny_model) -> LocalLM:
    return LocalLM.load(tiny_model, device="cpu", threads=1, name="tiny")


def grades(lm: LocalLM) -> list[float]:
    """Read anew each time: what is kept of a prompt changes the seventh digit."""
    lm._forward.forget()
    return list(lm.choose([ASK])[0].log_probabilities.values())


def test_an_adapter_changes_the_answers_and_leaves_the_base_exactly_as_it_was(lm, many):
    before, text = grades(lm), lm.generate([TEXT])[0].text
    with_adapter = lm.adapted(many[0])
    assert with_adapter.name == "tiny+v0.0"
    assert max(abs(a - b) for a, b in zip(grades(with_adapter), before, strict=True)) > 1e-3
    assert with_adapter.generate([TEXT])[0].text != text
    assert grades(lm) == before
    assert grades(with_adapter.adapted(None)) == before
    assert lm.generate([TEXT])[0].text == text


def test_an_adapter_gives_what_peft_gives(lm, many, tiny_model):
    from peft import PeftModel

    reference = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32), many[1].path
    ).eval()
    ids = lm._tokens.prompt(ASK.messages)
    with torch.inference_mode():
        logs = reference(input_ids=torch.tensor([ids])).logits[0, -1].log_softmax(-1)
    expected = [float(logs[token]) for token in lm._tokens.choices(ASK).values()]
    assert grades(lm.adapted(many[1])) == pytest.approx(expected, abs=1e-4)


def test_more_adapters_than_are_held_take_turns(lm, many):
    alone = [grades(lm.adapted(adapter)) for adapter in many]
    assert len({tuple(answer) for answer in alone}) == len(many)
    for adapter, answer in [*zip(many, alone, strict=True)][::-1]:
        assert grades(lm.adapted(adapter)) == pytest.approx(answer, abs=1e-6)
    assert len(lm._adapters._loaded) == adapters.KEPT


def test_a_folder_written_anew_is_another_adapter(lm, many, tiny_model, tmp_path):
    first = write_adapter(tiny_model, tmp_path / "a", 1)
    before = grades(lm.adapted(first))
    assert grades(lm.adapted(write_adapter(tiny_model, tmp_path / "a", 7))) != before


def test_views_in_many_threads_do_not_mix(lm, many):
    views = [lm, *(lm.adapted(adapter) for adapter in many[:3])]
    alone = [(grades(view), view.generate([TEXT])[0].text) for view in views]
    got: list = [None] * 8

    def work(i: int) -> None:
        view = views[i % len(views)]
        got[i] = [(grades(view), view.generate([TEXT])[0].text) for _ in range(3)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(got))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, answers in enumerate(got):
        expected, text = alone[i % len(views)]
        assert len(answers) == 3
        for found, found_text in answers:
            assert found == pytest.approx(expected, abs=1e-6)
            assert found_text == text


def test_an_adapter_of_another_base_is_refused_and_the_base_still_works(lm, tmp_path):
    before = grades(lm)
    other = tiny.build(tmp_path / "other", hidden=32)
    with pytest.raises(IncompatibleVersionError, match="another base model") as caught:
        lm.adapted(write_adapter(other, tmp_path / "a", 0))
    assert "WHYRANK_MODEL" in caught.value.mend
    deeper = tiny.build(tmp_path / "deeper", layers=3)
    with pytest.raises(IncompatibleVersionError):
        lm.adapted(write_adapter(deeper, tmp_path / "b", 0))
    assert grades(lm) == before


def test_what_is_no_adapter_is_refused(lm, many, tmp_path):
    with pytest.raises(ModelError, match="no adapter"):
        lm.adapted(Adapter(name="x", path=tmp_path))
    (tmp_path / "adapter_model.bin").write_bytes(b"pickled")
    with pytest.raises(ModelError, match="no adapter"):
        lm.adapted(Adapter(name="x", path=tmp_path))
    (tmp_path / "adapter_model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match=r"adapter_config\.json"):
        lm.adapted(Adapter(name="x", path=tmp_path))
    config = json.loads((many[0].path / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="damaged"):
        lm.adapted(Adapter(name="x", path=tmp_path))
    (tmp_path / "adapter_config.json").write_text(json.dumps({**config, "peft_type": "PROMPT_TUNING"}))
    with pytest.raises(ModelError, match="PROMPT_TUNING"):
        lm.adapted(Adapter(name="x", path=tmp_path))
