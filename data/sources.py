"""What a path is: a collection in one of the forms WhyRank reads, found out by its looks or named."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from data.bundle import scale_of
from data.errors import NotFoundError, SettingsError
from data.formats import beir, bright, ir_dataset, jsonl, tables, texts
from data.formats.jsonl import ReadQuery
from data.formats.rows import BadRows
from data.formats.trec import Qrel
from data.labels import LabelFiles
from data.records import Document
from data.scales import Scale

FORMATS = {
    "jsonl": "a JSONL file of documents",
    "csv": "a CSV or TSV file of documents",
    "parquet": "a Parquet file of documents",
    "beir": "a BEIR folder: corpus.jsonl, queries.jsonl, qrels",
    "bright": "a BRIGHT folder: documents and examples",
    "texts": "a folder of text and Markdown files",
}
"""Format -> what it is."""

_BY_SUFFIX = {
    ".jsonl": "jsonl",
    ".json": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}


def _no_queries(_: BadRows) -> list[ReadQuery]:
    return []


def _no_gold(_: BadRows) -> list[tuple[Path, Qrel]]:
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A collection outside of the store; what it holds is read anew with every call."""

    path: Path
    format: str
    words: str
    """What it is, for people."""
    documents: Callable[[BadRows], Iterator[Document]]
    queries: Callable[[BadRows], list[ReadQuery]] = _no_queries
    gold: Callable[[BadRows], list[tuple[Path, Qrel]]] = _no_gold
    """Labels that stand in no file of their own, each with its file."""
    graded: bool = False
    """Do those have grades? Otherwise they name relevant documents."""
    label_files: LabelFiles = LabelFiles(given=None, by_split={}, whole=None)
    scale: Scale | None = None
    """The labels' scale, where a manifest names it."""
    column_names: tuple[str, ...] = ()
    """Of a table."""
    domain: str | None = None
    """The part of the path's collections this is, where there are several."""


def source_of(
    path: Path,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    split: str | None = None,
    documents: int | None = None,
) -> Source:
    """The collection at a path, or of an id of ir_datasets (`ir_datasets:ID`), of which the first so many `documents`
    are taken. `format` is one of `FORMATS` (None: found out); `columns` names a table's columns by use; `split` a
    domain of BRIGHT. Raises NotFoundError, SettingsError, or ImportRefusedError for a table without a header."""
    if ir_dataset.is_ir_dataset(path):
        if format or columns or split:
            raise SettingsError(
                f"{path} is of ir_datasets, whose id says all of it.",
                mend="Leave format, columns and split out; the id names the split.",
            )
        return _ir_dataset(str(path).removeprefix(ir_dataset.PREFIX), documents)
    if documents is not None:
        raise SettingsError(
            "The number of documents is only for what ir_datasets fetches.", mend="Leave it out, or shorten the file."
        )
    if format is not None and format not in FORMATS:
        raise SettingsError(f"There is no format {format!r} for documents.", mend=f"Use one of: {', '.join(FORMATS)}.")
    if not path.exists():
        raise NotFoundError(f"There is no file {path}.", mend="Look at the path again.")
    found = format or (_of_folder(path) if path.is_dir() else _of_file(path))
    if path.is_dir() != (found in ("beir", "bright", "texts")):
        raise SettingsError(
            f"{path} is a {'folder' if path.is_dir() else 'file'}, which is not {FORMATS[found]}.",
            mend="Leave the format out, or name the one that fits.",
        )
    if columns and found not in ("csv", "parquet"):
        raise SettingsError(
            f"{path} is {FORMATS[found]}, which has no columns to name.", mend="Name columns of a CSV or Parquet file."
        )
    return _MAKERS[found](path, columns or {}, split)


def column_names(path: Path, format: str | None = None) -> tuple[str, ...]:
    """The columns of a table, none where the path is something else. Raises what `source_of` raises."""
    found = format or (_of_folder(path) if path.is_dir() else _of_file(path))
    return tables.column_names(path, parquet=found == "parquet") if found in ("csv", "parquet") else ()


def _of_folder(path: Path) -> str:
    if (path / "corpus.jsonl").is_file() or (path / "queries.jsonl").is_file():
        return "beir"
    if bright.is_bright(path):
        return "bright"
    if texts.text_files(path):
        return "texts"
    raise NotFoundError(
        f"The folder {path} holds no collection: neither corpus.jsonl and queries.jsonl (BEIR), nor documents and "
        "examples (BRIGHT), nor text or Markdown files.",
        mend="Give such a folder, or a single JSONL, CSV or Parquet file.",
    )


def _of_file(path: Path) -> str:
    """By the name's ending, else by the first bytes."""
    if path.suffix.lower() in _BY_SUFFIX:
        return _BY_SUFFIX[path.suffix.lower()]
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return "jsonl"
    raise SettingsError(
        f"What {path.name} is, neither its name nor its beginning tells.",
        mend="Name it, with --format jsonl, csv or parquet; a single text goes into a folder of texts.",
    )


def _jsonl(path: Path, *_: object) -> Source:
    return Source(
        path=path, format="jsonl", words=FORMATS["jsonl"], documents=lambda bad: jsonl.document_rows(path, bad)
    )


def _csv(path: Path, columns: Mapping[str, str], _: object) -> Source:
    table = tables.table_of(path, parquet=False, told=columns)
    return Source(path=path, format="csv", words=table.words, documents=table.documents, column_names=table.names)


def _parquet(path: Path, columns: Mapping[str, str], _: object) -> Source:
    table = tables.table_of(path, parquet=True, told=columns)
    return Source(path=path, format="parquet", words=table.words, documents=table.documents, column_names=table.names)


def _beir(path: Path, *_: object) -> Source:
    folder = beir.beir_folder(path)
    files = [folder.qrels] if folder.qrels is not None else list(folder.split_qrels.values())
    where = f"labels in {', '.join(str(file.relative_to(path)) for file in files)}" if files else "no labels"
    scale = scale_of(path)
    if scale is not None:
        where += f", on the scale {scale.name}"
    return Source(
        path=path,
        format="beir",
        words=f"a BEIR folder ({where})",
        documents=lambda bad: jsonl.document_rows(folder.corpus, bad),
        queries=lambda bad: jsonl.query_rows(folder.queries, bad),
        label_files=LabelFiles(given=None, by_split=folder.split_qrels, whole=folder.qrels),
        scale=scale,
    )


def _bright(path: Path, _: object, split: str | None) -> Source:
    folder = bright.bright_folder(path, split)
    return Source(
        path=path,
        format="bright",
        words="a BRIGHT folder" + (f", domain {folder.domain}" if folder.domain else ""),
        documents=folder.documents,
        queries=folder.queries,
        gold=folder.gold,
        domain=folder.domain,
    )


def _texts(path: Path, *_: object) -> Source:
    return Source(
        path=path,
        format="texts",
        words=f"a folder of {len(texts.text_files(path)):,} text and Markdown files",
        documents=lambda bad: texts.text_documents(path, bad),
    )


def _ir_dataset(name: str, documents: int | None) -> Source:
    found = ir_dataset.ir_dataset(name, documents)
    return Source(
        path=Path("ir_datasets"),
        format="ir_datasets",
        words=f"{name} of ir_datasets" + (f", the first {documents:,} documents" if documents else ""),
        documents=found.documents,
        queries=found.queries,
        gold=found.labels,
        graded=True,
        domain=name,
    )


_MAKERS: Mapping[str, Callable[[Path, Mapping[str, str], str | None], Source]] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "parquet": _parquet,
    "beir": _beir,
    "bright": _bright,
    "texts": _texts,
}
