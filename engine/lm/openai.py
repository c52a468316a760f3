"""A language model behind an OpenAI-compatible server: vLLM first, others as far as they can.

What a server other than vLLM may not do, and what happens then:
- continue an assistant's turn: one that ignores `continue_final_message` begins a new answer instead; its texts may
  repeat the beginning, and its label probabilities are those of an answer's first token;
- log-probabilities of named tokens: the 20 likeliest are looked through, and CapabilityError where a choice is not
  among them;
- `/tokenize`: documents are clipped by four characters a token, and choices can't be checked to be single tokens.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from transformers import AutoTokenizer

from data.errors import LMError, ModelError
from engine.lm.base import Adapter, Choose, Chosen, Clipped, Generate, Generated, OnChosen, OnText
from engine.lm.calling import Call, Facts, drawn, together, until_it_raises
from engine.lm.completions import (
    Stream,
    alternatives,
    choose_body,
    chosen,
    generate_body,
    listed_models,
    no_labels,
)
from engine.lm.retrying import Retrying, Sleep
from engine.lm.served_tokens import ServedTokens, clip_by_characters
from engine.lm.server import RefusedError, Server
from engine.lm.tokens import Tokens

_MEND = "See whether the server runs and is reachable ({variables}_URL), and look into its log; then try again."
_FOR_ALL = {401, 402, 403, 404}
"""Refusals that the next request would meet too: of the key, the account, the address or the model."""
_LOGPROBS = "log-probabilities"
_T = TypeVar("_T")
OnEach = Callable[[Generate, Generated | LMError], None]
"""Called with a request, and its answer or why it has none."""


def _ignore() -> None:
    """Nobody counts."""


def _never() -> bool:
    """Nobody stops it."""
    return False


class OpenAILM:
    """Keeps the promises of `engine.lm.base.LM`. Each call runs its own event loop in the calling thread."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        max_concurrent: int = 8,
        timeout_seconds: float = 60.0,
        retries: int = 4,
        tokenizer_path: Path | None = None,
        sleep: Sleep = asyncio.sleep,
        variables: str = "WHYRANK_LM",
    ) -> None:
        """`url` up to and with `/v1`; `max_concurrent` requests at once per call.

        `timeout_seconds` is the longest silence, not the longest answer. `tokenizer_path`: the folder of the model's
        tokenizer, which spares asking the server; `sleep` waits between attempts; `variables`: how the settings begin
        that errors shall name.
        """
        self._server = Server(
            url, api_key=api_key, timeout_seconds=timeout_seconds, connections=max_concurrent, variables=variables
        )
        self._model = model
        self._max_concurrent = max_concurrent
        self._retrying = Retrying(retries=retries, sleep=sleep, mend=_MEND.format(variables=variables))
        self._tokens = _tokens(tokenizer_path) if tokenizer_path is not None else None
        self._served_tokens = ServedTokens(model)
        self._facts = Facts()
        self._adapter: Adapter | None = None
        self._adapter_served = False

    @property
    def name(self) -> str:
        """The server's model, the adapter where there is one, and the server's host."""
        return f"{self._model}+{self._adapter.name}@{self._server.host}" if self._adapter else self._base_name

    @property
    def _base_name(self) -> str:
        return f"{self._model}@{self._server.host}"

    def adapted(self, adapter: Adapter | None) -> "OpenAILM":
        """A view that asks for `adapter.name`; LMError at its first use where the server does not list that."""
        view = object.__new__(OpenAILM)
        view.__dict__.update(self.__dict__)
        view._adapter, view._adapter_served = adapter, False
        return view

    def choose(self, asks: Sequence[Choose], *, on_answer: OnChosen | None = None) -> list[Chosen]:
        """Answer each request by one token's log-probabilities."""
        for ask in asks:
            if not ask.choices or len(set(ask.choices)) != len(ask.choices):
                raise ValueError(f"Choices must be given and differ: {ask.choices}")

        tell = until_it_raises(on_answer) if on_answer is not None else None

        async def one(call: Call, position: int) -> Chosen:
            answer = await self._choose(call, asks[position])
            if tell is not None:
                tell(position, answer)
            return answer

        async def work(call: Call) -> list[Chosen]:
            # A server that can't do this is asked once, not as often as there are requests.
            first = [await one(call, 0)] if self._facts.labels is None else []
            return first + await together(one(call, position) for position in range(len(first), len(asks)))

        return self._run(work) if asks else []

    def generate(self, asks: Sequence[Generate], *, on_text: OnText | None = None) -> list[Generated]:
        """Continue each chat; texts are written side by side."""

        tell = until_it_raises(on_text) if on_text is not None else None

        async def work(call: Call) -> list[Generated]:
            return await together(self._generate(call, ask, _Listening(i, tell)) for i, ask in enumerate(asks))

        return self._run(work) if asks else []

    def each(
        self,
        asks: Iterator[Generate],
        *,
        on_answer: OnEach,
        on_request: Callable[[], None] = _ignore,
        should_stop: Callable[[], bool] = _never,
    ) -> None:
        """Continue chats that are drawn from `asks` when there is room for another, until none is left.

        What fails for one request only is given to `on_answer` in its answer's place; what would fail for all of them
        (the key, the model, a server that does not answer any more) is raised. `on_request` is called before every
        attempt; an LMError it raises is that request's failure. Told to stop, it draws no more, gives what is under way
        a few seconds, and returns.
        """
        tell = until_it_raises(on_answer)

        async def one(call: Call, ask: Generate) -> None:
            try:
                answer = await self._generate(call, ask, _Listening(0, None), on_request)
            except LMError as error:
                if call.given_up or (isinstance(error, RefusedError) and _for_all(error.status)):
                    raise
                tell(ask, error)
            else:
                tell(ask, answer)

        async def work(call: Call) -> None:
            async def each_of(source: Iterator[Generate], workers: int) -> None:
                await drawn(source, lambda ask: one(call, ask), workers=workers, should_stop=should_stop)

            # A server that refuses them all is asked once.
            await each_of(islice(asks, 1), 1)
            await each_of(asks, self._max_concurrent)

        self._run(work)

    def clip(self, text: str, max_tokens: int) -> Clipped:
        """Cut `text` at a word end.

        By the tokenizer of `tokenizer_path`, else by the server's (`/tokenize`), else by four characters a token.
        """
        if self._tokens is not None:
            return self._tokens.clip(text, max_tokens)
        clipped = None
        if self._facts.tokenizes is not False:
            clipped = self._run(lambda call: self._served_tokens.clip(call, text, max_tokens))
        return clipped or clip_by_characters(text, max_tokens)

    def _run(self, work: Callable[[Call], Awaitable[_T]]) -> _T:
        async def call() -> _T:
            async with self._server.connect() as connection:
                call = Call(connection, facts=self._facts, retrying=self._retrying, slots=self._max_concurrent)
                await self._check_adapter(call)
                return await work(call)

        return asyncio.run(call())

    async def _check_adapter(self, call: Call) -> None:
        """Some servers answer with what they have, whatever model is asked for."""
        if self._adapter is None or self._adapter_served:
            return
        listed = listed_models(await call.ask(f"{self._server.api}/models"))
        if self._adapter.name not in listed:
            raise LMError(
                f"{self._server.host} does not serve the adapter {self._adapter.name}; only {', '.join(listed[:10])}.",
                mend=f"Load it: vllm serve … --enable-lora --lora-modules {self._adapter.name}={self._adapter.path}",
            )
        self._adapter_served = True

    async def _choose(self, call: Call, ask: Choose) -> Chosen:
        if self._facts.labels is False:
            raise no_labels(_LOGPROBS)
        await self._served_tokens.check_opened(call, ask)
        ids = self._tokens.choices(ask) if self._tokens else await self._served_tokens.choices(call, ask)

        async def send(body: dict[str, Any]) -> Chosen:
            answer = await call.connection.ask(self._completions, body)
            self._facts.labels = bool(alternatives(answer))
            if not self._facts.labels:
                raise no_labels(_LOGPROBS)
            return chosen(answer, ask, ids)

        try:
            return await call.with_extras(lambda extras: choose_body(self._asked_model, ask, ids, extras=extras), send)
        except RefusedError as error:
            if "logprobs" not in error.what:
                raise
            self._facts.labels = False
            raise no_labels(_LOGPROBS) from error

    async def _generate(
        self, call: Call, ask: Generate, listening: "_Listening", on_request: Callable[[], None] = _ignore
    ) -> Generated:
        async def send(body: dict[str, Any]) -> Generated:
            on_request()
            stream = Stream()
            async with aclosing(call.connection.lines(self._completions, body)) as lines:
                async for line in lines:
                    if stream.feed(line):
                        listening.hear(stream.text)
            return listening.heard(stream)

        return await call.with_extras(lambda extras: generate_body(self._asked_model, ask, extras=extras), send)

    @property
    def _asked_model(self) -> str:
        return self._adapter.name if self._adapter else self._model

    @property
    def _completions(self) -> str:
        return f"{self._server.api}/chat/completions"


