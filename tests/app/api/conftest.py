"""A real server on a free port of 127.0.0.1, over the page tests' workbench."""

import contextlib
import io
import json
import logging
import socket
import threading

import httpx2
import pytest
import uvicorn

from app.api import access, server
from data import logs

KEY = "a-key-of-this-test-only"


class Served:
    """The service, running. `log` reads its lines; `ask` sends a request as a client would."""

    def __init__(self, workbench, *, collection=None, **changed):
        workbench.settings = workbench.settings.model_copy(update=changed)
        self.settings = workbench.settings
        config = server.config(workbench, access.read(self.settings), collection=collection)
        self.server = uvicorn.Server(config)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._lines = io.StringIO()
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self._socket]})
        self.client = httpx2.Client(base_url=self.url, timeout=30)

    def log(self, lines):
        """Its lines, once there are so many: a request's is written when it was answered."""
        wait_until(lambda: self._lines.getvalue().count("\n") >= lines)
        return [json.loads(line) for line in self._lines.getvalue().splitlines()]

    @property
    def log_text(self):
        return self._lines.getvalue()

    def __enter__(self):
        handler = logging.StreamHandler(self._lines)
        logs.set_up("json", handler)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.client.close()
        self.server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()

    def rerank(self, query="Why do my beans stay hard?", documents=("tomatoes", "a useful bean"), **asked):
        headers = asked.pop("headers", {})
        return self.client.post(
            "/v1/rerank", json={"query": query, "documents": list(documents), **asked}, headers=headers
        )

    def metric(self, name):
        """A figure of /metrics by its whole name, labels included."""
        lines = self.client.get("/metrics").text.splitlines()
        return next(float(line.rpartition(" ")[2]) for line in lines if line.rpartition(" ")[0] == name)

    def opened(self, body, length=None):
        """A connection on which a request was sent, or the beginning of one that has `length`; whoever has it may
        leave."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        head = ["POST /v1/rerank HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
        head.append(f"Content-Length: {len(body) if length is None else length}")
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        return connection


@pytest.fixture
def serve(workbench):
    """Starts services; all are stopped at the end."""
    with contextlib.ExitStack() as running:
        yield lambda **given: running.enter_context(Served(given.pop("workbench", workbench), **given))


def wait_until(condition):
    """Asks until it is so, at most half a minute."""
    done = threading.Event()
    for _ in range(1500):
        if condition():
            return
        done.wait(0.02)
    raise AssertionError("it did not come")
