"""An OpenAI-compatible server on 127.0.0.1 that answers as a ScriptedLM would, the way vLLM does; or fails as told.

Its tokens: a word with the blank before it, a digit, white space. `failures` are given first, one a request.
"""

import contextlib
import json
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from data.errors import CapabilityError
from engine.lm.base import Adapter, Choose, Generate, Message
from engine.lm.openai import OpenAILM
from engine.lm.scripted import ScriptedLM

_TOKEN = re.compile(r"\s?[^\s\d]+|\d|\s")
_EXTRAS = {
    "continue_final_message",
    "add_generation_prompt",
    "logprob_token_ids",
    "return_tokens_as_token_ids",
    "repetition_penalty",
    "top_k",
}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer to the letter. `content_length` more than the body has: the connection drops in the middle."""

    status: int = 200
    body: bytes | dict[str, Any] = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    drop: bool = False
    content_length: int | None = None
    trickles: bool = False
    """The body comes again and again until the server is closed."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request."""

    path: str
    body: dict[str, Any]
    authorization: str | None


@contextlib.contextmanager
def served(lm: ScriptedLM, *, adapters: Sequence[str] = ()) -> Iterator[OpenAILM]:
    """`lm` behind a server, as OpenAILM: the same answers by another way."""
    with ScriptedServer(lm, models=("scripted", *adapters)) as server:
        yield OpenAILM(server.url, "scripted", timeout_seconds=10.0, retries=1)


def events(*chunks: dict[str, Any]) -> bytes:
    """Server-sent events, without the closing [DONE]."""
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)


def piece(text: str, finish_reason: str | None = None) -> dict[str, Any]:
    """One event of a streamed text."""
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}]}


