"""Hot swap: adapters go into the vLLM that `whyrank serve` runs without stopping it.

A version's adapter is loaded under a name of its own, its version id, so what runs meanwhile ends on the version it
began with, and moving the alias in the store is what makes everybody ask by the new name. Only the server of this
home is ever asked to load: on another machine the folder would be another one, or none.
"""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from data.errors import LMError
from engine.lm import adapters, weights
from engine.lm.base import Adapter
from engine.lm.calling import Call
from engine.lm.retrying import TransientError
from engine.serving import record
from engine.serving.record import Served

_RESTART = "Stop `whyrank serve` (Ctrl-C) and start it again"


class Swap:
    """Loads adapters into the server that the record in `path` tells of."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self, call: Call, adapter: Adapter) -> bool:
        """Make the server take requests for the adapter; False where the server is not one to load into.

        On a GPU the oldest adapter leaves where all slots are full; it is loaded again when it is next asked for.
        Raises ModelError where the folder holds no adapter, IncompatibleVersionError where it is for another base: vLLM
        takes a narrower one without a word. LMError where there is no slot or the server refuses.
        """
        if not self._is_ours(call):
            return False
        with ExitStack() as held:
            # Waiting for another process must not hold up the other requests of this call.
            await asyncio.to_thread(held.enter_context, record.alone(self._path))
            served = record.read(self._path)
            if served is None:
                return False
            there = loaded(await call.ask(f"{call.connection.server.api}/models"))
            if adapter.name not in there:
                await self._make_room(call, served, there, adapter)
                await self._load(call, adapter)
                record.add(self._path, served, adapter.name)
        return True

    def _is_ours(self, call: Call) -> bool:
        served = record.read(self._path)
        return served is not None and served.url.rstrip("/") == call.connection.server.api

    async def _make_room(self, call: Call, served: Served, there: list[str], adapter: Adapter) -> None:
        adapters.check_fits(adapter, weights.layers(Path(served.model_path)))
        rank = adapters.rank(adapter)
        if rank > served.rank:
            raise LMError(
                f"vLLM was started for adapters up to rank {served.rank}; {adapter.name} has {rank}.",
                mend=f"{_RESTART} with --rank {rank}.",
            )
        if not served.gpu and len(served.loaded) >= served.slots:
            # Unloading frees no slot there before the engine needs one, and it would take the one that must stay empty.
            raise LMError(
                f"vLLM has taken in {len(served.loaded)} adapters, as many as it has slots for.",
                mend=f"{_RESTART}; --slots {2 * served.slots} gives more.",
            )
        for name in there[: max(0, len(there) - served.slots + 1)]:
            await _tell(call, "unload_lora_adapter", {"lora_name": name}, f"unload the adapter {name}")

    async def _load(self, call: Call, adapter: Adapter) -> None:
        body = {"lora_name": adapter.name, "lora_path": str(adapter.path.resolve())}
        await _tell(call, "load_lora_adapter", body, f"load the adapter {adapter.name}")


async def _tell(call: Call, route: str, body: Mapping[str, str], what: str) -> None:
    """One attempt: vLLM answers 500 to an adapter that does not fit, and asking again would not help."""
    try:
        await call.connection.tell(f"{call.connection.server.api}/{route}", body)
    except TransientError as error:
        raise LMError(
            f"vLLM could not {what}: {error}",
            mend="See logs/vllm.log in WHYRANK_HOME; a version trained on another base can't be loaded.",
        ) from error
    except LMError as error:
        mend = "Adapters are loaded at run time only by a `whyrank serve` that has a key (WHYRANK_LM_API_KEY)."
        raise LMError(f"vLLM could not {what}: {error.what}", mend=mend) from error


def loaded(models: Mapping[str, Any]) -> list[str]:
    """Names of the adapters in an answer of `/v1/models`, the oldest first."""
    rows = models.get("data") or ()
    return [str(row["id"]) for row in rows if isinstance(row, Mapping) and row.get("parent") and "id" in row]
