"""PEFT adapters on one shared base: read when first used, switched per pass, the least recently used given up."""

import json
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from data.errors import IncompatibleVersionError, ModelError
from engine.lm.base import Adapter

KEPT = 4
"""Adapters held in memory at once; each is some tens of megabytes."""
BASE = ""
"""Key of the base without an adapter."""
_PREFIX = "base_model.model."
_MEND = "Train the version again, or restore the folder from a backup."
_OTHER_BASE_MEND = "Use the base it was trained on (WHYRANK_MODEL), or train a version on this base."


class Adapters:
    """The adapters of one model. `using` serialises its passes: the weights can carry one adapter at a time."""

    def __init__(self, model: Any) -> None:  # a transformers model; PEFT changes it in place
        self._model = model
        self._peft: Any = None
        self._loaded: OrderedDict[str, str] = OrderedDict()
        self._count = 0
        self._lock = threading.RLock()

    @contextmanager
    def using(self, adapter: Adapter | None) -> Iterator[str]:
        """Switch the adapter on for the block and yield a key that tells it from all others."""
        with self._lock:
            if adapter is None:
                if self._peft is None:
                    yield BASE
                else:
                    with self._peft.disable_adapter():
                        yield BASE
            else:
                key = self._ready(adapter)
                self._peft.set_adapter(self._loaded[key])
                yield key

    def check(self, adapter: Adapter) -> None:
        """As `check_fits`, against this model."""
        modules = dict(self._model.named_modules())

        def shape(path: str) -> Sequence[int] | None:
            module = modules.get(path)
            weight = getattr(getattr(module, "base_layer", module), "weight", None)
            return None if weight is None else tuple(weight.shape)

        check_fits(adapter, shape)

    def _ready(self, adapter: Adapter) -> str:
        weights = _weights(adapter.path)
        # A folder that was written anew is another adapter.
        key = f"{adapter.path.resolve()}@{weights.stat().st_mtime_ns}"
        if key in self._loaded:
            self._loaded.move_to_end(key)
            return key
        self.check(adapter)
        while len(self._loaded) >= KEPT:
            _, name = self._loaded.popitem(last=False)
            self._peft.delete_adapter(name)
        # PEFT uses names as module names, where a dot has a meaning.
        self._count += 1
        name = f"a{self._count}"
        self._read(adapter, name)
        self._loaded[key] = name
        return key

    def _read(self, adapter: Adapter, name: str) -> None:
        from peft import PeftModel

        try:
            with warnings.catch_warnings():
                # PEFT asks transformers by a name that is on its way out.
                warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
                if self._peft is None:
                    self._peft = PeftModel.from_pretrained(self._model, adapter.path, adapter_name=name).eval()
                else:
                    self._peft.load_adapter(adapter.path, adapter_name=name)
        except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
            raise ModelError(
                f"The adapter in {adapter.path} can't be loaded: {str(error).splitlines()[0]}", mend=_MEND
            ) from error


def check_fits(adapter: Adapter, shape_of: Callable[[str], Sequence[int] | None]) -> None:
    """Raise ModelError where the folder holds no LoRA adapter, IncompatibleVersionError where it is not for a base
    whose linear layers have the shapes (out, in) that `shape_of` gives by their names; None: no such layer."""
    kind = _config(adapter.path).get("peft_type")
    if kind != "LORA":
        raise ModelError(f"The adapter in {adapter.path} is of the kind {kind}, not LORA.", mend=_MEND)
    for name, shape in _shapes(adapter.path).items():
        if not name.endswith((".lora_A.weight", ".lora_B.weight")):
            continue
        path, matrix, _ = name.removeprefix(_PREFIX).rsplit(".", 2)
        weight = shape_of(path)
        # A takes what the layer takes, B gives what it gives.
        fits = weight is not None and (shape[1] == weight[1] if matrix == "lora_A" else shape[0] == weight[0])
        if not fits:
            raise IncompatibleVersionError(
                f"The adapter in {adapter.path} was trained on another base model: {path} does not fit.",
                mend=_OTHER_BASE_MEND,
            )


def rank(adapter: Adapter) -> int:
    """The largest rank of the adapter's matrices. Raises ModelError where its configuration does not say."""
    config = _config(adapter.path)
    try:
        return max(int(config["r"]), *(int(r) for r in (config.get("rank_pattern") or {}).values()), 0)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"The adapter in {adapter.path} has no rank in its configuration.", mend=_MEND) from error


def _weights(path: Path) -> Path:
    weights = path / "adapter_model.safetensors"
    if not weights.is_file():
        raise ModelError(f"There is no adapter in {path}.", mend=_MEND)
    return weights


def _config(path: Path) -> dict[str, Any]:
    _weights(path)
    try:
        config = json.loads((path / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"The adapter in {path} has no readable adapter_config.json.", mend=_MEND) from error
    return config if isinstance(config, dict) else {}


def _shapes(path: Path) -> dict[str, list[int]]:
    try:
        with safe_open(_weights(path), framework="pt") as file:
            return {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The weights of the adapter in {path} are damaged.", mend=_MEND) from error
