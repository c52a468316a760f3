"""The yardstick: one document at a time, one forward pass of the whole prompt, logits of the last position."""

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine.lm.base import Choose


class PlainLoop:
    """transformers as a careful user would write it in ten lines, float32 on CPU."""

    def __init__(self, path: Path, threads: int) -> None:
        torch.set_num_threads(threads)
        self.tokenizer = AutoTokenizer.from_pretrained(path)
        self.model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, use_safetensors=True).eval()

    @torch.inference_mode()
    def choose(self, asks: Sequence[Choose]) -> list[dict[str, float]]:
        """Probability of each choice, normalised over the choices, for each request."""
        answers = []
        for ask in asks:
            chat = [{"role": message.role, "content": message.content} for message in ask.messages[:-1]]
            text = self.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
            ids = self.tokenizer(text + ask.messages[-1].content, return_tensors="pt", add_special_tokens=False)
            logits = self.model(**ids, logits_to_keep=1).logits[0, -1]  # (V,)
            labels = [self.tokenizer.encode(choice, add_special_tokens=False)[0] for choice in ask.choices]
            probabilities = logits[labels].softmax(dim=-1).tolist()
            answers.append(dict(zip(ask.choices, probabilities, strict=True)))
        return answers
