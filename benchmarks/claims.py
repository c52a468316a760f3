"""The documents the benchmarks rank: SciFact where it lies beside the project, else the bundled sample, said so."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data import sample
from data.formats.jsonl import read_documents, read_queries
from data.records import Document, Query
from data.scales import TREC_DL
from engine.explanation import prompt
from engine.lm.base import Choose
from engine.ranking.base import Clip

SCIFACT = Path(__file__).parents[2] / "shared" / "datasets" / "scifact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """A corpus and its queries."""

    name: str
    documents: Sequence[Document]
    queries: Sequence[Query]


def load() -> Claims:
    """SciFact, or the sample collection where SciFact is not there."""
    folder, name = (SCIFACT, "scifact") if SCIFACT.is_dir() else (sample.FOLDER, "sample (scifact is not here)")
    return Claims(
        name=name,
        documents=read_documents(folder / "corpus.jsonl"),
        queries=read_queries(folder / "queries.jsonl"),
    )


def prompts(query: Query, documents: Sequence[Document], clip: Clip, document_tokens: int) -> list[Choose]:
    """The product's own requests for a query's documents."""
    system = prompt.system_text(TREC_DL, "", "verdict-first")
    return [
        Choose(
            messages=prompt.answered(
                prompt.messages(
                    system=system, query=query.text, title=d.title, text=clip(d.text, document_tokens).text
                ),
                prompt.GRADE,
            ),
            choices=TREC_DL.choices,
        )
        for d in documents
    ]
