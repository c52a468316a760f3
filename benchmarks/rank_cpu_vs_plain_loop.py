"""Seconds per document of `pointwise-score` against the plain loop: 20 documents of one query, same process, in turn.

Each round takes another query, so nothing but what the product keeps between queries (the fixed system text) is warm.
The first round, with nothing kept, is reported apart.
"""

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import claims
from benchmarks.figure import Figure, give
from benchmarks.plain_loop import PlainLoop
from data.settings import Settings
from engine import models
from engine.lm.local import LocalLM
from engine.retrieval import memory

ROUNDS = 2
DOCUMENTS = 20


def main() -> None:
    """Measure and print."""
    settings = Settings()
    path = models.resolve(settings.model, settings.models_path)
    threads = settings.threads or 2
    collection = claims.load()
    lm = LocalLM.load(path, device="cpu", threads=threads, batch_tokens=settings.batch_tokens)
    plain = PlainLoop(path, threads)
    folder = Path(tempfile.mkdtemp())
    memory.build(collection.documents, folder)
    search = memory.Bm25sRetriever(folder)
    by_id = {document.doc_id: document for document in collection.documents}
    ratios, ours, theirs, worst = [], [], [], 0.0
    for query in collection.queries[: ROUNDS + 1]:
        documents = [by_id[hit.doc_id] for hit in search.search(query.text, DOCUMENTS)]
        asks = claims.prompts(query, documents, lm.clip, settings.document_tokens)
        started = time.perf_counter()
        mine = lm.choose(asks)
        middle = time.perf_counter()
        reference = plain.choose(asks)
        end = time.perf_counter()
        ours.append((middle - started) / len(asks))
        theirs.append((end - middle) / len(asks))
        ratios.append(theirs[-1] / ours[-1])
        for a, b in zip(mine, reference, strict=True):
            worst = max(worst, *(abs(a.probabilities[choice] - b[choice]) for choice in b))
    note = f"{collection.name}, {DOCUMENTS} documents a query, {threads} threads, float32; median of {ROUNDS} queries"
    give(
        Figure(
            name="rank_cpu_vs_plain_loop",
            figure=statistics.median(ours[1:]),
            unit="seconds per document",
            ratio=statistics.median(ratios[1:]),
            goal="ratio >= 1.3",
            note=f"{note}; plain loop {statistics.median(theirs[1:]):.2f} s",
        )
    )
    give(
        Figure(
            name="rank_cpu_vs_plain_loop_cold",
            figure=ours[0],
            unit="seconds per document",
            ratio=ratios[0],
            note=f"first query, nothing kept from before; plain loop {theirs[0]:.2f} s",
        )
    )
    give(
        Figure(
            name="rank_cpu_worst_difference",
            figure=worst,
            unit="probability",
            goal="<= 0.001",
            note="largest difference of a grade's probability between the two",
        )
    )


if __name__ == "__main__":
    main()
