"""The student in `data/student` is what its manifest says, and fits this program's prompt."""

import hashlib
import json

import pytest

from data import student
from engine.explanation.prompt import template_sha256
from engine.models import BASES
from engine.ranking import method_named

MEGABYTES = 20


@pytest.fixture(scope="module")
def manifest():
    found = student.manifest()
    assert found is not None, "the student lies in data/student"
    return found


def test_its_weights_are_those_of_the_manifest_and_small(manifest):
    weights = (student.FOLDER / "adapter_model.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == manifest["adapter_sha256"]
    assert len(weights) <= MEGABYTES * 1_000_000
    header = json.loads(weights[8 : 8 + int.from_bytes(weights[:8], "little")])
    assert {entry["dtype"] for name, entry in header.items() if name != "__metadata__"} == {"BF16"}


def test_it_fits_the_packaged_base_every_scale_and_the_prompt_as_it_is_now(manifest):
    assert manifest["base_model"] in BASES
    assert manifest["scale_name"] is None
    form = method_named(manifest["form"]).form
    assert manifest["prompt_sha256"] == template_sha256(form), (
        "the prompt was changed: the student must be trained anew"
    )


def test_it_says_what_it_was_trained_on_and_under_which_terms(manifest):
    assert manifest["data"]["snapshot_sha256"] and manifest["data"]["by_source"]
    assert manifest["config"]["recipe"] and "seed" in manifest["config"]
    assert all(source["terms"] and source["used"] for source in manifest["sources"])
    assert "non-commercial" in manifest["restriction"]


def test_nothing_of_this_machine_is_in_its_files(manifest):
    config = json.loads((student.FOLDER / "adapter_config.json").read_text())
    assert "/" not in (config["base_model_name_or_path"] or ""), "a path of the machine it was trained on"
    assert "/tmp" not in json.dumps(manifest) and "/home" not in json.dumps(manifest)
