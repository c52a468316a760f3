from dataclasses import replace

import pytest

from data.errors import ConflictError, IncompatibleVersionError, PromotionRefusedError
from data.records import BASE_VERSION_ID, Alias, EvaluationRecord, Version, new_id
from engine.explanation.prompt import template_sha256
from engine.pipeline import Plan, check_version
from tests.training.conftest import version
from training import versions
from training.evaluations import evaluate_version
from training.gate import GateOptions

PLAN = Plan(method="pointwise-score", depth=4)


def champion(workbench, collection):
    return workbench.champion(collection).version_id


def test_a_new_version_gets_the_next_name_and_challenges(workbench, collection):
    workbench.base_version()
    for name in ("synthetic-1", "synthetic-2"):
        added = versions.add(
            workbench.store, collection, Version(version_id=new_id(), name="", base_model="m", adapter_path="x")
        )
        assert added.name == name
        assert workbench.store.versions.alias(collection.collection_id, Alias.CHALLENGER) == added
        versions.challenge(workbench.store, collection, added)  # again: nothing happens
    assert len(workbench.store.versions.alias_events(collection.collection_id)) == 2


def test_a_better_version_is_promoted_and_rolled_back(workbench, collection, taught):
    evaluate_version(workbench, collection, taught, plan=PLAN)
    versions.promote(workbench, collection, taught, actor="ann")
    assert champion(workbench, collection) == "taught"
    (event,) = workbench.store.versions.alias_events(collection.collection_id)
    assert (event.actor, event.reason, event.previous_version_id) == ("ann", "passed the gate", BASE_VERSION_ID)
    assert versions.rollback(workbench, collection, actor="bob").version_id == BASE_VERSION_ID
    assert champion(workbench, collection) == BASE_VERSION_ID
    assert len(workbench.store.versions.alias_events(collection.collection_id)) == 2


def test_a_version_that_was_never_measured_is_refused(workbench, collection, taught):
    with pytest.raises(PromotionRefusedError) as caught:
        versions.promote(workbench, collection, taught, actor="ann")
    assert "never evaluated against the present champion base" in caught.value.reasons[0]
    assert champion(workbench, collection) == BASE_VERSION_ID


def test_a_version_that_is_no_better_is_refused_with_figures(workbench, collection):
    same = version(workbench, collection, "same")
    evaluate_version(workbench, collection, same, plan=PLAN)
    with pytest.raises(PromotionRefusedError, match=r"difference \+0.0000, 95 % interval") as caught:
        versions.promote(workbench, collection, same, actor="ann")
    assert len(caught.value.reasons) == 1
    # A named margin is another question.
    versions.promote(workbench, collection, same, actor="ann", options=GateOptions(not_worse_margin=0.01))
    assert champion(workbench, collection) == "same"


def test_an_override_stores_its_reason_and_what_the_gate_said(workbench, collection):
    same = version(workbench, collection, "same")
    evaluate_version(workbench, collection, same, plan=PLAN)
    versions.promote(workbench, collection, same, actor="lead", override_reason="it explains better")
    (event,) = workbench.store.versions.alias_events(collection.collection_id)
    assert event.reason.startswith("against the gate: it explains better (the gate said: nDCG@10")


def test_an_evaluation_against_another_champion_does_not_count(workbench, collection, taught):
    same = version(workbench, collection, "same")
    evaluate_version(workbench, collection, taught, plan=PLAN)
    versions.promote(workbench, collection, same, actor="lead", override_reason="to see")
    with pytest.raises(PromotionRefusedError, match="against the present champion same"):
        versions.promote(workbench, collection, taught, actor="ann")


def test_the_newest_evaluation_decides(workbench, collection, taught):
    record = evaluate_version(workbench, collection, taught, plan=PLAN)
    workbench.store.evaluations.add(
        EvaluationRecord(
            evaluation_id=new_id(),
            collection_id=collection.collection_id,
            version_id="taught",
            method=record.method,
            heldout_sha256=record.heldout_sha256,
            report={**record.report, "queries": 3},
        )
    )
    with pytest.raises(PromotionRefusedError, match="Measured on 3 held-out queries"):
        versions.promote(workbench, collection, taught, actor="ann")


def test_the_champion_can_t_be_promoted_again(workbench, collection):
    with pytest.raises(ConflictError, match="champion of synthetic already"):
        versions.promote(workbench, collection, workbench.base_version(), actor="ann")


def test_rolling_back_walks_all_the_way_to_the_base(workbench, collection):
    names = ["v1", "v2", "v3"]
    for name in names:
        versions.promote(
            workbench, collection, version(workbench, collection, name), actor="lead", override_reason="to see"
        )
    walked = [versions.rollback(workbench, collection, actor="ann").version_id for _ in names]
    assert walked == ["v2", "v1", BASE_VERSION_ID]
    with pytest.raises(ConflictError, match="no champion before base"):
        versions.rollback(workbench, collection, actor="ann")


def test_rolling_back_after_a_new_promotion_goes_to_the_one_before_it(workbench, collection):
    v1, v2, v3 = (version(workbench, collection, name) for name in ("v1", "v2", "v3"))
    for promoted in (v1, v2):
        versions.promote(workbench, collection, promoted, actor="lead", override_reason="to see")
    versions.rollback(workbench, collection, actor="ann")  # v1
    versions.promote(workbench, collection, v3, actor="lead", override_reason="to see")
    assert versions.rollback(workbench, collection, actor="ann") == v1
    assert versions.rollback(workbench, collection, actor="ann").version_id == BASE_VERSION_ID


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"base_model": "another"}, "trained on the base another"),
        ({"scale_name": "interank"}, "grades on the scale interank"),
        ({"prompt_sha256": "0" * 64}, "another prompt"),
        ({"scale_name": None, "prompt_sha256": "0" * 64}, "WhyRank's prompt changed"),
    ],
    ids=str,
)
def test_a_version_that_could_not_rank_is_never_promoted_whatever_the_reason(workbench, collection, change, words):
    workbench.base_version()
    other = replace(version(workbench, collection, "taught"), version_id="other", name="other", **change)
    workbench.store.versions.add(other)
    with pytest.raises(IncompatibleVersionError, match=words) as caught:
        versions.promote(workbench, collection, other, actor="ann", override_reason="I want it")
    assert caught.value.mend
    assert champion(workbench, collection) == BASE_VERSION_ID


def test_a_general_version_fits_every_scale_and_guideline(workbench, collection):
    general = replace(
        version(workbench, collection, "taught"),
        version_id="general",
        name="general",
        scale_name=None,
        prompt_sha256=template_sha256("verdict-first"),
        collection_id=None,
    )
    workbench.store.versions.add(general)
    workbench.store.collections.set_rules(collection.collection_id, guidelines="Be strict.", changed_by="me")
    changed = workbench.store.collections.get(collection.collection_id)
    check_version(general, changed, "pointwise-score")
    with pytest.raises(IncompatibleVersionError, match="not for pointwise-reason-first"):
        check_version(general, changed, "pointwise-reason-first")
    assert champion(workbench, changed) == "general", "what fits every collection ranks where nothing was promoted"
    workbench.store.versions.ensure_base("another")
    assert workbench.store.versions.default().version_id == BASE_VERSION_ID
