"""PEFT adapters on one shared base: read when first used, switched per call, the least recently used given up."""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from data.errors import ModelError
from engine.lm.base import Adapter

KEPT = 4
"""Adapters held in memory at once; each is some tens of megabytes."""
BASE = ""
"""Key of the base without an adapter."""


class Adapters:
    """The adapters of one model. `using` serialises its calls: the weights can carry one adapter at a time."""

    def __init__(self, model: Any) -> None:  # a transformers model; PEFT changes it in place
        self._model = model
        self._peft: Any = None
        self._loaded: OrderedDict[str, str] = OrderedDict()
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

    def _ready(self, adapter: Adapter) -> str:
        key = str(adapter.path.resolve())
        if key in self._loaded:
            self._loaded.move_to_end(key)
            return key
        while len(self._loaded) >= KEPT:
            _, name = self._loaded.popitem(last=False)
            self._peft.delete_adapter(name)
        # PEFT uses names as module names, where a dot has a meaning.
        name = f"a{abs(hash(key)):x}"
        self._read(adapter, name)
        self._loaded[key] = name
        return key

    def _read(self, adapter: Adapter, name: str) -> None:
        from peft import PeftModel

        if not (adapter.path / "adapter_model.safetensors").is_file():
            raise ModelError(
                f"There is no adapter in {adapter.path}.",
                mend="Train the version again, or restore the folder from a backup.",
            )
        try:
            if self._peft is None:
                self._peft = PeftModel.from_pretrained(self._model, adapter.path, adapter_name=name).eval()
            else:
                self._peft.load_adapter(adapter.path, adapter_name=name)
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise ModelError(
                f"The adapter in {adapter.path} does not fit the base model: {str(error).splitlines()[0]}",
                mend="Use the base it was trained on (WHYRANK_MODEL), or train a version on this base.",
            ) from error
