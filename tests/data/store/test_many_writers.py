"""Many threads and processes on one database, and processes that are killed."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from data.records import Judgment

ROOT = Path(__file__).parents[3]
EVENTS = 50
LOCKS = Path("/proc/locks")

WRITER = """
import sys
from pathlib import Path
from pydantic import SecretStr
from data.records import Judgment
from data.store import Store

path, url, collection_id, assessor_id, name, events = sys.argv[1:]
with Store.open(Path(path), SecretStr(url)) as store:
    for i in range(int(events)):
        event = Judgment(
            event_id=f"{name}-{i}",
            collection_id=collection_id,
            query_id=f"q{i % 3 + 1}",
            doc_id=f"d{i % 5 + 1}",
            assessor_id=assessor_id,
            grade=i % 4,
            explanation="a reason " * 20,
        )
        store.judgments.add(event)
        sys.stdout.write(event.event_id + "\\n")
        sys.stdout.flush()
        store.judgments.add(event)
"""

OPENER = """
import sys
from pathlib import Path
from pydantic import SecretStr
from data.store import Store

with Store.open(Path(sys.argv[1]), SecretStr(sys.argv[2])) as store:
    store.versions.get("base")
"""


def start(script, *arguments):
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def writer(filled, base, name, events=EVENTS):
    return start(WRITER, *base.arguments, filled.collection.collection_id, filled.ann.assessor_id, name, events)


def stored(filled):
    return [event.event_id for event in filled.store.judgments.events(filled.collection.collection_id)]


def test_threads_and_processes_write_at_once_and_nothing_is_lost_or_doubled(filled, base):
    def write(name):
        for i in range(EVENTS):
            event = filled.judgment(f"q{i % 3 + 1}", f"d{i % 5 + 1}", event_id=f"{name}-{i}", grade=i % 4)
            filled.store.judgments.add(event)
            assert filled.store.judgments.add(event) is False
            filled.current(query_ids=["q1"])

    processes = [writer(filled, base, f"process{n}") for n in range(4)]
    threads = [f"thread{n}" for n in range(4)]
    with ThreadPoolExecutor(len(threads)) as pool:
        list(pool.map(write, threads))
    for process in processes:
        process.communicate(timeout=120)
        assert process.returncode == 0
    names = [*threads, *(f"process{n}" for n in range(4))]
    assert sorted(stored(filled)) == sorted(f"{name}-{i}" for name in names for i in range(EVENTS))


@pytest.mark.skipif(not LOCKS.exists(), reason="the kernel does not show its locks")
def test_writers_come_in_the_order_in_which_they_asked(filled, base, kind, request):
    database = filled.store._database

    def lined_up():
        if kind == "postgresql":
            waits = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            (row,) = server.execute(f"{waits} WHERE locktype = 'advisory' AND NOT granted AND datname = '{name}'")
            return row[0]
        number = f":{(base.path.parent / f'{base.path.name}-turn').stat().st_ino} "
        return sum(number in line for line in LOCKS.read_text().splitlines())

    server = request.getfixturevalue("server") if kind == "postgresql" else None
    name = base.url and sa.make_url(base.url.get_secret_value()).database

    asked = [filled.judgment(event_id=f"{i}") for i in range(6)]
    with ThreadPoolExecutor(len(asked)) as pool:
        with database.write():
            added = []
            for i, event in enumerate(asked, start=1):
                added.append(pool.submit(filled.store.judgments.add, event))
                give_up = time.monotonic() + 20
                while lined_up() < i:
                    assert time.monotonic() < give_up, f"writer {i} never lined up"
        assert all(one.result() for one in added)
    assert stored(filled) == [event.event_id for event in asked]


@pytest.mark.parametrize("attempt", range(3))
def test_what_was_acknowledged_survives_a_kill(filled, base, attempt):
    moment = random.randrange(1, 120)
    process = writer(filled, base, "killed", events=100_000)
    acknowledged = [process.stdout.readline().strip() for _ in range(moment)]
    os.kill(process.pid, signal.SIGKILL)
    rest = process.stdout.read()
    acknowledged += rest[: rest.rfind("\n") + 1].split()
    process.wait(timeout=60)
    process.stdout.close()
    found = stored(filled)
    assert found[: len(acknowledged)] == acknowledged, f"killed after {moment}"
    assert len(found) - len(acknowledged) <= 1, "at most the one whose acknowledgement was not written yet"
    assert base.place.row_counts()["judgments"] == len(found)
    assert filled.store.judgments.add(filled.judgment())


def test_a_kill_in_the_middle_of_an_import_leaves_nothing(filled, base):
    script = """
import os, sys
from pathlib import Path
from data.records import Document
from data.scales import DEFAULT_SCALE
from data.store import Store
from pydantic import SecretStr

def documents():
    for i in range(5000):
        yield Document(doc_id=str(i), text="word " * 100)
    os.kill(os.getpid(), 9)

store = Store.open(Path(sys.argv[1]), SecretStr(sys.argv[2]))
store.collections.add(name="half", scale=DEFAULT_SCALE, documents=documents())
"""
    process = start(script, *base.arguments)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert [c.name for c in filled.store.collections.list()] == ["small"]
    assert base.place.row_counts()["documents"] == 5


def test_processes_that_open_a_new_store_at_once_make_it_once(new_base):
    base = new_base(bare=True)
    processes = [start(OPENER, *base.arguments) for _ in range(4)]
    for process in processes:
        process.communicate(timeout=120)
        assert process.returncode == 0
    with base.open() as store:
        assert [version.version_id for version in store.versions.list()] == ["base"]


def test_a_fork_opens_connections_of_its_own(filled):
    filled.store.judgments.add(filled.judgment(event_id="parent"))

    def connection():
        with filled.store._database.read() as opened:
            return opened.connection.dbapi_connection

    of_parent = connection()
    assert connection() is of_parent
    child = os.fork()
    if child == 0:
        code = 1
        try:
            filled.store.judgments.add(filled.judgment("q2", event_id="child"))
            code = 2 if connection() is of_parent else 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    filled.store.judgments.add(filled.judgment("q3", event_id="after"))
    assert stored(filled) == ["parent", "child", "after"]


def test_a_reader_that_stops_half_way_holds_nothing(filled):
    filled.store.judgments.add_many([filled.judgment() for _ in range(1500)])
    events = filled.store.judgments.events(filled.collection.collection_id)
    first: Judgment = next(events)
    filled.store.collections.delete(filled.collection.collection_id)
    assert first.grade == 1
    assert len(list(events)) == 999