class _Listening:
    """Passes a text on piece by piece, over attempts: what was passed on once must come again, and is not repeated."""

    def __init__(self, position: int, on_text: OnText | None) -> None:
        self._position = position
        self._on_text = on_text
        self._given = ""

    def hear(self, text: str) -> None:
        """The text so far."""
        if self._on_text is None:
            return
        if not text.startswith(self._given) and not self._given.startswith(text):
            self._differs()
        piece = text[len(self._given) :]
        if piece:
            self._given = text
            self._on_text(self._position, piece)

    def heard(self, stream: Stream) -> Generated:
        """The whole text."""
        finished = stream.finished
        if self._on_text is not None and stream.text != self._given:
            self._differs()
        return Generated(
            text=stream.text,
            finished=finished,
            prompt_tokens=stream.prompt_tokens,
            completion_tokens=stream.completion_tokens,
        )

    def _differs(self) -> None:
        raise LMError(
            "The server broke off a text that was being shown, and wrote another one when asked again.",
            mend="Ask again; a temperature of 0 or a seed makes texts repeatable.",
        )


def _for_all(status: int) -> bool:
    """Would every other request be refused too?"""
    return status in _FOR_ALL or 300 <= status < 400


def _tokens(path: Path) -> Tokens:
    try:
        return Tokens(AutoTokenizer.from_pretrained(path, local_files_only=True))
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"There is no tokenizer in {path}: {str(error).splitlines()[0]}",
            mend="Give the folder with the model's tokenizer.json and tokenizer_config.json.",
        ) from error
