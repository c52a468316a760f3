import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from training.packing import packs, shared_beginning
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


def gradients(model, made):
    model.zero_grad()
    sum((losses(model, pack) * pack.weights).sum() for pack in made).backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


def test_a_packed_batch_has_the_losses_of_its_examples_alone(model):
    (packed,) = packs(BATCH, explanation_weight=1.0)
    plain = []
    for example in BATCH:
        ids = torch.tensor([example.prompt_ids + example.completion_ids])
        logits = model(input_ids=ids).logits[0, len(example.prompt_ids) - 1 : -1]
        plain.append(torch.nn.functional.cross_entropy(logits, torch.tensor(example.completion_ids), reduction="none"))
    torch.testing.assert_close(losses(model, packed), torch.cat(plain), atol=1e-4, rtol=1e-4)


def test_a_packed_batch_has_the_gradients_of_its_examples_alone(model):
    together = gradients(model, packs(BATCH, explanation_weight=0.5))
    alone = gradients(model, packs(BATCH, explanation_weight=0.5, share=False))
    for name in alone:
        torch.testing.assert_close(together[name], alone[name], atol=1e-4, rtol=1e-3, msg=name)


def test_another_example_of_the_pack_changes_nothing(model):
    other = [*BATCH[:2], one([1, 2, 3, 8, 8, 8, 8, 8], [1, 1])]
    first = losses(model, packs(BATCH, explanation_weight=1.0)[0])[:4]
    second = losses(model, packs(other, explanation_weight=1.0)[0])[:4]
    torch.testing.assert_close(first, second, atol=1e-5, rtol=1e-5)


def test_every_example_weighs_the_same_half_of_it_on_the_grade():
    (pack,) = packs(BATCH, explanation_weight=1.0)
    assert pack.weights.tolist() == pytest.approx([1.0, 0.5, 0.5, 1.0, 1 / 3, 1 / 3, 1 / 3, 1.0])
    assert pack.grades.tolist() == [True, False, False, True, False, False, False, True]
    (grades_only,) = packs(BATCH, explanation_weight=0.0)
    assert grades_only.weights.sum() == 3


def test_a_pack_ends_at_the_token_limit():
    made = packs(BATCH, explanation_weight=1.0, most_tokens=12)
    assert [pack.input_ids.shape[1] for pack in made] == [12, 12]
    assert made[1].attention_mask is None  # an example alone is plainly causal
    assert [pack.input_ids.shape[1] for pack in packs(BATCH, explanation_weight=1.0, most_tokens=5)] == [9, 6, 12]


def test_without_anything_in_common_examples_stay_apart(model):
    batch = [one([5, 6], [7]), one([8, 9, 1], [2, 3])]
    assert shared_beginning(batch) == 0
    (packed,) = packs(batch, explanation_weight=1.0)
    alone = torch.cat([losses(model, pack) for pack in packs(batch, explanation_weight=1.0, share=False)])
    torch.testing.assert_close(losses(model, packed), alone, atol=1e-5, rtol=1e-5)


ids = st.lists(st.integers(1, 3), min_size=1, max_size=6)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(ids, ids), min_size=1, max_size=5),
    st.integers(1, 30),
)
def test_packs_hold_every_completion_once_in_order(batch, most_tokens):
    examples = [one(prompt, completion) for prompt, completion in batch]
    made = packs(examples, explanation_weight=1.0, most_tokens=most_tokens)
    assert torch.cat([pack.targets for pack in made]).tolist() == [i for e in examples for i in e.completion_ids]
    for pack in made:
        # Each predicted token stands right after the position it is predicted from, or starts the next example.
        assert pack.predicting.max() < pack.input_ids.shape[1] - 1
        follows = pack.input_ids[0, pack.predicting + 1]
        assert follows.tolist() == pack.targets.tolist()


@settings(deadline=None, max_examples=60)
@given(st.lists(ids, min_size=1, max_size=5))
def test_the_shared_beginning_is_the_longest_one(prompts):
    found = shared_beginning([one(prompt, [1]) for prompt in prompts])
    heads = [prompt[:-1] for prompt in prompts]
    assert len({tuple(head[:found]) for head in heads}) == 1
    assert found == min(map(len, heads)) or len({head[found] for head in heads}) > 1
