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
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from data.errors import TrainingError
from data.records import AssessorKind, Collection, Query, Ranking, Version
from engine import models
from engine.evaluation import PRIMARY, evaluate
from engine.pipeline import Listener, Plan, prompt_sha256
from engine.ranking import method_named
from training import corrections, curve, learning, loop, points, rows
from training.corrections import ASSUMED
from training.curve import Point
from training.evaluations import stored_rankings
from training.examples import Snapshot
from training.folders import curve_path, write_json
from training.learning import LearnConfig, Material
from training.recipes import TrainConfig
from training.rows import Pair
from training.stopping import Stopped
from training.work import Work

CHOSEN = 0.1
"""Where the job's progress stands when the corrections are chosen."""
TRAINING_COST = 3
"""A training example costs about as much as so many ranked documents."""
log = logging.getLogger(__name__)


def run(work: Work) -> Mapping[str, Any]:
    """A `training.jobs.Runner`. The result is the curve, as `training.folders.curve_path` has it while the job runs."""
    config = LearnConfig(**work.job.config)
    if work.workbench.settings.threads:
        torch.set_num_threads(work.workbench.settings.threads)
    return _Run(work, config).result()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A point to be had."""

    count: int
    seed: int | None
    key: str
    config: TrainConfig
    made: Snapshot | None = None
    """What it is trained on; None for the champion."""

    def cost(self, measured: int) -> int:
        """In ranked documents. `measured`: documents of the held-out queries."""
        return measured + (TRAINING_COST * self.config.epochs * len(self.made.examples) if self.made else 0)


@dataclass(slots=True)
class _Run:
    """A curve in the making. Everything that could change meanwhile is read once, at its start."""

    work: Work
    config: LearnConfig
    collection: Collection = field(init=False)
    champion: Version = field(init=False)
    material: Material = field(init=False)
    base: Path = field(init=False)
    orders: dict[int, list[Pair]] = field(default_factory=dict)
    """Seed -> its corrections."""
    found: list[Point] = field(default_factory=list)
    steps: int = 0

    def result(self) -> dict[str, Any]:
        work = self.work
        work.stage("choosing corrections", 0.0, CHOSEN)
        self.collection = work.collection
        self.champion = work.workbench.champion(self.collection)
        self.material = learning.material(work.workbench, self.collection, self.config)
        problem = learning.problem(work.workbench, self.collection, self.config, self.champion, self.material)
        if problem is not None:
            raise problem
        self.base = models.resolve(work.workbench.settings.model, work.workbench.settings.models_path)
        self._choose()
        planned = [self._champion_point(), *self._trained_points()]
        documents = len(self.material.evaluated) * self.config.train.depth
        whole = sum(point.cost(documents) for point in planned)
        done = 0
        for point in planned:
            start = CHOSEN + (1 - CHOSEN) * done / whole
            done += point.cost(documents)
            self._have(point, start, CHOSEN + (1 - CHOSEN) * done / whole, documents)
            self._tell(final=False)
        return self._tell(final=True)

    def _choose(self) -> None:
        """Every seed's corrections, as many as are trained with it."""
        wanted = corrections.wanted(self.config.counts, self.config.seeds, self.config.once_from)
        total = sum(max(counts, default=0) for counts in wanted.values())
        chosen = 0
        for seed, counts in wanted.items():
            given = corrections.order(
                self.material.to_correct, self._candidates, seed=seed, per_visit=self.config.per_visit
            )
            self.orders[seed] = []
            for pair in islice(given, max(counts, default=0)):
                self.orders[seed].append(pair)
                chosen += 1
                self.work.progress(chosen / total)
        if not any(self.orders.values()):
            raise TrainingError(
                f"None of the {len(self.material.correctable)} pairs people graded is among the first "
                f"{self.config.pool_depth} documents of its query.",
                mend="Rank more documents for people to correct (pool_depth), or judge what the search finds.",
            )

    def _candidates(self, query_id: str) -> list[str]:
        """The query's documents to correct, as the champion ranks them."""
        query = self.material.queries[query_id]
        plan = replace(self._plan(), depth=self.config.pool_depth)
        (ranking,) = stored_rankings(
            self.work.workbench,
            self.collection,
            self.champion,
            [query],
            plan=plan,
            should_stop=self.work.should_stop,
        )
        ranked = sorted(ranking.documents, key=lambda document: document.rank)
        return [document.doc_id for document in ranked if self._may_train((query_id, document.doc_id))]

    def _may_train(self, pair: Pair) -> bool:
        if pair in self.material.correctable:
            return True
        # Nobody explains what nobody graded.
        assumable = self.config.assume_unlabelled_zero and method_named(self.config.train.method).form != "reason-first"
        return assumable and pair not in self.material.seen and self.material.leaks.reason(*pair) is None

    def _champion_point(self) -> _Planned:
        return _Planned(count=0, seed=None, key=self._key(None, None), config=self.config.train)

    def _trained_points(self) -> list[_Planned]:
        wanted = corrections.wanted(self.config.counts, self.config.seeds, self.config.once_from)
        there = {seed: len(order) for seed, order in self.orders.items()}
        return [self._planned(count, seed) for count, seed in corrections.planned(wanted, there)]

    def _planned(self, count: int, seed: int) -> _Planned:
        config = self.config.train.model_copy(update={"seed": seed})
        pairs = self.orders[seed][:count]
        unlabelled = [pair for pair in pairs if pair not in self.material.correctable]
        lowest = self.collection.scale.grades[0]
        known = corrections.given(self.material.judgments, self.material.assessors, pairs)
        chosen = rows.choose(
            [*known, *corrections.assumed(self.collection.collection_id, unlabelled, lowest)],
            self.material.assessors,
            self.material.leaks,
            scale=self.collection.scale,
            form=method_named(config.method).form,
            teacher_limit=config.teacher_limit,
            seed=seed,
        )
        made = loop.made_snapshot(self.work, config, self.base, chosen)
        return _Planned(count=count, seed=seed, key=self._key(made, config), config=config, made=made)

    def _key(self, made: Snapshot | None, config: TrainConfig | None) -> str:
        settings, plan = self.work.workbench.settings, self._plan()
        measured = {"method": plan.method, "depth": plan.depth, "fusion_weight": plan.fusion_weight}
        return points.key(
            champion=self.champion.version_id,
            base=models.base_sha256(self.base),
            lm=settings.lm_url or settings.model,
            prompt=prompt_sha256(self.collection, plan.method),
            index=self.collection.index_path,
            document_tokens=settings.document_tokens,
            measured=measured,
            heldout=self.material.heldout_sha256,
            assumed=self.config.assume_unlabelled_zero,
            snapshot=made.sha256 if made else None,
            # What only says how it is measured stands above.
            trained=config.model_dump(mode="json", exclude={"heldout_queries", "depth"}) if config else None,
        )

    def _have(self, point: _Planned, start: float, end: float, documents: int) -> None:
        """Find the point, or make it."""
        words = "the champion" if point.made is None else f"{point.count} corrections, seed {point.seed}"
        known = points.read(self.work.workbench.settings, self.material.heldout_sha256, point.key)
        if known is not None:
            log.info("Point %s: measured before.", words)
            self.work.stage(f"{words}: measured before", end, end)
        elif point.made is None:
            self.work.stage(f"measuring {words}", start, end)
            known = self._measured(point, self._champion_rankings(), time.monotonic())
        else:
            known = self._retrained(point, point.made, words, (start, end), documents)
        self.found.append(known)
        self.steps += known.steps

    def _champion_rankings(self) -> list[Ranking]:
        return stored_rankings(
            self.work.workbench,
            self.collection,
            self.champion,
            self.material.evaluated,
            plan=self._plan(),
            on_progress=lambda _, done, total: self.work.progress(done / (total or 1)),
            should_stop=self.work.should_stop,
        )

    def _retrained(
        self, point: _Planned, made: Snapshot, words: str, span: tuple[float, float], documents: int
    ) -> Point:
        """Train, measure, and throw the adapter away."""
        workbench = self.work.workbench
        settings = workbench.settings
        start, end = span
        trained = start + (end - start) * (1 - documents / point.cost(documents))
        self.work.stage(f"training with {words}", start, trained)
        folder = self.work.folder / "stages" / point.key
        parent = self.champion.adapter_path if point.config.start_from == "champion" else None
        began = time.monotonic()
        workbench.unload()  # the training has a base model of its own
        adapter, steps = loop.train_stages(
            self.work,
            point.config,
            made.examples,
            base=self.base,
            parent=settings.home / parent if parent else None,
            folder=folder,
            before=self.steps,
        )
        seconds = time.monotonic() - began
        self.work.stage(f"measuring {words}", trained, end)
        version = Version(
            version_id=f"point-{point.key[:12]}",
            name=words,
            base_model=settings.model,
            adapter_path=str(adapter.resolve().relative_to(settings.home.resolve())),
            prompt_sha256=loop.pinned_prompt_sha256(self.work, point.config),
            scale_name=self.collection.scale.name,
            form=point.config.method,
        )
        began = time.monotonic()
        rankings = self._rankings(version, self.material.evaluated)
        measured = replace(self._measured(point, rankings, began, keep=False), steps=steps, train_seconds=seconds)
        points.write(settings, self.material.heldout_sha256, point.key, measured)
        shutil.rmtree(folder)
        gc.collect()
        return measured

    def _rankings(self, version: Version, queries: Sequence[Query]) -> list[Ranking]:
        """The version is not stored, and nor are its rankings."""
        done, total = 0, len(queries) * self.config.train.depth

        def scored(*_: object) -> None:
            nonlocal done
            if self.work.should_stop():
                raise Stopped
            done += 1
            self.work.progress(done / total)

        pipeline = self.work.workbench.pipeline(self.collection, version)
        return pipeline.rank(queries, self._plan(), listener=Listener(on_hits=scored, on_scored=scored))

    def _measured(self, point: _Planned, rankings: Sequence[Ranking], began: float, *, keep: bool = True) -> Point:
        held = self.material.heldout
        qrels = {query.query_id: dict(held.qrels[query.query_id]) for query in self.material.evaluated}
        if self.config.assume_unlabelled_zero:
            lowest = self.collection.scale.grades[0]
            for ranking in rankings:
                for document in ranking.documents:
                    qrels[ranking.query_id].setdefault(document.doc_id, lowest)
        report = evaluate(rankings, None, qrels, self.collection.scale, labels=held.words)
        chosen = point.made.chosen.rows if point.made else ()
        corrected = [row for row in chosen if row.source is AssessorKind.HUMAN]
        made = Point(
            count=point.count,
            seed=point.seed,
            per_query={query_id: values["system"] for query_id, values in report.per_query[PRIMARY].items()},
            bm25=report.measures[PRIMARY].bm25,
            kappa=report.grade_kappa,
            kappa_note=report.grade_kappa_note,
            unreadable=report.unreadable_rate,
            corrected_queries=len({row.query_id for row in corrected}),
            by_grade=_by_grade([row.grade for row in corrected]),
            assumed=sum(row.assessor_id == ASSUMED for row in corrected),
            examples=len(point.made.examples) if point.made else 0,
            measure_seconds=time.monotonic() - began,
            snapshot_sha256=point.made.sha256 if point.made else None,
        )
        if keep:
            points.write(self.work.workbench.settings, self.material.heldout_sha256, point.key, made)
        return made

    def _tell(self, *, final: bool) -> dict[str, Any]:
        """Write the curve as far as it is."""
        work, found = self.work, self.material
        told = {
            "points": [point.to_json() for point in self.found],
            "levels": [asdict(level) for level in curve.levels(self.found)],
            "bm25": self.found[0].bm25,
            "champion": self.champion.name,
            "champion_version_id": self.champion.version_id,
            "base_model": work.workbench.settings.model,
            "labels": found.heldout.words,
            "heldout_sha256": found.heldout_sha256,
            "heldout_queries": len(found.evaluated),
            "correctable": len(found.correctable),
            "correctable_queries": len(found.to_correct),
            "there": max(len(order) for order in self.orders.values()),
            "looks": points.looks(work.workbench.settings, found.heldout_sha256),
            "warnings": learning.warnings(work.workbench, self.collection, self.config, self.champion, found),
            "whole": final,
        }
        write_json(curve_path(work.workbench.settings, work.job.job_id), told)
        return told

    def _plan(self) -> Plan:
        plan = Plan.of(self.work.workbench.settings)
        train = self.config.train
        return replace(
            plan,
            method=train.method,
            depth=train.depth,
            fusion_weight=self.config.fusion_weight,
            explain_top=0,
        )


def _by_grade(grades: Sequence[int]) -> dict[str, int]:
    return {str(grade): grades.count(grade) for grade in sorted(set(grades))}
