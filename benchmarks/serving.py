"""Documents per second of `pointwise-score` through our client and a vLLM server, against vLLM's own offline batch.

The same prompts, the same engine options, one after the other; the first prompt warms the shared beginning up.

    WHYRANK_MODEL=... python -m benchmarks.serving [DOCUMENTS]
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from transformers import AutoTokenizer

from app.actions import serving
from benchmarks.figure import Figure, give
from data import sample
from data.scales import DEFAULT_SCALE
from data.settings import Settings
from data.store import Store
from engine.lm.base import Choose
from engine.lm.openai import OpenAILM
from engine.lm.tokens import Tokens
from engine.ranking.base import Candidate, Task
from engine.ranking.pointwise import score
from engine.serving import command, environment
from engine.serving.command import Plan

OFFLINE = Path(__file__).with_name("serving_offline.py")
CONCURRENT = 64


def main() -> None:
    """Measure and print."""
    documents = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    home = Path(tempfile.mkdtemp())
    given = Settings()
    settings = given.in_scratch(home).model_copy(update={"vllm_home": given.vllm_path.resolve(), "lm_api_key": None})
    with Store.open(settings.database_path, settings.database_url) as store:
        store.versions.ensure_base(settings.model)
        # Models are where they were; only what serving writes goes to the scratch home.
        plan = serving.plan(given.model_copy(update={"home": given.home}), store, port=8765)
    tokens = Tokens(AutoTokenizer.from_pretrained(plan.model_path, local_files_only=True))
    asks = prompts(tokens, settings.document_tokens, documents + 1)
    served = client_seconds(settings, plan, asks)
    offline = offline_seconds(settings, plan, [tokens.prompt(ask.messages) for ask in asks], home)
    note = f"{documents} documents, {plan.model}, {'GPU' if plan.gpu else 'CPU'}"
    per_second = documents / served
    give(Figure(name="served", figure=per_second, unit="documents/s", note=f"through our client; {note}", goal=""))
    give(Figure(name="offline", figure=documents / offline, unit="documents/s", note=f"vLLM's batch; {note}", goal=""))
    give(Figure(name="served_to_offline", figure=offline / served, unit="ratio", note=note, goal="at least 0.9"))


def prompts(tokens: Tokens, document_tokens: int, count: int) -> list[Choose]:
    """What the product asks of the sample's pairs, each text with a number of its own so that no two are the same."""
    pairs = sample.pairs()
    candidates = []
    for position in range(count):
        pair = pairs[position % len(pairs)]
        clipped = tokens.clip(f"{position}. {pair.document.text}", document_tokens)
        candidates.append(
            Candidate(
                doc_id=str(position), title=pair.document.title, text=clipped.text, cut=clipped.cut, rank=1, score=1.0
            )
        )
    task = Task(
        query=pairs[0].query.text,
        candidates=tuple(candidates),
        scale=DEFAULT_SCALE,
        guidelines="",
        explanation_tokens=1,
        explain_top=0,
    )
    return [ask for ask in next(score(task)) if isinstance(ask, Choose)]


def client_seconds(settings: Settings, plan: Plan, asks: list[Choose]) -> float:
    """Through `OpenAILM` and a server of its own."""
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(
        target=serving.serve,
        args=(settings, plan),
        kwargs={"say": lambda _: ready.set(), "on_progress": lambda *_: None, "stop": stop},
    )
    thread.start()
    try:
        while not ready.wait(1.0):
            if not thread.is_alive():
                raise SystemExit("vLLM did not start.")
        lm = OpenAILM(
            plan.url, plan.model, max_concurrent=CONCURRENT, timeout_seconds=600.0, tokenizer_path=plan.model_path
        )
        lm.choose(asks[:1])
        started = time.perf_counter()
        lm.choose(asks[1:])
        return time.perf_counter() - started
    finally:
        stop.set()
        thread.join()


def offline_seconds(settings: Settings, plan: Plan, ids: list[list[int]], folder: Path) -> float:
    """By `vllm.LLM.generate`, with the same options."""
    options = {"model": str(plan.model_path), "max_model_len": plan.max_length, "enable_prefix_caching": True}
    options |= {"enable_lora": True, "max_loras": plan.slots + (0 if plan.gpu else 1), "max_lora_rank": plan.rank}
    if not plan.gpu:
        options |= {"dtype": "float32", "block_size": 32, "enforce_eager": True}
    file = folder / "offline.json"
    file.write_text(json.dumps({"options": options, "prompts": ids}), encoding="utf-8")
    said = subprocess.run(
        [str(environment.python(settings.vllm_path)), str(OFFLINE), str(file)],
        env=command.variables(plan, api_key=None, base=os.environ),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return float(said.rpartition("seconds ")[2].split()[0])


if __name__ == "__main__":
    main()
