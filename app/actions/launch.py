"""Start the app and its worker, keep the worker alive, and stop both together.

Each runs in a process group of its own, so that a Ctrl-C reaches only this process, which then stops them in order;
where this process is killed, the kernel stops them (Linux).
"""

import errno
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from app.actions import children, entrance, holding
from data import disk
from data.errors import DiskError, SettingsError, WhyRankError
from data.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
"""Where `.streamlit/config.toml` lies."""
START_SECONDS = 120.0
POLL_SECONDS = 0.2
RESTARTS = 5
"""Restarts of a worker that never lived for `STEADY_SECONDS`; after these something is wrong with it."""
STEADY_SECONDS = 60.0

Say = Callable[[str], None]


class LaunchError(WhyRankError):
    """The app did not start, or ended by itself."""


def serve(settings: Settings, *, page: Sequence[str], worker: Sequence[str], say: Say, stop: threading.Event) -> None:
    """Run the commands of worker and app until `stop` is set; returns when both have ended.

    Raises SettingsError where the port is taken or others could come in without a login, DiskError where there is no
    room, ConflictError where the home is served already, LaunchError where the app doesn't answer or ends by itself.
    """
    entrance.check_address(settings, entrance.read(settings))
    if disk.is_full(settings.home):
        raise DiskError(f"The disk of {settings.home} is full.", mend="Make room there, then start again.")
    held = f"{settings.home} is served by another `whyrank app`."
    with (
        holding.hold(holding.app_lock(settings), what=held, mend="Use that one, or stop it with Ctrl-C."),
        children.ended_at_exit() as processes,
    ):
        check_port(settings.port, settings.address)
        logs = settings.home / "logs"
        tended = _Worker(command=worker, settings=settings, log=logs / "worker.log", processes=processes, say=say)
        tended.tend()
        server = _start(page, settings, logs / "app.log")
        processes.append(server)
        _wait_until_it_answers(settings, server, logs / "app.log", stop)
        if not stop.is_set():
            say(f"WhyRank is ready: {url(settings)} (Ctrl-C stops it)")
        while not stop.wait(POLL_SECONDS):
            if server.poll() is not None:
                raise LaunchError("The app ended by itself.", mend=_look_at(logs / "app.log"))
            tended.tend()


@contextmanager
def own_worker(settings: Settings) -> Iterator[None]:
    """A worker for as long as the block runs; none is started where one runs on the home already."""
    with children.ended_at_exit() as processes:
        if not holding.is_held(holding.worker_lock(settings)):
            processes.append(_start(worker_command(), settings, settings.home / "logs" / "worker.log"))
        yield


def url(settings: Settings) -> str:
    """Where this machine reaches the app."""
    host = entrance.reached_at(settings)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def check_port(
    port: int,
    address: str = entrance.LOOPBACK,
    *,
    mend: str = "Stop that, or choose another port: WHYRANK_PORT=8600 whyrank app",
) -> None:
    """Raise SettingsError where somebody listens on the port (with `mend`), or the address is not this machine's."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise SettingsError(
                    f"WhyRank can't listen on {address}, port {port}: {error.strerror or error}.",
                    mend="Set WHYRANK_ADDRESS to an address of this machine, and WHYRANK_PORT to a port above 1023.",
                ) from None
            raise SettingsError(
                f"Port {port} on {address} is taken by another program.",
                mend=mend,
            ) from None


def app_command(settings: Settings) -> list[str]:
    """The command line of the app's server. Raises SettingsError where the login is configured, but not rightly."""
    page = PROJECT / "app" / "main.py"
    options = ["--server.port", str(settings.port), "--server.headless", "true"]
    options += entrance.server_options(settings, entrance.read(settings))
    return [sys.executable, "-P", "-m", "streamlit", "run", str(page), *options]


def worker_command() -> list[str]:
    """The command line of the worker."""
    return [sys.executable, "-P", "-m", "app.cli", "worker"]


def environment(settings: Settings) -> Mapping[str, str]:
    """The environment of both, independent of the current folder, which for the app is the project's."""
    absolute = {"WHYRANK_HOME": str(settings.home.resolve()), "WHYRANK_SECRETS": str(settings.secrets.absolute())}
    if Path(settings.model).is_dir():
        absolute["WHYRANK_MODEL"] = str(Path(settings.model).resolve())
    return {**os.environ, **absolute}


class _Worker:
    """The worker's process, started anew when it dies; somebody else's worker on the same home is left to work."""

    def __init__(
        self,
        *,
        command: Sequence[str],
        settings: Settings,
        log: Path,
        processes: list[subprocess.Popen[bytes]],
        say: Say,
    ) -> None:
        self.command = command
        self.settings = settings
        self.log = log
        self.processes = processes
        self.say = say
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.tries = 0
        self.foreign = False

    def tend(self) -> None:
        """Start the worker where none lives."""
        now = time.monotonic()
        if self.process is not None:
            if self.process.poll() is None:
                return
            self.processes.remove(self.process)
            # What it leaves behind in its group would be nobody's.
            children.signal_group(self.process, signal.SIGTERM)
            self.tries = 0 if now - self.started > STEADY_SECONDS else self.tries
            self.say(f"The worker ended (exit code {self.process.returncode}).")
            self.process = None
        if self.tries > RESTARTS or now - self.started < min(2.0**self.tries - 1, 30.0):
            return
        if holding.is_held(holding.worker_lock(self.settings)):
            if not self.foreign:
                self.say("A worker runs on this home already; it is left to work.")
            self.foreign = True
            return
        self.foreign = False
        self.started = now
        self.tries += 1
        if self.tries > RESTARTS:
            self.say(f"The worker does not stay up: no training until that is mended. {_look_at(self.log)}")
            return
        self.process = _start(self.command, self.settings, self.log)
        self.processes.append(self.process)


def _start(command: Sequence[str], settings: Settings, log: Path) -> subprocess.Popen[bytes]:
    return children.start(command, variables=environment(settings), cwd=PROJECT, log=log)


def _wait_until_it_answers(
    settings: Settings, server: subprocess.Popen[bytes], log: Path, stop: threading.Event
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not stop.wait(POLL_SECONDS):
        if server.poll() is not None:
            raise LaunchError(f"The app did not start (exit code {server.returncode}).", mend=_look_at(log))
        if answers(entrance.reached_at(settings), settings.port, "/_stcore/health"):
            return
        if time.monotonic() > deadline:
            raise LaunchError(f"The app did not answer within {START_SECONDS:.0f} s.", mend=_look_at(log))


def answers(host: str, port: int, path: str) -> bool:
    """Does a server there answer this path with 200?"""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _look_at(log: Path) -> str:
    return f"Look at {log} and at `whyrank doctor`."
