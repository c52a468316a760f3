import json
from dataclasses import replace

import pytest

from data import student
from data.records import Alias, AliasEvent, Version
from data.scales import TREC_DL


@pytest.fixture
def shipped(tmp_path):
    folder = tmp_path / "shipped"
    folder.mkdir()
    manifest = {
        "name": "student-1",
        "base_model": "some-base",
        "base_sha256": "b" * 64,
        "adapter_sha256": "a" * 64,
        "prompt_sha256": "p" * 64,
        "scale_name": None,
        "form": "pointwise-verdict-first",
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def collection(store):
    return store.collections.add(
        collection_id="c", name="c", scale=TREC_DL, documents=[], queries=[], judgments=[], assessors=[], source="test"
    )


def test_it_ranks_where_nothing_was_promoted_on_its_base(store, tmp_path, shipped, collection):
    store.versions.ensure_base("some-base")
    version = student.install(store, tmp_path, folder=shipped)
    assert store.versions.default() == store.versions.get("student-1") == version
    assert store.versions.alias(collection.collection_id, Alias.CHAMPION) == version
    assert (tmp_path / version.adapter_path / "adapter_model.safetensors").read_bytes() == b"weights"
    store.versions.ensure_base("another-base")
    assert store.versions.default().version_id == "base"


def test_installing_twice_changes_nothing(store, tmp_path, shipped):
    store.versions.ensure_base("some-base")
    first = student.install(store, tmp_path, folder=shipped)
    assert student.install(store, tmp_path, folder=shipped) == first
    assert [version.name for version in store.versions.list()] == ["base", "student-1"]


def test_a_promotion_takes_its_place(store, tmp_path, shipped, collection):
    store.versions.ensure_base("some-base")
    version = student.install(store, tmp_path, folder=shipped)
    better = Version(version_id="v", name="v", base_model="some-base", adapter_path="versions/v", collection_id="c")
    store.versions.add(better)
    event = AliasEvent(
        collection_id="c",
        alias=Alias.CHAMPION,
        version_id="v",
        previous_version_id=version.version_id,
        reason="passed",
        actor="ann",
    )
    store.versions.move(event)
    assert store.versions.alias("c", Alias.CHAMPION) == better
    assert store.versions.default() == version, "what one collection promotes is not everyone's"
    store.versions.move(replace(event, version_id=version.version_id, previous_version_id="v"))
    assert store.versions.alias("c", Alias.CHAMPION) == version


def test_a_folder_without_all_of_it_is_no_student(store, tmp_path, shipped):
    (shipped / "adapter_model.safetensors").unlink()
    assert student.manifest(shipped) is None
    assert student.install(store, tmp_path, folder=shipped) is None
