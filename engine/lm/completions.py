"""What goes to and comes from `/v1/chat/completions`: bodies and their reading, without I/O.

Beyond the standard parameters, requests carry vLLM's own (`extras`), so that a served model answers as the same
model does in process. Most servers ignore parameters they don't know; for those that refuse them a body can be made
without.
"""

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from data.errors import CapabilityError, LMError
from engine.lm.base import Choose, Chosen, Generate, Message
from engine.lm.retrying import TransientError
from engine.lm.tokens import opened, turns

_SPARE = ("max_tokens", "temperature", "top_p")
"""Parameters that some models refuse: the first has a newer name, the others are the model's own affair there."""
TOP = 20
"""Most alternatives the standard lets a request ask for."""
JSON = Mapping[str, Any]

_BROKEN = (TypeError, ValueError, AttributeError, OverflowError)
"""What reading a value raises that is not what the standard says."""


def choose_body(model: str, ask: Choose, ids: Mapping[str, int] | None, *, extras: bool) -> dict[str, Any]:
    """One token with the log-probabilities of the choices, whose token ids are `ids` where known."""
    body: dict[str, Any] = {
        **_chat(model, ask.messages, extras),
        "max_tokens": 1,
        "temperature": 0.0,
        "logprobs": True,
        "top_logprobs": TOP,
    }
    if extras and ids is not None:
        body |= {"logprob_token_ids": list(ids.values()), "return_tokens_as_token_ids": True}
    return body


def generate_body(model: str, ask: Generate, *, extras: bool, without: Collection[str] = frozenset()) -> dict[str, Any]:
    """A streamed continuation, sampled from the whole distribution; `without` parameters that the model refuses."""
    body = {
        **_chat(model, ask.messages, extras),
        "max_tokens": ask.max_tokens,
        "temperature": ask.temperature,
        "top_p": 1.0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if ask.stop:
        body["stop"] = list(ask.stop)
    if ask.seed is not None:
        body["seed"] = ask.seed
    if extras:
        # vLLM takes defaults from the model's generation_config.json: Qwen's has a penalty that changes greedy texts.
        body |= {"repetition_penalty": 1.0, "top_k": -1}
    if "max_tokens" in without:
        body["max_completion_tokens"] = ask.max_tokens
    return {name: value for name, value in body.items() if name not in without}


def unsupported(what: str) -> set[str]:
    """Parameters of a text that can be done without, of those that a refusal names."""
    return {name for name in _SPARE if f"'{name}'" in what} if "unsupported" in what.lower() else set()


def _chat(model: str, messages: Sequence[Message], extras: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, "messages": turns(messages)}
    if extras and opened(messages):
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    return body


def alternatives(body: JSON) -> dict[str, float]:
    """Token, or `token_id:ID`, to log-probability at the first position of an answer; empty where it has none."""
    try:
        tokens = (body["choices"][0].get("logprobs") or {}).get("content")
        if not tokens:
            return {}
        given = [tokens[0], *(tokens[0].get("top_logprobs") or ())]
        return {str(token["token"]): float(token["logprob"]) for token in given}
    except (KeyError, IndexError, *_BROKEN) as error:
        raise TransientError("the answer has not the form of a chat completion") from error


def chosen(body: JSON, ask: Choose, ids: Mapping[str, int] | None) -> Chosen:
    """Read the answer to `choose_body`.

    Raises CapabilityError where it lacks a choice: a server may ignore `logprob_token_ids` and say nothing.
    """
    found = alternatives(body)
    logs = {choice: found.get(f"token_id:{(ids or {}).get(choice)}", found.get(choice)) for choice in ask.choices}
    known = {choice: log for choice, log in logs.items() if log is not None}
    if len(known) < len(logs):
        missing = ", ".join(choice for choice in ask.choices if choice not in known)
        raise no_labels(f"the log-probability of {missing}")
    if not all(math.isfinite(log) for log in known.values()):
        raise TransientError("the answer has log-probabilities that are not numbers")
    return Chosen(
        log_probabilities=known, probabilities=_normalised(known), prompt_tokens=_count(body.get("usage"), "prompt", 0)
    )


def no_labels(what: str) -> CapabilityError:
    """The error for a server that does not give `what`."""
    return CapabilityError(
        f"The server does not give {what}.",
        mend="Serve the model with vLLM (0.32 or newer gives the log-probabilities of named tokens), or use the model "
        "in process; a teacher needs only texts.",
    )


def _normalised(logs: Mapping[str, float]) -> dict[str, float]:
    most = max(logs.values())
    weights = {choice: math.exp(log - most) for choice, log in logs.items()}
    total = sum(weights.values())
    return {choice: weight / total for choice, weight in weights.items()}


class Stream:
    """A streamed text while it comes in; feed it lines of server-sent events."""

    def __init__(self) -> None:
        self.text = ""
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self._reason = ""

    def feed(self, line: str) -> str:
        """Take one line; return the piece of text in it, mostly "" or a token. TransientError where it is broken."""
        field, _, data = line.partition(":")
        data = data.strip()
        if field != "data" or not data or data == "[DONE]":
            return ""  # comments keep a connection alive, other fields say nothing here
        try:
            chunk = json.loads(data)
            if chunk.get("error"):
                raise TransientError(f"the server broke off: {_words(chunk['error'])}")
            self.prompt_tokens = _count(chunk.get("usage"), "prompt", self.prompt_tokens)
            self.completion_tokens = _count(chunk.get("usage"), "completion", self.completion_tokens)
            pieces = [self._take(choice) for choice in chunk.get("choices") or ()]
        except _BROKEN as error:
            raise TransientError("the stream has an event that can't be read") from error
        piece = "".join(pieces)
        self.text += piece
        return piece

    @property
    def finished(self) -> bool:
        """Whether the text ended by itself. TransientError where the stream stopped before saying why."""
        if not self._reason:
            raise TransientError("the stream ended in the middle of the text")
        if self._reason not in {"stop", "length"}:
            raise LMError(
                f"The server ended the text with {self._reason!r}.",
                mend="Look into the server's settings and log: neither a filter nor a tool should end an explanation.",
            )
        return self._reason == "stop"

    def _take(self, choice: JSON) -> str:
        self._reason = str(choice.get("finish_reason") or "") or self._reason
        return str((choice.get("delta") or {}).get("content") or "")


def _count(usage: JSON | None, what: str, otherwise: int) -> int:
    """Tokens counted by the server; 0 where it counts none."""
    try:
        return int((usage or {}).get(f"{what}_tokens") or otherwise)
    except _BROKEN as error:
        raise TransientError("the answer has a count of tokens that is not a number") from error


def error_words(body: str) -> str:
    """What an error's body says, in one short line."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return _line(body)
    if not isinstance(parsed, dict):
        return _line(body)
    return _words(parsed.get("error") or parsed.get("message") or parsed.get("detail") or parsed)


def _words(error: Any) -> str:
    return _line(str(error.get("message", error)) if isinstance(error, Mapping) else str(error))


def _line(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 300 else words[:300] + "…"


def listed_models(body: JSON) -> list[str]:
    """Names in an answer of `/v1/models`."""
    rows: Iterable[Any] = body.get("data") or ()
    return [str(row["id"]) for row in rows if isinstance(row, Mapping) and "id" in row]
