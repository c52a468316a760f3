"""What serves the Judge page, without the page: a process that takes the browser's messages and answers them, to be
killed; and the browser that talks to it, which keeps what was not acknowledged and sends it again."""

import multiprocessing
import os
import random
import signal
from multiprocessing.connection import Connection
from typing import Any

from app.actions import desk as desks
from app.actions import judge, people
from app.actions.queue import Choice, Strategy
from data.records import new_id
from data.settings import Settings
from engine.workbench import Workbench

ANSWER_SECONDS = 120.0


def serve(connection: Connection, settings: Settings, collection_id: str, name: str) -> None:
    """Answer one message after the other, as a session of the app does."""
    with Workbench.open(settings) as workbench:
        collection = workbench.store.collections.get(collection_id)
        desk = desks.sit_down(workbench, collection, name, Choice(strategy=Strategy.RANDOM))
        while True:
            sent = judge.read(connection.recv())
            answers = judge.take(workbench, collection, people.local(desk.assessor_name), desk, sent, {})
            connection.send(judge.data(workbench, collection, desk, sent, answers, blind=True))


class PageServer:
    """The process."""

    def __init__(self, settings: Settings, collection_id: str, name: str) -> None:
        # From a process that has everything imported and no threads: fifty of them start in the time of one.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["app.actions.judge"])
        self._given = (settings, collection_id, name)

    def start(self) -> None:
        """Start it; it answers when it has opened the store."""
        self.connection, theirs = self._context.Pipe()
        self._process = self._context.Process(target=serve, args=(theirs, *self._given), daemon=True)
        self._process.start()
        theirs.close()

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()
        assert self._process.exitcode == -signal.SIGKILL, "it was alive until then"

    def answers(self) -> list[dict[str, Any]]:
        """What it had still written before it was killed."""
        found = []
        try:
            while self.connection.poll(0):
                found.append(self.connection.recv())
        except (EOFError, ConnectionResetError):
            pass
        self.connection.close()
        return found


class Browser:
    """A person's keys, each a stroke that stays in the outbox until it is acknowledged."""

    def __init__(self, server: PageServer, seed: int) -> None:
        self.sent: list[dict[str, Any]] = []
        self.acknowledged: list[str] = []
        self._server = server
        self._rng = random.Random(seed)
        self._outbox: list[dict[str, Any]] = []
        self._page: dict[str, Any] = {}

    def load(self) -> None:
        """Load the page, and send what was not acknowledged."""
        self._send(at=0)
        self.hear_next()

    def press(self) -> None:
        """Press a key, without waiting for what comes of it."""
        stroke = self._stroke()
        self.sent.append(stroke)
        self._outbox.append(stroke)
        self._send(at=self._page["at"] if stroke["kind"] == "undo" else self._next()["n"] + 1)

    def judge(self) -> None:
        """Press a key, and wait until the screen says that it is saved."""
        self.press()
        self.hear_next()

    def hear_next(self) -> None:
        """Wait until the screen says that everything is saved."""
        self.hear(self._heard())
        assert not self._outbox

    def hear(self, page: dict[str, Any]) -> None:
        """Take an answer of the server."""
        self._page = page
        for answer in page["answers"]:
            assert answer["final"] and answer["saved"], answer
            if any(stroke["event_id"] == answer["event_id"] for stroke in self._outbox):
                self.acknowledged.append(answer["event_id"])
        self._outbox = [stroke for stroke in self._outbox if stroke["event_id"] not in self.acknowledged]

    def _heard(self) -> dict[str, Any]:
        assert self._server.connection.poll(ANSWER_SECONDS), "no answer"
        return self._server.connection.recv()

    def _send(self, *, at: int) -> None:
        self._server.connection.send({"desk": self._page.get("desk", ""), "at": at, "outbox": self._outbox})

    def _next(self) -> dict[str, Any]:
        """The pair the person looks at. One they have answered is passed over: what was under way when the server was
        killed arrives after the new one has laid out the queue."""
        ahead = (item for item in self._page["items"] if item["n"] >= self._page["at"])
        return next(item for item in ahead if item["mine"] is None)

    def _stroke(self) -> dict[str, Any]:
        undoable = self._page["undoable"]
        kinds = ("grade", "skip", "later", "cant-judge", "undo")
        kind = self._rng.choices(kinds, weights=(80, 5, 5, 2, 8 if undoable else 0))[0]
        stroke: dict[str, Any] = {"seq": len(self.sent), "event_id": new_id(), "kind": kind}
        if kind == "undo":
            undone = undoable[-1]
            pair = {name: undone[name] for name in ("query_id", "doc_id")}
            return stroke | pair | {"undoes": undone["event_id"]}
        item = self._next()
        stroke |= {"query_id": item["query_id"], "doc_id": item["doc_id"]}
        return stroke | {"grade": self._rng.randrange(4)} if kind == "grade" else stroke
