"""Parquet files, in: rows as mappings. What is told of a bad row counts rows from 1, as there are no lines."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data.errors import NotFoundError
from data.formats.rows import BadRows

BATCH = 1000


def parquet_columns(path: Path, bad: BadRows) -> list[str]:
    """Names of the columns; a file that is no Parquet is a bad row."""
    import pyarrow as pa

    try:
        return list(_file(path).schema_arrow.names)
    except (pa.ArrowException, OSError) as error:
        bad.add(path, 1, f"not a whole Parquet file: {error}")
        return []


def parquet_rows(
    path: Path, bad: BadRows, columns: Sequence[str] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows with their numbers, of these columns (None: all); where the file breaks off is a bad row."""
    import pyarrow as pa

    number = 0
    try:
        for batch in _file(path).iter_batches(batch_size=BATCH, columns=columns):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        bad.add(path, number + 1, f"the Parquet file can't be read from here on: {error}")


def _file(path: Path) -> Any:
    import pyarrow.parquet as pq

    if not path.is_file():
        raise NotFoundError(f"There is no file {path}.", mend="Look at the path again.")
    return pq.ParquetFile(path)