class ScriptedServer:
    """Use as a context manager; `url` is what OpenAILM takes."""

    def __init__(
        self,
        lm: ScriptedLM | None = None,
        *,
        models: Sequence[str] = ("scripted",),
        failures: Sequence[Reply] = (),
        always: Reply | None = None,
        api_key: str | None = None,
        tokenizes: bool = True,
        knows_extras: bool = True,
        refuses_extras: bool = False,
        trims: bool = False,
        top: dict[str, float] | None = None,
        work_seconds: float = 0.0,
    ) -> None:
        """`always`: the answer to every chat. `top`: what a server gives that knows no `logprob_token_ids`.

        `trims`: its chat template strips every turn, as Llama's does.
        """
        self.lm = lm or ScriptedLM()
        self.models = list(models)
        self.failures = list(failures)
        self.received: list[Received] = []
        self.most_at_once = 0
        self._always = always
        self._api_key = api_key
        self._tokenizes = tokenizes
        self._knows_extras = knows_extras
        self._refuses_extras = refuses_extras
        self._trims = trims
        self._top = top
        self._work_seconds = work_seconds
        self._ids: dict[str, int] = {}
        self._lock = threading.Lock()
        self._at_once = 0
        self.closing = threading.Event()
        self.left = threading.Event()
        """A client hung up while something was written to it."""

    @property
    def chats(self) -> list[dict[str, Any]]:
        """Bodies of the chat completions asked for."""
        return [received.body for received in self.received if received.path == "/v1/chat/completions"]

    def __enter__(self) -> "ScriptedServer":
        scripted = self

        class Handler(_Handler):
            server_of = scripted

        self._http = _Http(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)

    def reply(self, received: Received) -> Reply:
        """What the next request gets."""
        with self._lock:
            self.received.append(received)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            failure = self.failures.pop(0) if self.failures and received.path == "/v1/chat/completions" else None
        try:
            self.closing.wait(self._work_seconds)
            reply = failure or self._answer(received)
            self.closing.wait(reply.delay_seconds)
            return reply
        finally:
            with self._lock:
                self._at_once -= 1

    def _answer(self, received: Received) -> Reply:
        body = received.body
        if self._api_key and received.path.startswith("/v1") and received.authorization != f"Bearer {self._api_key}":
            return _error(401, f"Incorrect API key provided: {received.authorization}")
        if received.path == "/v1/models":
            return Reply(body={"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]})
        if received.path in {"/tokenize", "/detokenize"} and self._tokenizes:
            return self._tokens(received.path, body)
        if received.path != "/v1/chat/completions":
            return _error(404, "Not Found")
        return self._always or self._refusal(body) or self._chat(body)

    def _refusal(self, body: dict[str, Any]) -> Reply | None:
        if body["model"] not in self.models:
            return _error(404, f"The model `{body['model']}` does not exist.")
        if self._refuses_extras and (unknown := _EXTRAS & body.keys()):
            return _error(400, f"Unrecognized request argument supplied: {min(unknown)}")
        if body.get("continue_final_message") and body.get("add_generation_prompt", True):
            return _error(400, "Cannot set both `continue_final_message` and `add_generation_prompt` to True.")
        if body.get("top_logprobs", 0) > 20 or body["max_tokens"] < 1:
            return _error(400, "a value is out of range")
        return None

    def _tokens(self, path: str, body: dict[str, Any]) -> Reply:
        if path == "/detokenize":
            texts = {number: text for text, number in self._ids.items()}
            return Reply(body={"prompt": "".join(texts[number] for number in body["tokens"])})
        contents = [message["content"] for message in body.get("messages", ())]
        prompt = (
            body["prompt"] if "prompt" in body else "\n".join(map(str.strip, contents) if self._trims else contents)
        )
        with self._lock:
            ids = [self._ids.setdefault(text, 100 + len(self._ids)) for text in _TOKEN.findall(prompt)]
        return Reply(body={"count": len(ids), "max_model_len": 2048, "tokens": ids, "token_strs": None})

    def _chat(self, body: dict[str, Any]) -> Reply:
        messages = tuple(Message(**message) for message in body["messages"])
        name = body["model"]
        lm = self.lm if name == self.models[0] else self.lm.adapted(Adapter(name=name, path=Path()))
        try:
            return self._choice(lm, messages, body) if body.get("logprobs") else _text(lm, messages, body)
        except CapabilityError as error:
            return _error(501, str(error))

    def _choice(self, lm: ScriptedLM, messages: tuple[Message, ...], body: dict[str, Any]) -> Reply:
        wanted = body.get("logprob_token_ids") if self._knows_extras else None
        if self._top is not None or not wanted:
            logs, prompt_tokens = self._top or {}, 7
        else:
            texts = {number: text for text, number in self._ids.items()}
            answer = lm.choose([Choose(messages=messages, choices=tuple(texts[number] for number in wanted))])[0]
            prompt_tokens = answer.prompt_tokens
            named = body.get("return_tokens_as_token_ids")
            logs = {
                f"token_id:{number}" if named else texts[number]: max(answer.log_probabilities[texts[number]], -9999.0)
                for number in wanted
            }
        first = [{"token": token, "logprob": log, "bytes": None} for token, log in logs.items()]
        content = [{**first[0], "top_logprobs": first}] if first else None
        choice = {"index": 0, "message": {"role": "assistant", "content": "?"}, "finish_reason": "length"}
        logprobs = {"content": content} if content else None
        return Reply(
            body={
                "choices": [{**choice, "logprobs": logprobs}],
                "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": 1},
            }
        )


def _text(lm: ScriptedLM, messages: tuple[Message, ...], body: dict[str, Any]) -> Reply:
    ask = Generate(
        messages=messages,
        max_tokens=body["max_tokens"],
        temperature=body["temperature"],
        stop=tuple(body.get("stop", ())),
        seed=body.get("seed"),
    )
    pieces: list[str] = []
    answer = lm.generate([ask], on_text=lambda _, text: pieces.append(text))[0]
    usage = {"prompt_tokens": answer.prompt_tokens, "completion_tokens": answer.completion_tokens}
    return Reply(
        body=events(
            {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]},
            *(piece(text) for text in pieces),
            piece("", "stop" if answer.finished else "length"),
            {"choices": [], "usage": usage},
        )
        + b"data: [DONE]\n\n",
        headers={"content-type": "text/event-stream"},
    )


def _error(status: int, message: str) -> Reply:
    return Reply(status=status, body={"error": {"message": message, "type": "Error", "code": status}})


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in the middle is part of the play."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_of: ScriptedServer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers["content-length"]))))

    def _serve(self, body: dict[str, Any]) -> None:
        received = Received(path=self.path, body=body, authorization=self.headers.get("authorization"))
        reply = self.server_of.reply(received)
        if reply.drop:
            self.close_connection = True
            return
        content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        length = len(content) if reply.content_length is None else reply.content_length
        try:
            self.send_response(reply.status)
            for name, value in {"content-type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(length))
            self.end_headers()
            self.wfile.write(content)
            while reply.trickles and not self.server_of.closing.wait(0.02):
                self.wfile.write(content)
            self.close_connection = length != len(content)
        except ConnectionError:
            self.server_of.left.set()
