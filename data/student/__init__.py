"""The student that comes with WhyRank: an adapter for every collection, and a manifest of how it came to be."""

import json
import shutil
from pathlib import Path
from typing import Any

from data import whole
from data.errors import ConflictError, NotFoundError
from data.records import Version
from data.store import Store

FOLDER = Path(__file__).parent
MANIFEST = "manifest.json"
FILES = ("adapter_config.json", "adapter_model.safetensors", MANIFEST)


def manifest(folder: Path = FOLDER) -> dict[str, Any] | None:
    """What is known of the student; None where none is shipped."""
    if not all((folder / name).is_file() for name in FILES):
        return None
    content: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return content


def install(store: Store, home: Path, *, folder: Path = FOLDER, by: str = "") -> Version | None:
    """The shipped student as a version of no collection, its adapter in `home`; None where none is shipped.

    It is then the champion of every collection on its base that has promoted none, which the audit log tells. `by`:
    who installs it.
    """
    known = manifest(folder)
    if known is None:
        return None
    version_id = f"student-{known['adapter_sha256'][:12]}"
    try:
        return store.versions.get(version_id)
    except NotFoundError:
        pass
    place = home / "versions" / version_id
    _copy(folder, place)
    version = Version(
        version_id=version_id,
        name=known["name"],
        base_model=known["base_model"],
        base_sha256=known["base_sha256"],
        adapter_path=str(place.relative_to(home)),
        prompt_sha256=known["prompt_sha256"],
        scale_name=known["scale_name"],
        form=known["form"],
    )
    try:
        store.versions.add(version, by=by)
    except ConflictError:
        # Another process has installed it in the meantime.
        return store.versions.get(version_id)
    return version


def _copy(folder: Path, place: Path) -> None:
    """Put the files into place whole."""
    with whole.folder(place) as beside:
        for name in FILES:
            shutil.copyfile(folder / name, beside / name)
