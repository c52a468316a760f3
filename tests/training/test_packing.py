from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from training.packing import packs
from training.tokens import Tokenised


def one(prompt_ids, completion_ids, grade_at=0):
    return Tokenised(prompt_ids=tuple(prompt_ids), completion_ids=tuple(completion_ids), grade_at=grade_at)


BATCH = [
    one([1, 2, 3, 4, 5, 6], [7, 8, 9]),
    one([1, 2, 3, 9, 9], [8]),
    one([1, 2, 3, 4, 7, 7, 7, 7], [9, 8, 7, 6], grade_at=3),
]


@pytest.fixture(scope="module")
def model(tiny_model):
    return AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)


def losses(model, pack):
    logits = model(
        input_ids=pack.input_ids,
        position_ids=pack.position_ids,
        attention_mask=pack.attention_mask,
        logits_to_keep=pack.predicting,
        use_cache=False,
    ).logits[0]
    return torch.nn.functional.cross_entropy(logits, pack.targets, reduction="none")


def of_examples(model, made):
    """Each example's losses, whatever pack it is in."""
    found = {}
    for pack in made:
        parts = losses(model, pack).split([len(one.completion_ids) for one in pack.members])
        found |= dict(zip(pack.members, parts, strict=True))
    return found


def gradients(model, made):
    model.zero_grad()
    sum((losses(model, pack) * pack.weights).sum() for pack in made).backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


def test_a_packed_batch_has_the_losses_of_its_examples_alone(model):
    found = of_examples(model, packs(BATCH, explanation_weight=1.0))
    for example in BATCH:
        ids = torch.tensor([example.prompt_ids + example.completion_ids])
        logits = model(input_ids=ids).logits[0, len(example.prompt_ids) - 1 : -1]
        plain = torch.nn.functional.cross_entropy(logits, torch.tensor(example.completion_ids), reduction="none")
        torch.testing.assert_close(found[example], plain, atol=1e-4, rtol=1e-4)


def test_a_packed_batch_has_the_gradients_of_its_examples_alone(model):
    together = gradients(model, packs(BATCH, explanation_weight=0.5))
    alone = gradients(model, packs(BATCH, explanation_weight=0.5, share=False))
    for name in alone:
        torch.testing.assert_close(together[name], alone[name], atol=1e-4, rtol=1e-3, msg=name)


def test_another_example_of_the_pack_changes_nothing(model):
    other = [*BATCH[:2], one([1, 2, 3, 8, 8, 8, 8, 8], [1, 1])]
    first, second = (of_examples(model, packs(batch, explanation_weight=1.0)) for batch in (BATCH, other))
    for example in BATCH[:2]:
        torch.testing.assert_close(first[example], second[example], atol=1e-5, rtol=1e-5)


def test_every_beginning_is_written_once():
    rules, query, other = [1, 2, 3], [4, 4], [5, 5, 5]
    batch = [
        one([*rules, *query, 6, 9], [7]),
        one([*rules, *other, 6, 9], [7]),
        one([*rules, *query, 8, 8, 9], [7]),
        one([*rules, *query, 8, 8, 9], [7, 7]),
    ]
    (pack,) = packs(batch, explanation_weight=1.0)
    # rules, query, its three documents (two answers to one of them), the other query with its document
    assert pack.input_ids[0].tolist() == [*rules, *query, 6, 9, 7, 8, 8, 9, 7, 9, 7, 7, *other, 6, 9, 7]
    assert pack.position_ids[0, -6:].tolist() == [3, 4, 5, 6, 7, 8]
    assert [batch.index(member) for member in pack.members] == [0, 2, 3, 1]


def test_every_example_weighs_the_same_half_of_it_on_the_grade():
    (pack,) = packs(BATCH, explanation_weight=1.0)
    shares = pack.weights.split([len(member.completion_ids) for member in pack.members])
    found = {member: share.tolist() for member, share in zip(pack.members, shares, strict=True)}
    assert found[BATCH[0]] == pytest.approx([1.0, 0.5, 0.5])
    assert found[BATCH[1]] == [1.0]
    assert found[BATCH[2]] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1.0])
    assert pack.weights[pack.grades].tolist() == [1.0] * 3
    (grades_only,) = packs(BATCH, explanation_weight=0.0)
    assert grades_only.weights.sum() == 3


def test_a_weight_of_an_example_is_one_of_all_its_tokens():
    (pack,) = packs([replace(BATCH[0], weight=0.25)], explanation_weight=1.0)
    assert pack.weights.tolist() == pytest.approx([0.25, 0.125, 0.125])


def test_a_pack_ends_at_the_token_limit():
    made = packs(BATCH, explanation_weight=1.0, most_tokens=12)
    assert [pack.input_ids.shape[1] for pack in made] == [12, 12]
    assert made[1].attention_mask is None  # an example alone is plainly causal
    assert [pack.input_ids.shape[1] for pack in packs(BATCH, explanation_weight=1.0, most_tokens=5)] == [9, 6, 12]


def test_without_anything_in_common_examples_stay_apart(model):
    batch = [one([5, 6], [7]), one([8, 9, 1], [2, 3])]
    (packed,) = packs(batch, explanation_weight=1.0)
    assert packed.input_ids.shape[1] == 8
    alone = torch.cat([losses(model, pack) for pack in packs(batch, explanation_weight=1.0, share=False)])
    torch.testing.assert_close(losses(model, packed), alone, atol=1e-5, rtol=1e-5)


ids = st.lists(st.integers(1, 3), min_size=1, max_size=6)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(ids, ids), min_size=1, max_size=5),
    st.integers(1, 30),
)
def test_packs_hold_every_completion_once(batch, most_tokens):
    examples = [one(prompt, completion) for prompt, completion in batch]
    made = packs(examples, explanation_weight=1.0, most_tokens=most_tokens)
    assert sorted(map(repr, examples)) == sorted(repr(member) for pack in made for member in pack.members)
    for pack in made:
        assert pack.targets.tolist() == [i for member in pack.members for i in member.completion_ids]
        # Each predicted token stands right after the position it is predicted from, or starts the next example.
        assert pack.predicting.max() < pack.input_ids.shape[1] - 1
        follows = pack.input_ids[0, pack.predicting + 1]
        assert follows.tolist() == pack.targets.tolist()
        assert pack.input_ids.shape[1] <= sum(map(len, pack.members))
