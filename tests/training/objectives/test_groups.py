"""What a group's shared prompt saves changes nothing: against TRL's own way, on the same weights."""

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOConfig, GRPOTrainer

from training.objectives.groups import GroupTrainer
from training.stopping import Stopped, never

pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning")
PROMPTS = [[7, 8, 9, 10, 11, 12], [7, 8, 9], [20, 21, 22, 23, 24, 25, 26]]
GENERATIONS = 4


@pytest.fixture(scope="module")
def trainer(tmp_path_factory, tiny_model):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model, padding_side="left")
    made = GroupTrainer(
        model=AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32),
        processing_class=tokenizer,
        train_dataset=Dataset.from_dict({"prompt": ["0", "1", "2"]}),
        reward_funcs=[lambda prompts, **_: [0.0] * len(prompts)],
        peft_config=LoraConfig(task_type="CAUSAL_LM", r=4, target_modules="all-linear"),
        args=GRPOConfig(
            output_dir=str(tmp_path_factory.mktemp("grpo")),
            per_device_train_batch_size=GENERATIONS,
            gradient_accumulation_steps=len(PROMPTS),
            num_generations=GENERATIONS,
            max_completion_length=12,
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=None,
            report_to="none",
        ),
    )
    made.prompts, made.share, made.should_stop = PROMPTS, True, never
    made.ends = frozenset(made.eos_token_ids)
    with torch.no_grad():
        for name, parameter in made.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.2)
    return made


def repeated(prompts):
    return [ids for ids in prompts for _ in range(GENERATIONS)]


def sampled(trainer, how):
    torch.manual_seed(5)
    return how(trainer, repeated(PROMPTS), None, {}, GENERATIONS)[0]


def padded(prompts, answers):
    """Prompts padded on the left, answers on the right: ids and mask."""
    before, after = max(map(len, prompts)), max(map(len, answers))
    ids = torch.zeros((len(prompts), before + after), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        ids[row, before - len(prompt) : before + len(answer)] = torch.tensor([*prompt, *answer])
        mask[row, before - len(prompt) : before + len(answer)] = 1
    return ids, mask, after


@pytest.mark.parametrize("share", [True, False], ids=["packed", "one by one"])
def test_answers_have_the_same_probabilities(trainer, share):
    trainer.share = share
    answers = sampled(trainer, GroupTrainer._generate_single_turn)
    given = (trainer.model, *padded(repeated(PROMPTS), answers))
    logs, entropies, _ = trainer._get_per_token_logps_and_entropies(*given, compute_entropy=True)
    wanted, wanted_entropies, _ = GRPOTrainer._get_per_token_logps_and_entropies(trainer, *given, compute_entropy=True)
    seen = given[2][:, -given[3] :].bool()
    assert torch.allclose(logs[seen], wanted[seen], atol=1e-4)
    assert torch.allclose(entropies[seen], wanted_entropies[seen], atol=1e-4)
    assert not logs[~seen].any()


def test_gradients_are_the_same(trainer):
    answers = sampled(trainer, GroupTrainer._generate_single_turn)
    given = (trainer.model, *padded(repeated(PROMPTS), answers))
    found = []
    for how in (GroupTrainer, GRPOTrainer):
        trainer.model.zero_grad()
        logs, _, _ = how._get_per_token_logps_and_entropies(trainer, *given)
        (logs * given[2][:, -given[3] :]).sum().backward()
        found.append({name: p.grad.clone() for name, p in trainer.model.named_parameters() if p.grad is not None})
    assert found[0].keys() == found[1].keys() and len(found[0]) > 20
    for name, gradient in found[0].items():
        assert torch.allclose(gradient, found[1][name], rtol=1e-3, atol=1e-4), name


def test_with_the_same_chance_the_same_answers_are_sampled(trainer):
    answers = sampled(trainer, GroupTrainer._generate_single_turn)
    assert answers == sampled(trainer, GRPOTrainer._generate_single_turn)
    assert len({tuple(answer) for answer in answers}) > len(PROMPTS)


def test_prompts_are_the_ids_that_were_given(trainer):
    assert trainer._tokenize_prompts(["2", "0"]) == ([PROMPTS[2], PROMPTS[0]], None, {})


def test_the_sampling_stops_when_it_is_told_to(trainer):
    trainer.should_stop = lambda: True
    with pytest.raises(Stopped):
        sampled(trainer, GroupTrainer._generate_single_turn)
    trainer.should_stop = never
