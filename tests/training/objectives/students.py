"""A tiny model that knows the form of an answer already, so that what it samples can be read and rewarded."""

from dataclasses import replace

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine.lm.base import Message
from engine.lm.tokens import Tokens
from tests import tiny
from tests.training.making import example
from training.tokens import tokenise

WORDS = ("document", "answers", "because", "another")
SYSTEM = Message(role="system", content="Grade the document")


def examples(count, form="verdict-first", words=WORDS):
    """Short examples: the document's word tells the grade, and the explanation quotes it."""
    made = [
        example(i, grade=i % 4, explanation=f'It says "{words[i % 4]}" there.', text=f"{words[i % 4]} " * 3, form=form)
        for i in range(count)
    ]
    return [replace(one, messages=(SYSTEM, *one.messages[1:])) for one in made]


def undecided(given):
    """The examples, and each once more with a wrong grade and a quote that is not there: a student that learnt these
    is right half of the time."""
    count = len(WORDS)
    wrong = {grade: (grade + 1) % count for grade in range(count)}
    return [
        *given,
        *(
            replace(
                one,
                grade=wrong[one.grade],
                completion=one.completion.replace(WORDS[one.grade], WORDS[wrong[one.grade]]).replace(
                    str(one.grade), str(wrong[one.grade])
                ),
            )
            for one in given
        ),
    ]


def taught(path, given, *, steps, seed=0):
    """Write the folder of a tiny model whose every weight learnt the examples for so many steps."""
    texts = [" ".join(message.content for message in one.messages) + one.completion for one in given]
    tiny.build(path, corpus=" ".join([*texts, "Grade: Explanation: 0 1 2 3 "] * 3), seed=seed)
    tokenizer = AutoTokenizer.from_pretrained(path)
    tokens = Tokens(tokenizer)
    rows = [tokenise(tokens, one, end_id=tokenizer.eos_token_id) for one in given]
    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), tokenizer.pad_token_id)
    labels = torch.full((len(rows), longest), -100)
    for i, (one, row) in enumerate(zip(given, rows, strict=True)):
        # The answer is learnt from its first word on, the beginning that ranking gives included.
        start = len(tokens.prompt(one.messages[:-1]))
        ids[i, : len(row)] = torch.tensor(row.prompt_ids + row.completion_ids)
        labels[i, start : len(row)] = ids[i, start : len(row)]
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(steps):
        loss = model(input_ids=ids, attention_mask=(labels * 0 + 1), labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(path)
    return path
