"""The real 0.5B model by vLLM and in process: the same grades and the same order, with the shipped student and without.

Texts are whole documents of the sample, cut as the product cuts them. In process it computes in float32.
"""

import gc
import json

import pytest

from data import student
from engine.lm.base import Adapter
from engine.lm.local import LocalLM
from tests.agreeing import WITHIN_OF, asks, differ_by, pairs_in_another_order
from tests.test_vllm import ask_all_at_once
from tests.vllm_server import running

pytestmark = [pytest.mark.vllm, pytest.mark.model]
ASKED = asks(20, characters=1200)
UNTRAINED = {"float32": 1.0, "bfloat16": 1.5}
"""By how much the base may differ more than the student. vLLM rounds logits to bfloat16, in steps of 1/8 at their size,
and the untrained base hardly prefers one grade to another: there a step is the most."""


@pytest.fixture(scope="module")
def adapter() -> Adapter:
    config = json.loads((student.FOLDER / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["r"] == 16
    return Adapter(name="student", path=student.FOLDER)


@pytest.fixture(scope="module")
def wanted(model_path, adapter):
    """In process first, and gone before vLLM starts: both at once may be more than the memory holds."""
    lm = LocalLM.load(model_path, device="cpu")
    answers = [lm.adapted(each).choose(ASKED) for each in (None, adapter)]
    del lm
    gc.collect()
    return answers


@pytest.fixture(scope="module", params=list(WITHIN_OF))
def served(request, wanted, model_path, adapter, tmp_path_factory):
    home = tmp_path_factory.mktemp("vllm") / "home"
    with running(home, model_path, (adapter,), slots=1, dtype=request.param) as server:
        yield server


def bound(served, which):
    """Largest difference of a probability: of the base (0), of the student (1)."""
    return WITHIN_OF[served.plan.dtype] * (UNTRAINED[served.plan.dtype] if which == 0 else 1.0)


@pytest.mark.parametrize("which", [0, 1], ids=["base", "student"])
def test_grades_and_order_are_those_of_the_model_in_process(served, wanted, adapter, which):
    within = bound(served, which)
    answers = served.lm().adapted((None, adapter)[which]).choose(ASKED)
    assert differ_by(answers, wanted[which]) < within
    assert pairs_in_another_order(wanted[which], answers, within=within) == []


def test_base_and_student_in_one_batch_do_not_mix(served, wanted, adapter):
    answers = ask_all_at_once(served, (None, adapter), rounds=1, asked=ASKED)
    for which, (mixed, alone) in enumerate(zip(answers, wanted, strict=True)):
        assert differ_by(mixed, alone) < bound(served, which)
