"""What a person waits for: the first BM25 result, the first score, the first word of an explanation; and the memory.

Two queries in a process whose index is open: the first loads the model, the second finds it there.
"""

import resource
import tempfile
import time
from pathlib import Path

from benchmarks import claims
from benchmarks.figure import Figure, give
from data.scales import TREC_DL
from data.settings import Settings
from engine.pipeline import Listener, Plan
from engine.workbench import Workbench


def main() -> None:
    """Measure and print."""
    collection = claims.load()
    installed = Settings()
    scratch = installed.in_scratch(Path(tempfile.mkdtemp()))
    # The model stays where it was fetched; only database and index are scratch.
    model = installed.models_path / installed.model
    scratch = scratch.model_copy(update={"model": str(model)}) if model.is_dir() else scratch
    with Workbench.open(scratch) as workbench:
        started = time.perf_counter()
        stored = workbench.store.collections.add(
            name="bench", scale=TREC_DL, documents=collection.documents, queries=collection.queries
        )
        imported = time.perf_counter()
        stored = workbench.build_index(stored)
        indexed = time.perf_counter()
        count = len(collection.documents)
        note = f"{collection.name}, {count} documents, {stored.index_backend}"
        give(Figure(name="import_documents", figure=imported - started, unit="seconds", note=note))
        goal = "< 60 s (5,183 documents)"
        give(Figure(name="index_documents", figure=indexed - imported, unit="seconds", note=note, goal=goal))
        retriever = workbench.retriever(stored)
        times = []
        for query in collection.queries[:60]:
            began = time.perf_counter()
            retriever.search(query.text, 20)
            times.append(time.perf_counter() - began)
        warm = sorted(times[10:])
        give(
            Figure(
                name="warm_bm25_query",
                figure=1000 * warm[len(warm) // 2],
                unit="milliseconds",
                note=f"{note}, depth 20, median of {len(warm)}; slowest {1000 * warm[-1]:.0f} ms",
                goal="< 50 ms",
            )
        )
        for temperature, query in zip(("cold", "warm"), collection.queries[:2], strict=True):
            _first(workbench, stored.name, query, temperature)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    give(Figure(name="memory_peak", figure=peak, unit="GiB", note="this whole process, float32", goal="<= 4 GiB"))


def _first(workbench: Workbench, name: str, query: object, temperature: str) -> None:
    """Rank one query by the default method at depth 10 and report when its firsts came."""
    firsts: dict[str, float] = {}
    began = time.perf_counter()

    def came(what: str) -> None:
        firsts.setdefault(what, time.perf_counter() - began)

    collection = workbench.store.collections.get(name)
    retriever = workbench.retriever(collection)
    retriever.search(query.text, 10)
    came("bm25_result")
    pipeline = workbench.pipeline(collection, workbench.base_version())
    listener = Listener(on_scored=lambda *_: came("score"), on_text=lambda *_: came("explanation_word"))
    pipeline.rank([query], Plan.of(workbench.settings), listener=listener)
    came("whole_ranking")
    load = "; the model is loaded on the way, the index is open" if temperature == "cold" else ""
    for what, seconds in firsts.items():
        give(
            Figure(
                name=f"first_{what}_{temperature}" if what != "whole_ranking" else f"whole_ranking_{temperature}",
                figure=seconds,
                unit="seconds",
                note=f"pointwise-verdict-first, depth 20, 3 explanations, from the query on{load}",
            )
        )


if __name__ == "__main__":
    main()
