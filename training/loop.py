"""The training job: snapshot of the judgments, the recipe's stages, a new version, its evaluation.

Every step leaves its result on disk before the next begins, so that a job whose process died goes on where it was,
with the judgments, prompt and parent it began with.
"""

import gc
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from data import sample, whole
from data.errors import TrainingError
from data.records import Version
from engine import models
from engine.explanation.prompt import template_sha256
from engine.lm.tokens import Tokens
from engine.pipeline import Plan, check_version, prompt_sha256
from engine.ranking import method_named
from training import checkpoints, gate, jobs, launch, replay, versions
from training.evaluations import evaluable, evaluate_version
from training.examples import Example, Snapshot, read_jsonl, snapshot
from training.folders import write_json
from training.recipes import Stage, StageSetup, TrainConfig, TrainingOutcome, recipe_named
from training.rows import Chosen
from training.wording import drawn
from training.work import Work

CHOSEN = 0.02
TRAINED = 0.7
"""Where the job's progress stands when the examples are chosen, and when the training is done."""
_OUTCOME = "outcome.json"


def run(work: Work) -> Mapping[str, Any]:
    """A `training.jobs.Runner`. The result names the version, what it learnt from, and the gate's verdict."""
    config = TrainConfig(**work.job.config)
    if work.workbench.settings.threads:
        torch.set_num_threads(work.workbench.settings.threads)
    work.stage("choosing examples", 0.0, CHOSEN)
    base = models.resolve(work.workbench.settings.model, work.workbench.settings.models_path)
    _, queries = evaluable(work.workbench, work.collection, limit=config.heldout_queries, seed=config.seed)
    if queries:  # the evaluation retrieves: hours of training before it must not be for nothing
        work.workbench.check_index(work.collection)
    facts = _frozen(work, config, base)
    version = _known_version(work)
    if version is None:
        version = _trained(work, config, base, facts)
    versions.challenge(work.workbench.store, work.collection, version)
    return {
        "version_id": version.version_id,
        "version": version.name,
        **facts,
        "stages": told(work.folder / "stages", config),
        **_evaluated(work, config, version),
    }


def _frozen(work: Work, config: TrainConfig, base: Path) -> dict[str, Any]:
    """Write the job's snapshot, or find it written; its facts."""
    path = work.folder / "snapshot.json"
    if path.exists():
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if facts["base_model"] != work.workbench.settings.model:
            raise TrainingError(
                f"The job began on the base {facts['base_model']}; {work.workbench.settings.model} is in use now.",
                mend=f"Start the worker with WHYRANK_MODEL={facts['base_model']}, or submit a new job.",
            )
        return facts
    found = jobs.preview(work.workbench, work.collection, config)
    if found.problem is not None:
        raise found.problem
    made = made_snapshot(work, config, base, found.chosen)
    (work.folder / "snapshot.jsonl").write_text(made.to_jsonl(), encoding="utf-8")
    parent = work.workbench.champion(work.collection) if config.start_from == "champion" else None
    if parent is not None:
        check_version(parent, work.collection, config.method)
    facts = {
        "snapshot_sha256": made.sha256,
        "examples": len(made.examples),
        "by_source": made.chosen.by_source,
        "by_grade": {str(grade): count for grade, count in made.chosen.by_grade.items()},
        "by_explanation": made.chosen.by_explanation,
        "dropped": dict(made.chosen.dropped),
        "replayed": made.replayed,
        "cut_documents": made.cut,
        "base_model": work.workbench.settings.model,
        "prompt_sha256": pinned_prompt_sha256(work, config),
        "parent_id": parent.version_id if parent else None,
    }
    write_json(path, facts)
    return facts


def pinned_prompt_sha256(work: Work, config: TrainConfig) -> str:
    """What the version is pinned to: the whole prompt, or for a general version what no collection changes of it."""
    if config.general:
        return template_sha256(method_named(config.method).form)
    return prompt_sha256(work.collection, config.method)


def pinned_scale_name(work: Work, config: TrainConfig) -> str | None:
    """The scale the version is pinned to; none for a general version."""
    return None if config.general else work.collection.scale.name


def made_snapshot(work: Work, config: TrainConfig, base: Path, chosen: Chosen) -> Snapshot:
    """The chosen rows as the model reads them, and what is replayed."""
    store, collection = work.workbench.store, work.collection
    queries = {query.query_id: query for query in store.collections.queries(collection.collection_id)}
    form = method_named(config.method).form
    clip = Tokens(AutoTokenizer.from_pretrained(base, local_files_only=True)).clip
    document_tokens = work.workbench.settings.document_tokens
    pairs = replay.draw(
        sample.pairs() if config.replay_share else [],
        replay.wanted(len(chosen.rows), config.replay_share),
        other_queries=[query.text for query in queries.values()],
        seed=config.seed,
    )
    return snapshot(
        chosen,
        collection=collection,
        queries=queries,
        documents=store.collections.documents_by_id(
            collection.collection_id, sorted({row.doc_id for row in chosen.rows})
        ),
        form=form,
        clip=clip,
        document_tokens=document_tokens,
        wordings=drawn(collection, config.seed) if config.general else None,
        replay=replay.examples(pairs, form=form, clip=clip, document_tokens=document_tokens),
    )


def _known_version(work: Work) -> Version | None:
    """The job's version, if its process died after the training."""
    found = work.workbench.store.versions.list(work.job.collection_id)
    return next((version for version in found if version.job_id == work.job.job_id), None)


