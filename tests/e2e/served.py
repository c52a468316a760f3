"""`whyrank app` as a person starts it: a process of its own on a scratch home, with the tiny model."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from data.settings import Settings
from data.store import Store
from tests.e2e import processes
from training.environment import variables

START_SECONDS = 90.0
STOP_SECONDS = 60.0
READY = "WhyRank is ready"


class Served:
    """The app on a home. Its output, and that of every process it starts, lies in files of the home."""

    def __init__(self, home: Path, model: Path, **given: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        # Never the database, model server or cluster that the tests' own environment may name.
        none = {"database_url": None, "lm_url": None, "ray_address": ""}
        chosen = {"home": home, "model": str(model), "port": port, "threads": 1, "explanation_tokens": 16, **none}
        self.settings = Settings(**chosen | given)
        self.url = f"http://127.0.0.1:{port}"
        self.log = home / "logs" / "e2e.log"
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start it; returns when it says that it is ready."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [str(Path(sys.executable).with_name("whyrank")), "app"]
        self._process = subprocess.Popen(
            command, env=self._environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(self._process, ready))
        self._reader.start()
        assert ready.wait(START_SECONDS) and self._process.poll() is None, self.log.read_text()

    def stop(self) -> None:
        """End it as Ctrl-C does, with everything it started."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self.wait_for_end()

    def wait_for_end(self) -> int:
        """Wait until it has ended; its exit code."""
        if self._process is None or self._reader is None:
            return 0
        code = self._process.wait(STOP_SECONDS)
        self._reader.join()
        self._process = None
        return code

    def kill_page_server(self) -> None:
        """SIGKILL the process that serves the pages. The starter, whose child it is, then ends by itself."""
        os.kill(self._one("streamlit run"), signal.SIGKILL)

    def kill_worker_and_job(self) -> tuple[int, int]:
        """SIGKILL the worker and its job's process, the worker first so that it can't react; their pids."""
        worker, job = self._one("app.cli worker"), self._one("training.process")
        os.kill(worker, signal.SIGKILL)
        os.kill(job, signal.SIGKILL)
        return worker, job

    def store(self) -> Store:
        """The store the app works on, opened beside it."""
        return Store.open(self.settings.database_path, self.settings.database_url)

    def _one(self, words: str) -> int:
        assert self._process is not None
        found = [pid for pid, line in processes.below(self._process.pid).items() if words in line]
        assert len(found) == 1, f"{words}: {found}"
        return found[0]

    def _read(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout, self.log.open("a") as log:
            for line in process.stdout:
                log.write(line)
                log.flush()
                if READY in line:
                    ready.set()
        ready.set()

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WHYRANK_")}
        return {**kept, **variables(self.settings, secrets=True)}
