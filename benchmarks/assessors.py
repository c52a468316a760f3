"""Ten people judge at once for a minute, each in a process of their own, on one SQLite file that a training writes to.

    python -m benchmarks.assessors --seconds 60 --pause 0.25

They share one queue, so that they contend for its pairs, and answer faster than people do. Some answers are taken
back, and some are sent twice, as a browser does that lost its connection.
"""

import argparse
import multiprocessing
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.actions import desk as desks
from app.actions import judge, people
from app.actions.desk import Desk
from app.actions.judge import Sent
from app.actions.queue import Choice
from benchmarks import filled_store, made_up
from benchmarks.audit import Audit, audit, decided_by_several
from benchmarks.figure import Figure, give
from benchmarks.timing import load, percentile
from data.pooling import Lease
from data.records import Collection, Job, JobMetric, JobState, new_id, utc_now
from data.settings import Settings
from data.settling import Pair
from engine.workbench import Workbench
from training.heartbeat import STALE_SECONDS, Heartbeat
from training.jobs import TRAIN

SENT_TWICE = 0.1
STEP_SECONDS, TELL_STEPS = 0.1, 5
"""A quick training: ten points of its curves a second, and its progress every half second."""
LOOK_SECONDS = 0.2


@dataclass(slots=True, kw_only=True)
class Sitting:
    """What one person sent and was told."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    saves: list[float] = field(default_factory=list)
    """Seconds from a message to its answer, the next pairs handed out on the way."""
    paints: list[float] = field(default_factory=list)
    """Seconds for what the browser paints then."""
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What came of it."""

    sittings: tuple[Sitting, ...]
    audit: Audit
    shared: frozenset[Pair]
    """Pairs that two people held, or decided on."""
    steps: int
    """Of the training."""
    steps_lost: int


def main() -> None:
    """Fill a store, let them judge, and print."""
    parser = argparse.ArgumentParser(description="Ten assessors at once on one store.")
    parser.add_argument("--home", type=Path, help="A scratch home, kept; filled unless it is.")
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument(
        "--pause", type=float, default=0.25, help="Seconds between two answers of one person, on average."
    )
    parser.add_argument("--small", action="store_true", help="600 documents and 3,000 judgments: to try this script.")
    given = parser.parse_args()
    settings = Settings().in_scratch(given.home or Path(tempfile.mkdtemp()))
    size = made_up.SMALL if given.small else made_up.Size()
    with Workbench.open(settings) as workbench:
        collection = filled_store.found_or_filled(workbench, size)
    minute = run(settings, collection, people=given.people, seconds=given.seconds, pause=given.pause)
    _print(minute, f"{given.people} processes for {given.seconds:g} s, {size.judgments:,} judgments in the store")


