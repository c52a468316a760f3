"""A model's folder: finding it by name, checking it, and the hash of its weights."""

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data.errors import ModelError
from engine.models.packaged import BASES

MANIFEST = "whyrank-model.json"
"""What a converted folder was made from."""
_HASHES = ".weights-sha256.json"
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_HUB_FILES = ("*.safetensors", "*.safetensors.index.json", "*.json", "*.jinja", "merges.txt", "tokenizer.model")
_FETCH_MEND = "Run: whyrank model fetch"

HubSnapshot = Callable[[str, bool], Path]
"""Hub id and "only what is cached" to the folder of its files."""


def resolve(model: str, models_path: Path, *, hub: HubSnapshot | None = None) -> Path:
    """Folder of a packaged model already fetched, of a local folder, or of a hub id (downloaded where not cached).

    Raises ModelError where it is not there, can't be reached, or holds no safetensors weights.
    """
    if not _is_hub_id(model, models_path):
        return local(model, models_path)
    snapshot = hub or _hub_snapshot
    try:
        return check_folder(snapshot(model, True))
    except (OSError, ValueError, ModelError):
        pass  # not cached, or not all of it: the hub is asked
    try:
        path = snapshot(model, False)
    except (OSError, ValueError) as error:  # the hub client's errors are among them
        raise ModelError(
            f"The model {model} can't be had from the hub: {_first_line(error)}.",
            mend="Check the id and the connection, give a local folder, or use the packaged model: "
            f"WHYRANK_MODEL={next(iter(BASES))}",
        ) from error
    return check_folder(path)


def local(model: str, models_path: Path) -> Path:
    """Folder of a model that is on this machine; asks nobody. Raises ModelError with the mend where it is not."""
    if model in BASES:
        path = models_path / model
        if not path.is_dir():
            raise ModelError(f"The model {model} is not fetched yet.", mend=_FETCH_MEND)
        return check_folder(path)
    if _is_hub_id(model, models_path):
        try:
            return check_folder(_hub_snapshot(model, True))
        except (OSError, ValueError) as error:
            raise ModelError(
                f"The model {model} is not on this machine.", mend=f"{_FETCH_MEND} {model}, or give a local folder."
            ) from error
    for path in (Path(model).expanduser(), models_path / model) if model else ():
        if path.is_dir():
            return check_folder(path)
    raise ModelError(
        f"There is no model {model!r}: neither a packaged name nor a folder.",
        mend=f"Use {', '.join(sorted(BASES))}, a folder with safetensors weights, or a hub id like owner/name.",
    )


def check_folder(path: Path) -> Path:
    """The folder itself, if it holds configuration, tokenizer and all safetensors weights; ModelError otherwise."""
    if not (path / "config.json").is_file():
        raise ModelError(f"{path} has no config.json.", mend="Give a folder in the Hugging Face layout.")
    if not _weights(path):
        pickled = sorted(file.name for kind in ("*.bin", "*.pt", "*.pth", "*.ckpt") for file in path.glob(kind))
        found = f"only {pickled[0]}, which could run code when opened" if pickled else "none"
        raise ModelError(
            f"{path} has no safetensors weights ({found}).",
            mend="Use a model that comes as safetensors, or convert its weights to safetensors.",
        )
    missing = [name for name in _listed(path) if not (path / name).is_file()]
    if not any((path / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        missing.append("tokenizer.json")
    if missing:
        raise ModelError(f"{path} lacks {', '.join(missing[:3])}.", mend="Copy or fetch the whole model again.")
    return path


def base_sha256(path: Path) -> str:
    """SHA-256 of a folder's weights: of the one file, or of the list of names and hashes where there are several.

    Reading a gigabyte takes seconds, so the hash is kept beside the weights with their sizes and times.
    """
    stamp = {file.name: [file.stat().st_size, file.stat().st_mtime_ns] for file in _weights(path)}
    kept = path / _HASHES
    known = _read_json(kept)
    if known.get("files") == stamp and isinstance(known.get("sha256"), str):
        return str(known["sha256"])
    hashes = {file.name: file_sha256(file) for file in _weights(path)}
    if not hashes:
        raise ModelError(f"{path} has no safetensors weights.", mend=_FETCH_MEND)
    lines = "".join(f"{name} {value}\n" for name, value in hashes.items())
    whole = next(iter(hashes.values())) if len(hashes) == 1 else hashlib.sha256(lines.encode()).hexdigest()
    # A folder that can't be written (a shared, read-only model) is hashed each time.
    if os.access(path, os.W_OK):
        part = kept.with_name(f"{kept.name}.{os.getpid()}")
        part.write_text(json.dumps({"files": stamp, "sha256": whole}), encoding="utf-8")
        part.replace(kept)
    return whole


def listing(models_path: Path) -> list[dict[str, Any]]:
    """Packaged models, fetched or not, and other folders of models: name, path (None: not fetched), licence, bytes."""
    names = [*BASES, *sorted(p.name for p in models_path.glob("[!.]*") if p.is_dir() and p.name not in BASES)]
    found = []
    for name in names:
        path = models_path / name
        there = (path / "config.json").is_file() and bool(_weights(path))
        if there or name in BASES:
            base = BASES.get(name)
            found.append(
                {
                    "name": name,
                    "path": str(path) if there else None,
                    "packaged": base is not None,
                    "licence": base.licence if base else _read_json(path / MANIFEST).get("licence"),
                    "bytes": sum(file.stat().st_size for file in _weights(path)),
                }
            )
    return found


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_hub_id(model: str, models_path: Path) -> bool:
    here = Path(model).expanduser().exists() or (models_path / model).is_dir()
    return not here and _HUB_ID.fullmatch(model) is not None


def _hub_snapshot(model: str, cached: bool) -> Path:
    from huggingface_hub import snapshot_download

    # Files in folders below are other forms of the same weights.
    return Path(
        snapshot_download(model, allow_patterns=list(_HUB_FILES), ignore_patterns=["*/*"], local_files_only=cached)
    )


def _weights(path: Path) -> list[Path]:
    return sorted(path.glob("*.safetensors"))


def _listed(path: Path) -> list[str]:
    """Weight files the index of a model in several files names."""
    index = _read_json(path / "model.safetensors.index.json").get("weight_map")
    return sorted(set(index.values())) if isinstance(index, dict) else []


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is no file or something else in it."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
