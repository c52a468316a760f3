"""The learning-curve job: retrain the champion with more and more corrections, and measure every time.

Nothing of it becomes a version: an adapter is thrown away once it is measured. What was measured is kept point by
point (`training.points`), so a job whose process died, and a later curve with more points, go on from there.
"""

import gc
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch

from data.records import AssessorKind, Ranking, Version
from engine.evaluation import PRIMARY, evaluate
from engine.pipeline import Listener
from training import agenda, curve, learning, loop, points
from training.agenda import Given, Planned
from training.corrections import ASSUMED
from training.curve import Point
from training.evaluations import stored_rankings
from training.examples import Snapshot
from training.folders import curve_path, write_json
from training.learning import LearnConfig
from training.stopping import Stopped
from training.work import Work

CHOSEN = 0.1
"""Where the job's progress stands when the corrections are chosen."""
log = logging.getLogger(__name__)


def run(work: Work) -> Mapping[str, Any]:
    """A `training.jobs.Runner`. The result is the curve, as `training.folders.curve_path` has it while the job runs."""
    config = LearnConfig(**work.job.config)
    if work.workbench.settings.threads:
        torch.set_num_threads(work.workbench.settings.threads)
    work.stage("choosing corrections", 0.0, CHOSEN)
    given = agenda.read(work, config)
    orders = agenda.orders(given)
    planned = agenda.agenda(given, orders)
    whole = sum(point.cost(given.documents) for point in planned)
    drawn = _Drawn(given, there=max(len(order) for order in orders.values()))
    done = 0
    for point in planned:
        start, done = done, done + point.cost(given.documents)
        drawn.have(point, _part(start / whole), _part(done / whole))
        drawn.tell(whole=False)
    return drawn.tell(whole=True)


def _part(done: float) -> float:
    """The job's progress when so much of the points is done."""
    return CHOSEN + (1 - CHOSEN) * done


@dataclass(slots=True)
class _Drawn:
    """The curve as far as it is."""

    given: Given
    there: int
    """Corrections there are, up to as many as were asked for."""
    found: list[Point] = field(default_factory=list)
    steps: int = 0

    def have(self, point: Planned, start: float, end: float) -> None:
        """Find the point, or make it. It takes the job's progress from `start` to `end`."""
        work, heldout = self.given.work, self.given.material.heldout_sha256
        known = points.read(work.workbench.settings, heldout, point.key)
        if known is not None:
            log.info("Point %s: measured before.", point.words)
            work.stage(f"{point.words}: measured before", end, end)
        else:
            if point.made is None:
                work.stage(f"measuring {point.words}", start, end)
                began = time.monotonic()
                known = _measured(self.given, point, _champion(self.given), began)
            else:
                known = self._retrained(point, point.made, start, end)
            points.write(work.workbench.settings, heldout, point.key, known)
            shutil.rmtree(work.folder / "stages" / point.key, ignore_errors=True)
        self.found.append(known)
        self.steps += known.steps

    def tell(self, *, whole: bool) -> dict[str, Any]:
        """Write the curve as far as it is."""
        given = self.given
        work, material = given.work, given.material
        told = {
            "points": [point.to_json() for point in self.found],
            "levels": [asdict(level) for level in curve.levels(self.found)],
            "bm25": self.found[0].bm25,
            "champion": given.champion.name,
            "champion_version_id": given.champion.version_id,
            "base_model": work.workbench.settings.model,
            "labels": material.heldout.words,
            "heldout_sha256": material.heldout_sha256,
            "heldout_queries": len(material.evaluated),
            "correctable": len(material.correctable),
            "correctable_queries": len(material.to_correct),
            "there": self.there,
            "looks": points.looks(work.workbench.settings, material.heldout_sha256),
            "warnings": list(
                learning.warnings(work.workbench, given.collection, given.config, given.champion, material)
            ),
            "whole": whole,
        }
        write_json(curve_path(work.workbench.settings, work.job.job_id), told)
        return told

    def _retrained(self, point: Planned, made: Snapshot, start: float, end: float) -> Point:
        """Train and measure."""
        given, work = self.given, self.given.work
        settings = work.workbench.settings
        trained = start + (end - start) * (1 - given.documents / point.cost(given.documents))
        work.stage(f"training with {point.words}", start, trained)
        parent = given.champion.adapter_path if point.config.start_from == "champion" else None
        began = time.monotonic()
        work.workbench.unload()  # the training has a base model of its own
        adapter, steps = loop.train_stages(
            work,
            point.config,
            made.examples,
            base=given.base,
            parent=settings.home / parent if parent else None,
            folder=work.folder / "stages" / point.key,
            before=self.steps,
        )
        gc.collect()
        seconds = time.monotonic() - began
        work.stage(f"measuring {point.words}", trained, end)
        version = Version(
            version_id=f"point-{point.key[:12]}",
            name=point.words,
            base_model=settings.model,
            adapter_path=str(adapter.resolve().relative_to(settings.home.resolve())),
            prompt_sha256=loop.pinned_prompt_sha256(work, point.config),
            scale_name=loop.pinned_scale_name(work, point.config),
            form=point.config.method,
        )
        began = time.monotonic()
        measured = _measured(given, point, _rankings(given, version), began)
        return replace(measured, steps=steps, train_seconds=seconds)


def _champion(given: Given) -> list[Ranking]:
    """The champion's rankings of the held-out queries."""
    return stored_rankings(
        given.work.workbench,
        given.collection,
        given.champion,
        given.material.evaluated,
        plan=given.plan,
        on_progress=lambda _, done, total: given.work.progress(done / (total or 1)),
        should_stop=given.work.should_stop,
    )


def _rankings(given: Given, version: Version) -> list[Ranking]:
    """A point's rankings of the held-out queries. It is not a stored version, and nor are they stored."""
    done = 0

    def scored(*_: object) -> None:
        nonlocal done
        if given.work.should_stop():
            raise Stopped
        done += 1
        given.work.progress(done / given.documents)

    pipeline = given.work.workbench.pipeline(given.collection, version)
    return pipeline.rank(given.material.evaluated, given.plan, listener=Listener(on_scored=scored))


def _measured(given: Given, point: Planned, rankings: Sequence[Ranking], began: float) -> Point:
    held, scale = given.material.heldout, given.collection.scale
    qrels = {query.query_id: dict(held.qrels[query.query_id]) for query in given.material.evaluated}
    if given.config.assume_unlabelled_zero:
        for ranking in rankings:
            for document in ranking.documents:
                qrels[ranking.query_id].setdefault(document.doc_id, scale.grades[0])
    report = evaluate(rankings, None, qrels, scale, labels=held.words)
    chosen = point.made.chosen.rows if point.made else ()
    corrected = [row for row in chosen if row.source is AssessorKind.HUMAN]
    grades = [row.grade for row in corrected]
    return Point(
        count=point.count,
        seed=point.seed,
        per_query={query_id: values["system"] for query_id, values in report.per_query[PRIMARY].items()},
        bm25=report.measures[PRIMARY].bm25,
        kappa=report.grade_kappa,
        kappa_note=report.grade_kappa_note,
        unreadable=report.unreadable_rate,
        corrected_queries=len({row.query_id for row in corrected}),
        by_grade={str(grade): grades.count(grade) for grade in sorted(set(grades))},
        assumed=sum(row.assessor_id == ASSUMED for row in corrected),
        examples=len(point.made.examples) if point.made else 0,
        measure_seconds=time.monotonic() - began,
        snapshot_sha256=point.made.sha256 if point.made else None,
    )
