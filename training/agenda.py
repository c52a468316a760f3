"""What a learning-curve job has to do: the corrections of every seed, and the points with what each is trained on.

Everything that could change while the job runs (judgments, champion, index, options) is read once, at its start.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from data.errors import TrainingError
from data.records import Collection, Version
from data.settling import Pair
from engine import models
from engine.pipeline import Plan, prompt_sha256
from engine.ranking import method_named
from training import corrections, learning, loop, points, rows
from training.evaluations import stored_rankings
from training.examples import Snapshot
from training.learning import LearnConfig, Material
from training.recipes import TrainConfig
from training.work import Work

TRAINING_COST = 3
"""A training example costs about as much as so many ranked documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the job starts from."""

    work: Work
    config: LearnConfig
    collection: Collection
    champion: Version
    material: Material
    base: Path
    """Folder of the base model."""

    @property
    def plan(self) -> Plan:
        """How every point is measured."""
        return replace(
            Plan.of(self.work.workbench.settings),
            method=self.config.train.method,
            depth=self.config.train.depth,
            fusion_weight=self.config.fusion_weight,
            explain_top=0,
        )

    @property
    def documents(self) -> int:
        """Ranked to measure a point, at most."""
        return len(self.material.evaluated) * self.config.train.depth


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A point to be had."""

    count: int
    seed: int | None
    key: str
    config: TrainConfig
    made: Snapshot | None = None
    """What it is trained on; None for the champion."""

    @property
    def words(self) -> str:
        """Which point it is."""
        return "the champion" if self.made is None else f"{self.count} corrections, seed {self.seed}"

    def cost(self, measured: int) -> int:
        """In ranked documents. `measured`: documents of the held-out queries."""
        return measured + (TRAINING_COST * self.config.epochs * len(self.made.examples) if self.made else 0)


def read(work: Work, config: LearnConfig) -> Given:
    """Look at everything as it is now; raises what stands against the curve."""
    workbench, collection = work.workbench, work.collection
    champion = workbench.champion(collection)
    material = learning.material(workbench, collection, config)
    problem = learning.problem(workbench, collection, config, champion, material)
    if problem is not None:
        raise problem
    base = models.resolve(workbench.settings.model, workbench.settings.models_path)
    return Given(work=work, config=config, collection=collection, champion=champion, material=material, base=base)


def orders(given: Given) -> dict[int, list[Pair]]:
    """Seed -> its corrections, as many as are trained with it."""
    config, material = given.config, given.material
    wanted = corrections.wanted(config.counts, config.seeds, config.once_from)
    most = {seed: max(counts, default=0) for seed, counts in wanted.items()}
    found: dict[int, list[Pair]] = {}
    chosen = 0
    for seed, count in most.items():
        found[seed] = []
        order = corrections.order(
            material.to_correct, lambda query_id: _candidates(given, query_id), seed=seed, per_visit=config.per_visit
        )
        for pair in islice(order, count):
            found[seed].append(pair)
            chosen += 1
            given.work.progress(chosen / sum(most.values()))
    if not any(found.values()):
        raise TrainingError(
            f"None of the {len(material.correctable)} pairs people graded is among the first {config.pool_depth} "
            "documents of its query.",
            mend="Rank more documents for people to correct (pool_depth), or judge what the search finds.",
        )
    return found


def agenda(given: Given, orders: Mapping[int, list[Pair]]) -> list[Planned]:
    """Every point, the champion first, then the short trainings."""
    config = given.config
    wanted = corrections.wanted(config.counts, config.seeds, config.once_from)
    champion = Planned(count=0, seed=None, key=_key(given, None, None), config=config.train)
    there = {seed: len(order) for seed, order in orders.items()}
    trained = corrections.planned(wanted, there)
    return [champion, *(_planned(given, orders[seed][:count], seed) for count, seed in trained)]


def _candidates(given: Given, query_id: str) -> list[str]:
    """The query's documents to correct, as the champion ranks them."""
    (ranking,) = stored_rankings(
        given.work.workbench,
        given.collection,
        given.champion,
        [given.material.queries[query_id]],
        plan=replace(given.plan, depth=given.config.pool_depth),
        should_stop=given.work.should_stop,
    )
    ranked = sorted(ranking.documents, key=lambda document: document.rank)
    return [document.doc_id for document in ranked if _may_train(given, (query_id, document.doc_id))]


def _may_train(given: Given, pair: Pair) -> bool:
    material, config = given.material, given.config
    if pair in material.correctable:
        return True
    # Nobody explains what nobody graded.
    assumable = config.assume_unlabelled_zero and method_named(config.train.method).form != "reason-first"
    return assumable and pair not in material.seen and material.leaks.reason(*pair) is None


def _planned(given: Given, pairs: list[Pair], seed: int) -> Planned:
    material, collection = given.material, given.collection
    config = given.config.train.model_copy(update={"seed": seed})
    unlabelled = [pair for pair in pairs if pair not in material.correctable]
    known = corrections.given(material.judgments, material.assessors, pairs)
    chosen = rows.choose(
        [*known, *corrections.assumed(collection.collection_id, unlabelled, collection.scale.grades[0])],
        material.assessors,
        material.leaks,
        scale=collection.scale,
        form=method_named(config.method).form,
        teacher_limit=config.teacher_limit,
        seed=seed,
    )
    made = loop.made_snapshot(given.work, config, given.base, chosen)
    return Planned(count=len(pairs), seed=seed, key=_key(given, made, config), config=config, made=made)


def _key(given: Given, made: Snapshot | None, config: TrainConfig | None) -> str:
    settings, plan = given.work.workbench.settings, given.plan
    return points.key(
        champion=given.champion.version_id,
        base=models.base_sha256(given.base),
        lm=settings.lm_url or settings.model,
        prompt=prompt_sha256(given.collection, plan.method),
        index=given.collection.index_path,
        document_tokens=settings.document_tokens,
        measured={"method": plan.method, "depth": plan.depth, "fusion_weight": plan.fusion_weight},
        heldout=given.material.heldout_sha256,
        assumed=given.config.assume_unlabelled_zero,
        snapshot=made.sha256 if made else None,
        # What only says how it is measured stands above.
        trained=config.model_dump(mode="json", exclude={"heldout_queries", "depth"}) if config else None,
    )
