"""A language model in this process, by transformers.

The beginning that a query's prompts share is computed once and its keys and values are reused for every document.
Suffixes are padded on the left, between prefix and text, so that the last position is every row's own; masked pads and
true position ids make the result that of a plain forward pass of the whole prompt.

What a prompt's document gave is kept too: the request that goes on where an earlier one ended (an explanation after
its grade) reads only the few tokens that are new.

One set of weights serves all adapters: a view made by `adapted` switches its adapter on for the length of a forward
pass. Passes are serialised by a lock; callbacks are called outside of it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from data.errors import LMError
from engine.lm import weights
from engine.lm.adapters import Adapters
from engine.lm.base import Adapter, Choose, Chosen, Clipped, Generate, Generated, OnChosen, OnText
from engine.lm.decoding import Decoding
from engine.lm.forward import Forward, Reading
from engine.lm.prefix import Group, batches, groups
from engine.lm.tokens import Tokens

CPU_PASS_TOKENS = 512
"""Tokens in one forward pass on a CPU: arithmetic is the limit there, so once a pass is large enough to be efficient,
more rows only add padding, which is wasted arithmetic."""
GENERATING_ROWS = 16
"""Texts written at once: a step reads all weights however many rows it has, so more rows are nearly free."""
GOING_ON_TOKENS = 32
"""A prompt of which all but so few tokens are known is continued from there."""


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
        place = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        if place == "cpu" and threads:
            torch.set_num_threads(threads)
        tokens, model = weights.load(path, place)
        return cls(name or path.name, tokens, Forward(model, place), Adapters(model), batch_tokens)

    @property
    def name(self) -> str:
        """The base, and the adapter where there is one."""
        return f"{self._base_name}+{self._adapter.name}" if self._adapter else self._base_name

    def adapted(self, adapter: Adapter | None) -> "LocalLM":
        """The same weights with this adapter, which is read when first used.

        Raises ModelError where there is none in its folder, IncompatibleVersionError where it is for another base.
        """
        if adapter is not None:
            self._adapters.check(adapter)
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
        for group in groups(prompts):
            shared = self._shared(prompts, group)
            lengths = [len(prompts[i]) - len(shared) for i in group.members]
            for part in batches(lengths, len(shared), budget=self._batch_tokens, fresh=pass_tokens):
                positions = group.members[part]
                suffixes = [prompts[i][len(shared) :] for i in positions]
                with self._turn() as key:
                    start = self._forward.beginning(key, shared)
                    reading = self._forward.read(start, suffixes)
                    if self._forward.on_cpu:  # a GPU reads a document faster than it copies so many small tensors
                        self._forward.keep(key, start, suffixes, reading)
                    found = {
                        i: _chosen(reading.logits[row], choices[i], len(prompts[i])) for row, i in enumerate(positions)
                    }
                answers |= found
                if on_answer is not None:
                    for i, answer in found.items():
                        on_answer(i, answer)
        return [answers[i] for i in range(len(asks))]

    def generate(self, asks: Sequence[Generate], *, on_text: OnText | None = None) -> list[Generated]:
        """Continue each chat; texts that share a beginning, or go on where an earlier request ended, are written side
        by side."""
        prompts = [self._tokens.prompt(ask.messages) for ask in asks]
        self._check_lengths(prompts, max((ask.max_tokens for ask in asks), default=0))
        answers: dict[int, Generated] = {}
        for positions, shared in self._side_by_side(prompts):
            with self._turn() as key:
                reading = self._begun(key, [prompts[i] for i in positions], shared)
            decoding = Decoding(
                tokens=self._tokens,
                forward=self._forward,
                turn=self._turn,
                asks={i: asks[i] for i in positions},
                on_text=on_text,
            )
            for i, (text, finished, count) in decoding.run(reading).items():
                answers[i] = Generated(
                    text=text, finished=finished, prompt_tokens=len(prompts[i]), completion_tokens=count
                )
        return [answers[i] for i in range(len(asks))]

    @contextmanager
    def _turn(self) -> Iterator[str]:
        """The model is this view's own, with its adapter; yields the adapter's key."""
        with self._adapters.using(self._adapter) as key, self._forward.guarded():
            yield key

    def _shared(self, prompts: Sequence[Sequence[int]], group: Group) -> Sequence[int]:
        """What a group's prompts share; for a prompt alone, what earlier ones left."""
        prompt = prompts[group.members[0]]
        if len(group.members) > 1:
            return prompt[: group.prefix_tokens]
        with self._turn() as key:
            return prompt[: self._forward.known(key, prompt[:-1])]

    def _side_by_side(self, prompts: Sequence[Sequence[int]]) -> Iterator[tuple[Sequence[int], int]]:
        """Positions of the prompts of one batch, and how many tokens they share; -1 where each goes on from a
        beginning of its own."""
        with self._turn() as key:
            known = [self._forward.known(key, prompt[:-1]) for prompt in prompts]
        going_on = [i for i, prompt in enumerate(prompts) if len(prompt) - known[i] <= GOING_ON_TOKENS]
        lengths = [len(prompts[i]) for i in going_on]
        order = sorted(range(len(going_on)), key=lambda at: lengths[at])
        for part in batches(sorted(lengths), 0, budget=self._batch_tokens, rows=GENERATING_ROWS):
            yield [going_on[at] for at in order[part]], -1
        others = [i for i in range(len(prompts)) if i not in set(going_on)]
        for group in groups([prompts[i] for i in others]):
            rest = [len(prompts[others[at]]) - group.prefix_tokens for at in group.members]
            for part in batches(rest, group.prefix_tokens, budget=self._batch_tokens, rows=GENERATING_ROWS):
                yield [others[at] for at in group.members[part]], group.prefix_tokens

    def _begun(self, key: str, prompts: Sequence[Sequence[int]], shared: int) -> Reading:
        if shared >= 0:
            start = self._forward.beginning(key, prompts[0][:shared])
            return self._forward.read(start, [prompt[shared:] for prompt in prompts])
        starts = [self._forward.beginning(key, p[: self._forward.known(key, p[:-1])]) for p in prompts]
        return self._forward.resume(
            starts, [prompt[len(start.ids) :] for prompt, start in zip(prompts, starts, strict=True)]
        )

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
