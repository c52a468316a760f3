"""An example as token ids: to the token what the model reads and writes when it ranks."""

from dataclasses import dataclass, replace

from data.errors import TrainingError
from engine.explanation import prompt
from engine.lm.base import Choose
from engine.lm.tokens import Tokens
from training.examples import Example


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenised:
    """One example's ids."""

    prompt_ids: tuple[int, ...]
    """The chat up to and including the assistant's beginning."""
    completion_ids: tuple[int, ...]
    """What is learnt, the end of the turn included where the example is closed."""
    grade_at: int
    """Position of the grade in `completion_ids`."""
    choice_ids: tuple[int, ...] = ()
    """The tokens of the scale's grades, rising."""
    target: float = 0.0
    """What the expected grade shall be, as a share of the best one (0 to 1)."""
    query_id: str = ""
    weight: float = 1.0
    """Of the example in a batch's loss."""

    def __len__(self) -> int:
        return len(self.prompt_ids) + len(self.completion_ids)

    def until_grade(self) -> "Tokenised":
        """The example without what follows its grade."""
        return replace(self, completion_ids=self.completion_ids[: self.grade_at + 1])


def tokenise(tokens: Tokens, example: Example, *, end_id: int) -> Tokenised:
    """Ids of an example, by the language model's own tokens. `end_id` ends a turn.

    The text is tokenised as a whole, as it stands when the model reads its own beginning back. Raises TrainingError
    for a tokenizer that joins prompt and answer, or does not keep a grade apart: it can't be asked for one either.
    """
    *turns, start = example.messages
    prompt_ids = tokens.prompt(example.messages)
    ids = tokens.prompt((*turns, replace(start, content=start.content + example.completion)))
    completion_ids = ids[len(prompt_ids) :]
    grade_at = 0 if start.content == prompt.GRADE else len(completion_ids) - 1
    grade = tokens.decode(completion_ids[grade_at : grade_at + 1])
    if ids[: len(prompt_ids)] != prompt_ids or grade != str(example.grade):
        raise TrainingError(
            "This model's tokenizer joins the grade with the text around it.",
            mend="Use a base model whose tokenizer keeps single digits apart, such as Qwen2.5.",
        )
    end = (end_id,) if example.closed else ()
    return Tokenised(
        prompt_ids=tuple(prompt_ids),
        completion_ids=(*completion_ids, *end),
        grade_at=grade_at,
        choice_ids=_choice_ids(tokens, example),
        target=example.target,
        query_id=example.query_id,
        weight=example.weight,
    )


def _choice_ids(tokens: Tokens, example: Example) -> tuple[int, ...]:
    """Tokens of the scale's grades where this example has its own."""
    *turns, start = example.messages
    before = start.content if start.content == prompt.GRADE else start.content + example.completion[:-1]
    ask = Choose(messages=(*turns, replace(start, content=before)), choices=example.choices)
    return tuple(tokens.choices(ask).values())
