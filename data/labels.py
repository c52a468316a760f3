"""Which of a data set's labels an import takes, and into which split they put their queries."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data.errors import SettingsError
from data.formats.jsonl import ReadQuery, split_named
from data.formats.rows import BadRows
from data.formats.trec import Qrel, qrels_rows
from data.records import Query, Split

_GRADES = re.compile(r"\s*([+-]?[0-9]{1,9})\s*=\s*([0-9]{1,9})\s*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFiles:
    """Where labels may be taken from, the first that is there."""

    given: Path | None
    """A file the person named."""
    by_split: Mapping[str, Path]
    """Name of the split -> its labels."""
    whole: Path | None
    """Labels of all queries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Labels with the file each stands in, and all queries with their splits."""

    qrels: list[tuple[Path, Qrel]]
    queries: list[Query]


def read_labels(files: LabelFiles, split: str | None, queries: Sequence[ReadQuery], bad: BadRows) -> Labels:
    """The labels of `split` (None: all). Where queries name their splits, these decide; else the name of the labels'
    file does; where that is no split's, its queries are put into `split`. Raises SettingsError for an unknown split."""
    by_split = {name: qrels_rows(path, bad) for name, path in files.by_split.items()}
    splits = _splits(by_split)
    if split is not None and files.given is None and split in files.by_split:
        taken = [(files.by_split[split], qrel) for qrel in by_split[split]]
    else:
        taken = _whole(files, by_split, bad)
        if split is not None:
            taken = _of_split(taken, split, queries, files)
            if not any(row.split_name for row in queries):
                splits |= {qrel.query_id: split_named(split) for _, qrel in taken}
    return Labels(
        qrels=taken,
        queries=[replace(row.query, split=row.query.split or splits.get(row.query.query_id)) for row in queries],
    )


def _whole(files: LabelFiles, by_split: Mapping[str, list[Qrel]], bad: BadRows) -> list[tuple[Path, Qrel]]:
    path = files.given or files.whole
    if path is not None:
        return [(path, qrel) for qrel in qrels_rows(path, bad)]
    return [(files.by_split[name], qrel) for name, qrels in by_split.items() for qrel in qrels]


def _of_split(
    taken: list[tuple[Path, Qrel]], split: str, queries: Sequence[ReadQuery], files: LabelFiles
) -> list[tuple[Path, Qrel]]:
    named = {row.query.query_id: row.split_name for row in queries if row.split_name}
    names = set(named.values())
    if not names and (files.given or files.whole):
        return taken
    names |= set(files.by_split)
    if split not in named.values():
        raise SettingsError(
            f"The data set has no split {split!r}.",
            mend=f"Use one of: {', '.join(sorted(names))}." if names else "Import it without a split.",
        )
    # A label of an unknown query stays: it is told as a bad row.
    return [(path, qrel) for path, qrel in taken if named.get(qrel.query_id, split) == split]


def _splits(by_split: Mapping[str, Sequence[Qrel]]) -> dict[str, Split]:
    """Splits by the names of the files; a query that stands in several is held out rather than trained on."""
    found: dict[str, Split] = {}
    for name, qrels in by_split.items():
        for qrel in qrels:
            split = split_named(name)
            found[qrel.query_id] = split if found.get(qrel.query_id, split) == split else Split.HELDOUT
    return found


def grades_said(said: Iterable[str]) -> dict[int, int] | None:
    """Grade of the labels -> grade here, of words like `1=3`; None where nothing was said. Raises SettingsError."""
    found: dict[int, int] = {}
    for each in said:
        words = _GRADES.fullmatch(each)
        if words is None or int(words[1]) in found:
            raise SettingsError(f"{each!r} does not say what a grade means here.", mend="Say it once, like 1=3.")
        found[int(words[1])] = int(words[2])
    return found or None


def regraded(
    labels: Iterable[tuple[Path, Qrel]], grades: Mapping[int, int] | None, bad: BadRows
) -> list[tuple[Path, Qrel]]:
    """Labels of another scale on the collection's: `grades` says which grade each of theirs is (None: the same). A
    grade it leaves out is a bad row. The given grade is kept beside the new one."""
    if grades is None:
        return list(labels)
    found = []
    for path, qrel in labels:
        if qrel.grade in grades:
            found.append((path, replace(qrel, grade=grades[qrel.grade], given=qrel.grade)))
        else:
            bad.add(path, qrel.line, f"what the grade {qrel.grade} means here was not said")
    return found
