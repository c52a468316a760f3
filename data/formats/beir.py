"""BEIR's folder: corpus.jsonl, queries.jsonl, and labels in qrels.tsv or qrels/SPLIT.tsv."""

from dataclasses import dataclass
from pathlib import Path

from data.errors import NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class BeirFolder:
    """Where the folder's files are; `read` them with `data.formats.jsonl` and `data.formats.trec`."""

    corpus: Path
    queries: Path
    qrels: Path | None
    """qrels.tsv: labels of all queries."""
    split_qrels: dict[str, Path]
    """Name of the split -> its labels."""


def beir_folder(path: Path) -> BeirFolder:
    """The files of a BEIR folder; raises NotFoundError where corpus or queries are missing."""
    corpus, queries, qrels = path / "corpus.jsonl", path / "queries.jsonl", path / "qrels.tsv"
    for needed in (corpus, queries):
        if not needed.is_file():
            raise NotFoundError(
                f"The folder {path} has no {needed.name}.",
                mend="Give a BEIR folder (corpus.jsonl, queries.jsonl, qrels), or a .jsonl file of documents.",
            )
    return BeirFolder(
        corpus=corpus,
        queries=queries,
        qrels=qrels if qrels.is_file() else None,
        split_qrels={file.stem: file for file in sorted((path / "qrels").glob("*.tsv"))},
    )
