"""Leases: a pair is one assessor's at a time, over processes too."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from data.records import Status, utc_now

ROOT = Path(__file__).parents[3]
PAIRS = [(f"q{q}", f"d{d}") for q in (1, 2, 3) for d in range(1, 6)]


def wanted(places=1):
    return [(pair, places) for pair in PAIRS]


def take(filled, assessor, most=2, places=1, **more):
    collection_id = filled.collection.collection_id
    return filled.store.leases.take(collection_id, assessor.assessor_id, wanted(places), most=most, seconds=60, **more)


def test_two_are_given_different_pairs_in_the_order_of_the_queue(filled):
    assert take(filled, filled.ann) == PAIRS[:2]
    assert take(filled, filled.ben) == PAIRS[2:4]
    assert [(lease.query_id, lease.doc_id) for lease in filled.store.leases.held(filled.collection.collection_id)] == (
        PAIRS[:4]
    )


def test_what_is_left_or_too_old_is_free_again(filled):
    take(filled, filled.ann)
    assert take(filled, filled.ann, most=1, keeping=PAIRS[1:2]) == PAIRS[:1], "what was not kept is free"
    assert take(filled, filled.ben, most=1) == PAIRS[2:3]
    filled.store.leases.release(filled.collection.collection_id, filled.ann.assessor_id)
    assert take(filled, filled.ben, most=2, keeping=PAIRS[2:3]) == PAIRS[:2]
    later = utc_now() + timedelta(seconds=61)
    assert filled.store.leases.held(filled.collection.collection_id, now=later) == []
    assert take(filled, filled.ann, most=1, now=later) == PAIRS[:1]


def test_keeping_renews(filled):
    take(filled, filled.ann, most=1)
    soon, later = utc_now() + timedelta(seconds=50), utc_now() + timedelta(seconds=100)
    take(filled, filled.ann, most=0, keeping=PAIRS[:1], now=soon)
    assert take(filled, filled.ben, most=1, now=later) == PAIRS[1:2]


def test_what_people_decided_takes_a_place_and_one_s_own_answer_all(filled):
    add = filled.store.judgments.add
    add(filled.judgment("q1", "d1", assessor_id=filled.ben.assessor_id))
    add(filled.judgment("q1", "d2", assessor_id=filled.teacher.assessor_id))
    add(filled.judgment("q1", "d3", status=Status.SKIPPED, grade=None))
    add(filled.judgment("q1", "d4", status=Status.LATER, grade=None))
    assert take(filled, filled.ann, most=2) == [("q1", "d2"), ("q1", "d4")]
    filled.store.leases.release(filled.collection.collection_id, filled.ann.assessor_id)
    assert take(filled, filled.ann, most=3, places=2) == [("q1", "d1"), ("q1", "d2"), ("q1", "d4")]


def test_an_answer_that_was_taken_back_frees_the_place(filled):
    filled.store.judgments.add(filled.judgment("q1", "d1", assessor_id=filled.ben.assessor_id))
    filled.store.judgments.undo(filled.collection.collection_id, filled.ben.assessor_id)
    assert take(filled, filled.ann, most=1) == PAIRS[:1]


GRABBER = """
import json
import sys
from pathlib import Path

from pydantic import SecretStr
from data.store import Store
path, url, collection_id, name, pairs = sys.argv[1:]
with Store.open(Path(path), SecretStr(url)) as store:
    me = store.assessors.ensure(name, "human").assessor_id
    wanted = [(tuple(pair), 1) for pair in json.loads(pairs)]
    sys.stdin.readline()
    mine = []
    while got := store.leases.take(collection_id, me, wanted, most=1, seconds=60, keeping=mine):
        mine += got
    sys.stdout.write(json.dumps(mine))
"""


def test_processes_share_out_a_queue_without_meeting(filled, base):
    given = (*base.arguments, filled.collection.collection_id)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", GRABBER, *map(str, given), f"p{i}", json.dumps(PAIRS)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(3)
    ]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    everything = [tuple(pair) for process in processes for pair in json.loads(process.communicate(timeout=120)[0])]
    assert sorted(everything) == sorted(PAIRS), "each pair once, and none left out"