def run(settings: Settings, collection: Collection, *, people: int, seconds: float, pause: float) -> Minute:
    """Let so many people judge for so long beside a training, then count. Each process opens the store itself."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["app.actions.judge", "training.jobs"])
    began = utc_now()
    names = [f"Bench {began:%H%M%S} {number}" for number in range(people)]
    with ProcessPoolExecutor(people + 1, mp_context=context) as processes:
        training = processes.submit(train, settings, collection.collection_id, seconds)
        sitting = [processes.submit(sit, settings, collection.collection_id, name, seconds, pause) for name in names]
        with Workbench.open(settings) as workbench:
            held = _watch(workbench, collection.collection_id, [training, *sitting])
            sittings = tuple(future.result() for future in sitting)
            job_id, steps = training.result()
            points = workbench.store.jobs.metrics(job_id, names=["loss"])
            theirs = {a.assessor_id for a in workbench.store.assessors.list() if a.name in names}
            events = workbench.store.judgments.events(collection.collection_id)
            stored = [event for event in events if event.assessor_id in theirs]
    return Minute(
        sittings=sittings,
        audit=audit(
            [stroke for sitting in sittings for stroke in sitting.sent],
            [event_id for sitting in sittings for event_id in sitting.acknowledged],
            stored,
        ),
        shared=frozenset(held | decided_by_several(stored).keys()),
        steps=steps,
        steps_lost=steps - len(points),
    )


def sit(settings: Settings, collection_id: str, name: str, seconds: float, pause: float) -> Sitting:
    """One person at the Judge page, as its actions see it."""
    rng = random.Random(name)
    sitting = Sitting()
    with Workbench.open(settings) as workbench:
        collection = workbench.store.collections.get(collection_id)
        desk = desks.sit_down(workbench, collection, name, Choice())
        until = time.monotonic() + seconds
        while time.monotonic() < until and desk.numbered(desk.at, desk.end):
            stroke = _stroke(rng, desk, sitting)
            try:
                _send(workbench, collection, desk, stroke, sitting, rng)
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is counted and said
                sitting.errors.append(f"{type(error).__name__}: {error}")
            time.sleep(rng.expovariate(1 / pause) if pause else 0.0)
        desks.leave(workbench, desk)
    return sitting


def train(settings: Settings, collection_id: str, seconds: float) -> tuple[str, int]:
    """Write what a training writes: points of its curves, progress, heartbeats. (job_id, steps)"""
    with Workbench.open(settings) as workbench:
        jobs = workbench.store.jobs
        job = Job(job_id=new_id(), kind=TRAIN, collection_id=collection_id, config={}, created_by=filled_store.NAME)
        jobs.add(job)
        jobs.claim(job.job_id, pid=os.getpid(), now=utc_now(), stale_after_seconds=STALE_SECONDS)
        began, step = time.monotonic(), 0
        with Heartbeat(workbench.store, job.job_id) as heartbeat:
            while (past := time.monotonic() - began) < seconds:
                step += 1
                jobs.record(job.job_id, [JobMetric(step=step, name=n, value=1 / step) for n in ("loss", "rate")])
                heartbeat.progress = past / seconds
                if step % TELL_STEPS == 0:
                    heartbeat.beat()
                time.sleep(STEP_SECONDS)
        jobs.finish(job.job_id, JobState.DONE, result={}, now=utc_now())
    return job.job_id, step


def _stroke(rng: random.Random, desk: Desk, sitting: Sitting) -> dict[str, Any]:
    """What the person does next: mostly a grade of the pair they look at."""
    kinds = ("grade", "skip", "later", "cant-judge", "undo")
    kind = rng.choices(kinds, weights=(85, 4, 3, 2, 6 if _standing(sitting) else 0))[0]
    stroke: dict[str, Any] = {"seq": len(sitting.sent), "event_id": new_id(), "kind": kind, "seconds": 1.0}
    if kind == "undo":
        undone = _standing(sitting)[-1]
        return stroke | {name: undone[name] for name in ("query_id", "doc_id")} | {"undoes": undone["event_id"]}
    query_id, doc_id = desk.numbered(desk.at, desk.end)[0][1].pair
    stroke |= {"query_id": query_id, "doc_id": doc_id}
    return stroke | {"grade": rng.randrange(4)} if kind == "grade" else stroke


def _standing(sitting: Sitting) -> list[dict[str, Any]]:
    """The acknowledged strokes that could be taken back."""
    undone = {stroke["undoes"] for stroke in sitting.sent if stroke["kind"] == "undo"}
    known = set(sitting.acknowledged)
    return [s for s in sitting.sent if s["kind"] != "undo" and s["event_id"] in known and s["event_id"] not in undone]


def _send(
    workbench: Workbench,
    collection: Collection,
    desk: Desk,
    stroke: dict[str, Any],
    sitting: Sitting,
    rng: random.Random,
) -> None:
    """A message of the browser with one stroke, which goes on to the next pair."""
    onward = 0 if stroke["kind"] == "undo" else 1
    sent = Sent(desk_id=desk.desk_id, at=desk.at + onward, outbox=(stroke,))
    sitting.sent.append(stroke)
    began = time.perf_counter()
    answers = judge.take(workbench, collection, people.local(desk.assessor_name), desk, sent, {})
    saved = time.perf_counter()
    judge.data(workbench, collection, desk, sent, answers, blind=True)
    sitting.paints.append(time.perf_counter() - saved)
    sitting.saves.append(saved - began)
    if rng.random() < SENT_TWICE:
        answers |= judge.take(workbench, collection, people.local(desk.assessor_name), desk, sent, {})
    answer = answers[stroke["event_id"]]
    if answer.saved:
        sitting.acknowledged.append(answer.event_id)
    else:
        sitting.errors.append(f"{stroke['kind']}: {answer.words}")


def _watch(workbench: Workbench, collection_id: str, futures: Sequence[Future[Any]]) -> set[Pair]:
    """Look at who holds what until all are done; the pairs that two people held."""
    found: set[Pair] = set()
    while wait(futures, timeout=LOOK_SECONDS).not_done:
        found |= held_twice(workbench.store.leases.held(collection_id))
    return found


def held_twice(leases: Sequence[Lease]) -> set[Pair]:
    """Pairs that are with several people."""
    times = Counter((lease.query_id, lease.doc_id) for lease in leases)
    return {pair for pair, count in times.items() if count > 1}


def _print(minute: Minute, note: str) -> None:
    saves = [second for sitting in minute.sittings for second in sitting.saves]
    paints = [second for sitting in minute.sittings for second in sitting.paints]
    errors = [error for sitting in minute.sittings for error in sitting.errors]
    if not saves:
        raise RuntimeError("Nobody answered anything: the queue of this home is used up. Take a new home.")
    for name, values, goal in (("assessors_save", saves, "< 500 ms"), ("assessors_next_item", paints, "")):
        middle, late = (1000 * percentile(values, share) for share in (50, 99))
        words = f"{note}, {len(values)} answers; p50 {middle:.0f} ms; {load()}"
        give(Figure(name=name, figure=late, unit="milliseconds, p99", note=words, goal=goal))
    wrong = minute.audit
    counted = {
        "assessors_errors": (len(errors), f"{note}; {errors[0]}" if errors else note),
        "assessors_events_lost": (len(wrong.lost), note),
        "assessors_events_doubled": (len(wrong.doubled) + len(wrong.changed), f"{note}; every tenth is sent twice"),
        "assessors_pairs_shared": (len(minute.shared), f"{note}; held or decided on by two"),
        "assessors_training_points_lost": (minute.steps_lost, f"{note}; {minute.steps} steps of a training beside"),
    }
    for name, (count, words) in counted.items():
        give(Figure(name=name, figure=count, unit="", note=words, goal="0"))


if __name__ == "__main__":
    main()