def _trained(work: Work, config: TrainConfig, base: Path, facts: Mapping[str, Any]) -> Version:
    settings, store = work.workbench.settings, work.workbench.store
    examples = read_jsonl((work.folder / "snapshot.jsonl").read_text(encoding="utf-8"))
    parent = store.versions.get(facts["parent_id"]) if facts["parent_id"] else None
    work.stage("training", CHOSEN, TRAINED)
    start = settings.home / parent.adapter_path if parent and parent.adapter_path else None
    adapter, _ = train_stages(work, config, examples, base=base, parent=start, folder=work.folder / "stages")
    version = Version(
        version_id=work.job.job_id,
        name=work.job.job_id,
        base_model=settings.model,
        base_sha256=models.base_sha256(base),
        adapter_path=str((settings.versions_path / work.job.job_id).relative_to(settings.home)),
        prompt_sha256=facts["prompt_sha256"],
        scale_name=pinned_scale_name(work, config),
        form=config.method,
        parent_id=facts["parent_id"],
        job_id=work.job.job_id,
    )
    _keep(adapter, settings.versions_path / work.job.job_id)
    return versions.add(store, work.collection, version)


def train_stages(
    work: Work,
    config: TrainConfig,
    examples: tuple[Example, ...],
    *,
    base: Path,
    parent: Path | None,
    folder: Path,
    before: int = 0,
) -> tuple[Path, int]:
    """Run the recipe's stages inside the work's stage, those that are done already not again; the last one's adapter
    (in `folder`) and the steps of all. `before`: steps the job's curve has already."""
    adapter, steps = parent, 0
    stages = _places(folder, config)
    for number, (stage, place) in enumerate(stages):
        if len(stages) > 1:
            work.detail(f"{stage.name}, {number + 1} of {len(stages)}")
        setup = StageSetup(
            base=base,
            parent=adapter,
            checkpoints=place / "checkpoints",
            out=place / "adapter",
            device=work.workbench.settings.device,
        )
        part = (number / len(stages), 1 / len(stages))
        steps += _stage(work, stage, examples, setup, config, before + steps, part).steps
        adapter = setup.out
    if adapter is None:
        raise TrainingError("The recipe has no stage that trains.", mend="Choose another recipe.")
    return adapter, steps


def _places(folder: Path, config: TrainConfig) -> list[tuple[Stage, Path]]:
    """The recipe's stages, each with its folder."""
    stages = recipe_named(config.recipe).stages
    return [(stage, folder / f"{number}-{stage.name}") for number, stage in enumerate(stages, start=1)]


def told(folder: Path, config: TrainConfig) -> list[dict[str, Any]]:
    """What every stage came to."""
    found = []
    for stage, place in _places(folder, config):
        outcome = json.loads((place / _OUTCOME).read_text(encoding="utf-8"))
        figures = outcome.pop("figures", {})
        found.append({"name": stage.name, **outcome, **figures})
    return found


def _stage(
    work: Work,
    stage: Stage,
    examples: tuple[Example, ...],
    setup: StageSetup,
    config: TrainConfig,
    before: int,
    part: tuple[float, float],
) -> TrainingOutcome:
    """Run a stage, or find it done. `before`: steps of the stages before it; `part`: where it begins in the training,
    and its share of it."""
    done = setup.out.with_name(_OUTCOME)
    if done.exists():
        return TrainingOutcome(**json.loads(done.read_text(encoding="utf-8")))
    reached = before + checkpoints.step_of(checkpoints.newest(setup.checkpoints))
    work.workbench.store.jobs.truncate_metrics(work.job.job_id, after_step=reached)

    def on_metrics(step: int, of: int, figures: Mapping[str, float]) -> None:
        work.record(before + step, figures)
        start, share = part
        work.progress(start + share * step / of)

    outcome = launch.train(stage, examples, setup, config, on_metrics=on_metrics, should_stop=work.should_stop)
    write_json(done, asdict(outcome))
    gc.collect()  # the trainer and its model hang on reference cycles; the evaluation loads the base again
    return outcome


def _evaluated(work: Work, config: TrainConfig, version: Version) -> dict[str, Any]:
    """Evaluate the version, or find it evaluated; the gate's verdict for the job's result."""
    workbench, collection = work.workbench, work.collection
    _, queries = evaluable(workbench, collection, limit=config.heldout_queries, seed=config.seed)
    if not queries:
        return {"evaluation_id": None, "promote": False, "refusals": ["No held-out query has people's labels."]}
    stored = workbench.store.evaluations.list(collection.collection_id)
    record = next((record for record in stored if record.job_id == work.job.job_id), None)
    if record is None:
        work.stage("evaluating", TRAINED, 1.0)
        record = evaluate_version(
            workbench,
            collection,
            version,
            plan=replace(Plan.of(workbench.settings), method=config.method, depth=config.depth),
            limit=config.heldout_queries,
            seed=config.seed,
            on_progress=lambda _, done, total: work.progress(done / (total or 1)),
            should_stop=work.should_stop,
            job_id=work.job.job_id,
        )
    verdict = gate.verdict(record.report)
    return {
        "evaluation_id": record.evaluation_id,
        "promote": verdict.promote,
        "refusals": list(verdict.refusals),
    }


def _keep(adapter: Path, place: Path) -> None:
    """Copy an adapter to where versions are kept; whole or not at all."""
    with whole.folder(place) as beside:
        shutil.copytree(adapter, beside, dirs_exist_ok=True)
