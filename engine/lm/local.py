"""A language model in this process, by transformers.

The beginning that a query's prompts share is computed once and its keys and values are reused for every document.
Suffixes are padded on the left, between prefix and text, so that the last position is every row's own; masked pads and
true position ids make the result that of a plain forward pass of the whole prompt.

One set of weights serves all adapters: a view made by `adapted` switches its adapter on for the length of a call. Calls
are serialised by a lock.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from data.errors import LMError, ModelError
from engine.lm.adapters import Adapters
from engine.lm.base import Adapter, Choose, Chosen, Clipped, Generate, Generated, OnChosen, OnText
from engine.lm.decoding import Decoding
from engine.lm.forward import Forward
from engine.lm.prefix import batches, groups
from engine.lm.tokens import Tokens

CPU_PASS_TOKENS = 512
"""Tokens in one forward pass on a CPU: arithmetic is the limit there, so once a pass is large enough to be efficient,
more rows only add padding, which is wasted arithmetic."""
GENERATING_ROWS = 16
"""Texts written at once: a step reads all weights however many rows it has, so more rows are nearly free."""


class LocalLM:
    """Use `load`. Keeps the promises of `engine.lm.base.LM`."""

    def __init__(self, name: str, tokens: Tokens, forward: Forward, adapters: Adapters, batch_tokens: int) -> None:
        self._base_name = name
        self._tokens = tokens
        self._forward = forward
        self._adapters = adapters
        self._batch_tokens = batch_tokens
        self._adapter: Adapter | None = None

    @classmethod
    def load(
        cls, path: Path, *, device: str = "auto", threads: int = 0, batch_tokens: int = 4096, name: str | None = None
    ) -> "LocalLM":
        """Load a Hugging Face folder: float32 on a CPU, bfloat16 on a GPU. Safetensors only, no code from the folder.

        Raises ModelError where the folder does not hold such a model.
        """
        # Its progress bar would be drawn over ours.
        transformers_logging.disable_progress_bar()
        place = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        if place == "cpu" and threads:
            torch.set_num_threads(threads)
        try:
            tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
            model = AutoModelForCausalLM.from_pretrained(
                path,
                dtype=torch.float32 if place == "cpu" else torch.bfloat16,
                use_safetensors=True,
                local_files_only=True,
            )
            model = model.to(place).eval()
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise ModelError(
                f"The model in {path} can't be loaded: {str(error).splitlines()[0]}",
                mend="Fetch it again (whyrank model fetch), or give a folder with safetensors weights and a tokenizer.",
            ) from error
        adapters = Adapters(model)
        forward = Forward(model, place)
        return cls(name or path.name, Tokens(tokenizer), forward, adapters, batch_tokens)

    @property
    def name(self) -> str:
        """The base, and the adapter where there is one."""
        return f"{self._base_name}+{self._adapter.name}" if self._adapter else self._base_name

    def adapted(self, adapter: Adapter | None) -> "LocalLM":
        """The same weights with this adapter; it is read when first used."""
        view = LocalLM(self._base_name, self._tokens, self._forward, self._adapters, self._batch_tokens)
        view._adapter = adapter
        return view

    def clip(self, text: str, max_tokens: int) -> Clipped:
        """Cut `text` at a word end by the model's own tokens."""
        return self._tokens.clip(text, max_tokens)

    def choose(self, asks: Sequence[Choose], *, on_answer: OnChosen | None = None) -> list[Chosen]:
        """Answer each request by one forward pass over what its prompt does not share with others."""
        prompts = [self._tokens.prompt(ask.messages) for ask in asks]
        choices = [self._tokens.choices(ask) for ask in asks]
        self._check_lengths(prompts, 1)
        answers: dict[int, Chosen] = {}
        pass_tokens = CPU_PASS_TOKENS if self._forward.on_cpu else self._batch_tokens
        with self._adapters.using(self._adapter) as key, self._forward.guarded():
            for group in groups(prompts):
                prefix = self._forward.prefix(key, prompts[group.members[0]][: group.prefix_tokens])
                lengths = [len(prompts[i]) - group.prefix_tokens for i in group.members]
                for part in batches(lengths, group.prefix_tokens, budget=self._batch_tokens, fresh=pass_tokens):
                    positions = group.members[part]
                    suffixes = [prompts[i][group.prefix_tokens :] for i in positions]
                    logits = self._forward.read(prefix, suffixes).logits  # (B, V)
                    for row, i in enumerate(positions):
                        answers[i] = _chosen(logits[row], choices[i], len(prompts[i]))
                        if on_answer is not None:
                            on_answer(i, answers[i])
        return [answers[i] for i in range(len(asks))]

    def generate(self, asks: Sequence[Generate], *, on_text: OnText | None = None) -> list[Generated]:
        """Continue each chat; texts that share a beginning are written side by side."""
        prompts = [self._tokens.prompt(ask.messages) for ask in asks]
        self._check_lengths(prompts, max((ask.max_tokens for ask in asks), default=0))
        answers: dict[int, Generated] = {}
        with self._adapters.using(self._adapter) as key, self._forward.guarded():
            for group in groups(prompts):
                prefix = self._forward.prefix(key, prompts[group.members[0]][: group.prefix_tokens])
                lengths = [len(prompts[i]) - group.prefix_tokens for i in group.members]
                for part in batches(lengths, group.prefix_tokens, budget=self._batch_tokens, rows=GENERATING_ROWS):
                    positions = group.members[part]
                    decoding = Decoding(
                        tokens=self._tokens,
                        forward=self._forward,
                        asks={i: asks[i] for i in positions},
                        on_text=on_text,
                    )
                    suffixes = [prompts[i][group.prefix_tokens :] for i in positions]
                    texts = decoding.run(self._forward.read(prefix, suffixes))
                    for i, (text, finished, count) in texts.items():
                        answers[i] = Generated(
                            text=text, finished=finished, prompt_tokens=len(prompts[i]), completion_tokens=count
                        )
        return [answers[i] for i in range(len(asks))]

    def _check_lengths(self, prompts: Sequence[Sequence[int]], new_tokens: int) -> None:
        longest = max(map(len, prompts), default=0)
        if longest + new_tokens > self._forward.context_tokens:
            raise LMError(
                f"A prompt of {longest} tokens and {new_tokens} new ones don't fit the model's context of "
                f"{self._forward.context_tokens}.",
                mend="Lower WHYRANK_DOCUMENT_TOKENS, or shorten the guidelines.",
            )


def _chosen(logits: torch.Tensor, choices: dict[str, int], prompt_tokens: int) -> Chosen:
    """Logits over the vocabulary (V,) to the probabilities of the choices."""
    logits = logits.float()
    picked = logits[list(choices.values())]  # (C,)
    full = (picked - logits.logsumexp(dim=-1)).tolist()
    normalised = picked.softmax(dim=-1).tolist()
    return Chosen(
        log_probabilities=dict(zip(choices, full, strict=True)),
        probabilities=dict(zip(choices, normalised, strict=True)),
        prompt_tokens=prompt_tokens,
    )
