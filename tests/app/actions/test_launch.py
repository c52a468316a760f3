"""Starting, tending and stopping the app's two processes, with small programs in their place."""

import os
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from app.actions import holding, launch
from data.errors import ConflictError, SettingsError, WhyRankError
from data.settings import Settings

SERVER = """
import http.server, os, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/_stcore/health" else 404)
        self.end_headers()
open(sys.argv[2], "w").write(str(os.getpid()))
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""
WORKER = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[1], "a") as file:
    print(os.getpid(), child.pid, os.environ["WHYRANK_HOME"], file=file)
time.sleep(600)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return Settings(home=tmp_path / "home", port=free.getsockname()[1])


class Serving:
    """`serve` on a thread, with small programs."""

    def __init__(self, settings, tmp_path, page=SERVER, worker=WORKER):
        self.said: list[str] = []
        self.heard = threading.Condition()
        self.stop = threading.Event()
        self.error: WhyRankError | None = None
        self.starts = tmp_path / "workers"
        self.server = tmp_path / "server"
        commands = {
            "page": [sys.executable, "-c", page, str(settings.port), str(self.server)],
            "worker": [sys.executable, "-c", worker, str(self.starts)],
        }
        self.thread = threading.Thread(target=self._serve, args=(settings, commands))

    def _serve(self, settings, commands):
        try:
            launch.serve(settings, **commands, say=self._say, stop=self.stop)
        except WhyRankError as error:  # handed to the test
            self.error = error
        self._say("ended")

    def _say(self, text):
        with self.heard:
            self.said.append(text)
            self.heard.notify_all()

    def wait_for(self, words):
        with self.heard:
            assert self.heard.wait_for(lambda: any(words in text for text in self.said), timeout=30), self.said

    def workers(self):
        return [line.split() for line in self.starts.read_text().splitlines()] if self.starts.exists() else []

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(30)
        assert not self.thread.is_alive()


def alive(pid):
    """Is it running? One that has ended and only waits to be noticed by its parent is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition):
    done = threading.Event()
    for _ in range(300):
        if condition():
            return
        done.wait(0.1)
    raise AssertionError("it did not come")


def test_it_says_the_address_once_the_app_answers_and_leaves_nothing_behind(settings, tmp_path):
    with Serving(settings, tmp_path) as serving:
        serving.wait_for(f"ready: http://127.0.0.1:{settings.port}")
        wait_until(serving.workers)
        assert holding.is_held(holding.app_lock(settings))
        ((worker, grandchild, home),) = serving.workers()
        assert home == str(settings.home)
        page = serving.server.read_text()
        assert alive(worker) and alive(grandchild) and alive(page)
    assert serving.error is None
    wait_until(lambda: not (alive(worker) or alive(grandchild) or alive(page)))
    assert not holding.is_held(holding.app_lock(settings))


def test_a_worker_that_dies_is_started_again(settings, tmp_path):
    with Serving(settings, tmp_path) as serving:
        wait_until(serving.workers)
        first, left_behind, _ = serving.workers()[0]
        os.kill(int(first), signal.SIGKILL)
        serving.wait_for("The worker ended (exit code -9)")
        wait_until(lambda: len(serving.workers()) == 2)
        assert alive(serving.workers()[1][0])
        wait_until(lambda: not alive(left_behind))


def test_somebody_elses_worker_is_left_to_work(settings, tmp_path):
    with (
        holding.hold(holding.worker_lock(settings), what="", mend=""),
        Serving(settings, tmp_path) as serving,
    ):
        serving.wait_for("A worker runs on this home already")
        serving.wait_for("ready")
        assert serving.workers() == []


def test_an_app_that_does_not_start_is_an_error_that_names_its_log(settings, tmp_path):
    with Serving(settings, tmp_path, page="raise SystemExit('no such page')") as serving:
        serving.wait_for("ended")
    assert isinstance(serving.error, launch.LaunchError)
    assert "exit code 1" in serving.error.what
    assert str(settings.home / "logs" / "app.log") in serving.error.mend
    assert "no such page" in (settings.home / "logs" / "app.log").read_text()
    wait_until(lambda: not any(alive(worker) for worker, *_ in serving.workers()))


def test_a_taken_port_is_said_before_anything_starts(settings, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.port))
        taken.listen()
        with Serving(settings, tmp_path) as serving:
            serving.wait_for("ended")
    assert isinstance(serving.error, SettingsError)
    assert str(settings.port) in serving.error.what
    assert "WHYRANK_PORT" in serving.error.mend
    assert serving.workers() == []


def test_a_home_is_served_once(settings, tmp_path):
    with holding.hold(holding.app_lock(settings), what="", mend=""), Serving(settings, tmp_path) as serving:
        serving.wait_for("ended")
    assert isinstance(serving.error, ConflictError)


def test_a_lock_that_nobody_holds_is_free_and_none_is_made_by_looking(settings):
    assert not holding.is_held(holding.worker_lock(settings))
    assert not settings.home.exists()
    with holding.alone(settings), pytest.raises(ConflictError, match="app serves"), holding.alone(settings):
        pass
