"""A version as a folder that can be given away: its adapter in bfloat16, and a manifest of how it came to be."""

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from data import whole
from data.errors import ConflictError, NotFoundError
from data.records import Version
from data.settings import Settings
from data.store import Store
from data.student import MANIFEST

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
LIBRARIES = ("torch", "transformers", "trl", "peft")
_FACTS = (
    "snapshot_sha256",
    "examples",
    "by_source",
    "by_grade",
    "by_explanation",
    "dropped",
    "cut_documents",
    "evaluation_id",
)
"""What a training job's result says of its data."""


def export(
    store: Store, settings: Settings, version: Version, out: Path, *, name: str, notes: Mapping[str, Any]
) -> dict[str, Any]:
    """Write the folder, whole or not at all; returns its manifest. `notes` (sources and their terms, figures) go into
    the manifest as they are. Raises ConflictError where the folder is there, NotFoundError for a base model."""
    if version.adapter_path is None:
        raise NotFoundError(f"{version.name} has no adapter.", mend="Name a version that was trained.")
    if out.exists():
        raise ConflictError(f"{out} is there already.", mend="Name a folder that is not.")
    adapter = settings.home / version.adapter_path
    config = json.loads((adapter / CONFIG).read_text(encoding="utf-8"))
    # PEFT writes the folder the base was loaded from, which is nobody else's.
    config["base_model_name_or_path"] = Path(version.base_model).name
    tensors = {key: tensor.to(torch.bfloat16).contiguous() for key, tensor in load_file(adapter / WEIGHTS).items()}
    with whole.folder(out) as beside:
        (beside / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        save_file(tensors, beside / WEIGHTS, metadata={"format": "pt"})
        made = _manifest(store, version, name, hashlib.sha256((beside / WEIGHTS).read_bytes()).hexdigest())
        made |= notes
        (beside / MANIFEST).write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return made


def _manifest(store: Store, version: Version, name: str, adapter_sha256: str) -> dict[str, Any]:
    job = store.jobs.get(version.job_id) if version.job_id else None
    result = (job.result or {}) if job else {}
    evaluations = store.evaluations.list(version.collection_id) if version.collection_id else []
    report = next((e.report for e in evaluations if e.evaluation_id == result.get("evaluation_id")), None)
    return {
        "name": name,
        "base_model": version.base_model,
        "base_sha256": version.base_sha256,
        "adapter_sha256": adapter_sha256,
        "prompt_sha256": version.prompt_sha256,
        "scale_name": version.scale_name,
        "form": version.form,
        "trained_at": version.created_at.isoformat(timespec="seconds"),
        "config": dict(job.config) if job else None,
        "data": {key: result[key] for key in _FACTS if key in result},
        "heldout": report,
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
    }
