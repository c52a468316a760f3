"""TRL's GRPOTrainer (arXiv 2402.03300), but a prompt is read once for all the answers to it.

The answers of a group share their prompt, which is nearly all of the work where answers are short. TRL reads it anew
for every answer: when it samples, and again when it weighs what was sampled. Here its keys and values are computed once
and repeated for the sampling, and a group is weighed as a pack (`training.packing`). What is computed is the same up
to rounding; a test holds it to that.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache, StoppingCriteria, StoppingCriteriaList
from trl import GRPOTrainer
from trl.models.utils import disable_gradient_checkpointing
from trl.trainer.utils import pad, split_tensor_dict

from data.errors import TrainingError
from training.packing import Pack, packs
from training.stopping import ShouldStop, Stopped
from training.tokens import Tokenised

Ids = Sequence[int]


class GroupTrainer(GRPOTrainer):
    """Prompts are given as token ids, one micro-batch is one group."""

    prompts: Sequence[Ids]
    """The data set's column `prompt` holds positions in here, as text."""
    ends: frozenset[int]
    """Ids that end an answer."""
    share: bool
    """Can the model attend by a mask, so that a group is one pack?"""
    should_stop: ShouldStop
    _buffered_inputs: Any
    """TRL's: the groups of the step under way, a part each."""

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """TRL's, but a loss that is no number ends the training."""
        try:
            loss = super().training_step(*args, **kwargs)
        except RuntimeError as error:
            # Weights that are no numbers show first when they are sampled from.
            if "probability tensor" not in str(error):
                raise
            raise self._no_number() from error
        if not torch.isfinite(loss):
            raise self._no_number()
        return loss

    def _no_number(self) -> TrainingError:
        return TrainingError(
            f"The loss is not a number any more (step {self.state.global_step + 1}).",
            mend="Train again with a smaller learning rate.",
        )

    def create_model_card(self, *args: object, **kwargs: object) -> None:
        """None: the version's record says how it came to be."""

    def _send_telemetry(self) -> None:
        """Nothing leaves the machine."""

    def _prepare_inputs(self, generation_batch: Any) -> Any:
        """TRL's for training, but without shuffling: a micro-batch stays one group."""
        parts = self.args.steps_per_generation
        if self._step % parts == 0 or self._buffered_inputs is None:
            self._buffered_inputs = split_tensor_dict(self._generate_and_score_completions(generation_batch), parts)
        return self._buffered_inputs[self._step % parts]

    def _tokenize_prompts(self, prompts: Sequence[str]) -> tuple[list[list[int]], None, dict[str, Any]]:
        """Exactly the tokens that ranking asks with, the assistant's beginning included."""
        return [list(self.prompts[int(position)]) for position in prompts], None, {}

    def _generate_single_turn(
        self, prompt_ids: list[list[int]], images: Any, multimodal_fields: Any, num_generations: int, *rest: Any
    ) -> tuple[list[list[int]], Any]:
        """Sample `num_generations` answers to each prompt; every prompt stands so many times in a row."""
        if self.use_vllm:
            found: tuple[list[list[int]], Any] = super()._generate_single_turn(
                prompt_ids, images, multimodal_fields, num_generations, *rest
            )
            return found
        model = self.accelerator.unwrap_model(self.model)
        with torch.no_grad(), disable_gradient_checkpointing(model):
            ids, mask, cache = self._read(model, prompt_ids[::num_generations])
            cache.batch_repeat_interleave(num_generations)
            made = model.generate(
                input_ids=ids.repeat_interleave(num_generations, dim=0),
                attention_mask=mask.repeat_interleave(num_generations, dim=0),
                past_key_values=cache,
                generation_config=self.generation_config,
                stopping_criteria=StoppingCriteriaList([_WhenAsked(self.should_stop)]),
            )
        return [self._until_end(row) for row in made[:, ids.shape[1] :].tolist()], None

    def _read(self, model: Any, prompts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor, DynamicCache]:
        """(N, P) ids and mask of prompts padded on the left, and the keys and values of all but their last token."""
        rows = [torch.tensor(ids) for ids in prompts]
        ids = pad(rows, padding_value=self._tokenizer.pad_token_id, padding_side="left").to(self.accelerator.device)
        mask = pad([torch.ones_like(row) for row in rows], padding_value=0, padding_side="left").to(ids.device)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        cache = DynamicCache(config=model.config)
        model(
            input_ids=ids[:, :-1],
            attention_mask=mask[:, :-1],
            position_ids=positions[:, :-1],
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return ids, mask, cache

    def _until_end(self, ids: list[int]) -> list[int]:
        """An answer with the token that ends it, without the pads after it."""
        return next((ids[: i + 1] for i, token in enumerate(ids) if token in self.ends), ids)

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        *_: Any,
        compute_entropy: bool = False,
        **__: Any,
    ) -> tuple[torch.Tensor, torch.Tensor | None, None]:
        """(B, K) natural logs of the probabilities of the last K tokens, and entropies, 0 where a pad lies."""
        shape = (input_ids.shape[0], logits_to_keep)
        logs = input_ids.new_zeros(shape, dtype=torch.float32)
        entropies = input_ids.new_zeros(shape, dtype=torch.float32)
        rows = _rows(input_ids, attention_mask, logits_to_keep)
        places = {id(one): row for row, one in enumerate(rows)}
        for pack in packs(rows, explanation_weight=1.0, share=self.share):
            of_pack, entropy = self._weighed(model, pack)
            at = [(places[id(one)], i) for one in pack.members for i in range(len(one.completion_ids))]
            where = tuple(torch.tensor(side, device=input_ids.device) for side in zip(*at, strict=True))
            logs = logs.index_put(where, of_pack.float())
            entropies = entropies.index_put(where, entropy.float())
        return logs, entropies if compute_entropy else None, None

    def _weighed(self, model: Any, pack: Pack) -> tuple[torch.Tensor, torch.Tensor]:
        """(K,) log-probability of each target of a pack, and the entropy where it stands."""
        device = self.accelerator.device
        labels = torch.full_like(pack.input_ids, -100)
        labels[0, pack.predicting] = pack.targets
        mask = None if pack.attention_mask is None else pack.attention_mask.to(device)
        with self.accelerator.autocast():
            # TRL's output head: probabilities in pieces, never all logits at once.
            found = model(
                input_ids=pack.input_ids.to(device),
                position_ids=pack.position_ids.to(device),
                attention_mask=mask,
                shift_labels=labels.to(device),
                fused_lm_head=True,
            )
        predicting = pack.predicting.to(device)
        return found.log_probs[0, predicting], found.entropy[0, predicting]


class _WhenAsked(StoppingCriteria):
    """Leaves the sampling by `Stopped`: nothing of the step under way is kept."""

    def __init__(self, should_stop: ShouldStop) -> None:
        self._should_stop = should_stop

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: object) -> torch.Tensor:
        if self._should_stop():
            raise Stopped
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)


def _rows(input_ids: torch.Tensor, mask: torch.Tensor, answer_tokens: int) -> list[Tokenised]:
    """Padded rows as prompts and answers."""
    found = []
    for ids, seen in zip(input_ids.tolist(), mask.bool().tolist(), strict=True):
        kept = [i for i, is_seen in enumerate(seen) if is_seen]
        start = len(ids) - answer_tokens
        found.append(
            Tokenised(
                prompt_ids=tuple(ids[i] for i in kept if i < start),
                completion_ids=tuple(ids[i] for i in kept if i >= start),
                grade_at=0,
            )
        )
    return found
