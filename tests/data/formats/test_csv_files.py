import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data.errors import ImportRefusedError, NotFoundError, SettingsError
from data.formats.csv_file import as_it_was, csv_rows, harmless, write_csv
from data.formats.rows import refusing
from data.formats.tables import table_of

CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "=1+1",
        "'=1",
        "''@x",
        "-3",
        "+",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\n",
        "'",
        "a\0b",
        "\ufeff",
        '"',
        "\u2028",
        "😀",
        "a\r\nb",
    ]
)


def read(path):
    with refusing() as bad:
        return [cells for _, cells in csv_rows(path, bad)]


def reasons(path):
    with pytest.raises(ImportRefusedError) as caught:
        read(path)
    return {row.line: row.reason for row in caught.value.rows}


def file(tmp_path, content, name="table.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=4))
@example(rows=[("=cmd|' /C calc'!A0", "'=x", "")])
def test_every_cell_comes_back_and_none_can_be_run(tmp_path_factory, rows):
    text = "".join(write_csv(("a", "b", "c"), rows))
    path = tmp_path_factory.getbasetemp() / "cells.csv"
    path.write_bytes(text.encode())
    assert read(path) == [["a", "b", "c"], *(list(row) for row in rows)]
    written = list(csv.reader(io.StringIO(text, newline="")))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in written for cell in row)


@settings(max_examples=100, deadline=None)
@given(cell=CELLS)
def test_harmless_can_be_undone_however_often_it_was_done(cell):
    assert as_it_was(harmless(cell)) == cell
    assert as_it_was(as_it_was(harmless(harmless(cell)))) == cell


def test_lines_are_those_where_a_record_begins(tmp_path):
    path = file(tmp_path, 'id,text\r\na,"two\r\nlines"\r\n\r\nb,one\r\nc,one,more\r\n')
    assert list(reasons(path)) == [6]
    with refusing() as bad:
        assert [line for line, _ in csv_rows(file(tmp_path, 'id;text\na;"two\nlines"\n\nb;one\n'), bad)] == [1, 2, 5]


def test_wrong_encodings_are_told_with_their_lines(tmp_path):
    assert "UTF-8" in reasons(file(tmp_path, "id,text\na,good\nb,stra\u00dfe\n".encode("latin-1")))[3]
    assert "UTF-8" in reasons(file(tmp_path, "id,text\na,good\n".encode("utf-16")))[1]
    assert read(file(tmp_path, "\ufeffid,text\na,x\n")) == [["id", "text"], ["a", "x"]]


def test_a_quotation_mark_that_is_not_closed_is_told_where_it_begins(tmp_path):
    found = reasons(file(tmp_path, 'id,text\na,good\nb,"open\nc,more\n'))
    assert "quotation mark" in found[3]
    assert "quotation mark" in reasons(file(tmp_path, 'id,text\na,"shut" again\n'))[2]


def test_a_huge_cell_is_read_and_an_endless_one_refused(tmp_path, monkeypatch):
    huge = "x" * 3_000_000
    assert read(file(tmp_path, f"id,text\na,{huge}\n"))[1] == ["a", huge]
    before = csv.field_size_limit(1000)
    try:
        assert "field limit" in reasons(file(tmp_path, f'id,text\na,"{huge}\n'))[2]
    finally:
        csv.field_size_limit(before)


def test_columns_are_guessed_by_their_usual_names_or_told(tmp_path):
    table = table_of(file(tmp_path, "URL\tDoc ID\tHeadline\tBody\n", "t.tsv"), parquet=False, told={})
    assert (table.columns.id, table.columns.title, table.columns.text) == ("Doc ID", "Headline", "Body")
    assert table.words == (
        "a CSV with the columns 'URL', 'Doc ID', 'Headline', 'Body': ids from 'Doc ID', titles from 'Headline', "
        "texts from 'Body'"
    )
    odd = file(tmp_path, "nr,words,title\n")
    with pytest.raises(SettingsError, match="none has a usual name of the id") as caught:
        table_of(odd, parquet=False, told={})
    assert "--column id=NAME" in caught.value.mend
    table = table_of(odd, parquet=False, told={"id": "nr", "text": "words"})
    assert table.columns.title == "title"
    for told in ({"id": "no"}, {"key": "nr"}):
        with pytest.raises(SettingsError):
            table_of(odd, parquet=False, told={"id": "nr", "text": "words"} | told)
    with pytest.raises(SettingsError, match="several"):
        table_of(file(tmp_path, "id,text,text\n"), parquet=False, told={})
    with pytest.raises(ImportRefusedError, match="1 row"):
        table_of(file(tmp_path, ""), parquet=False, told={})
    with pytest.raises(NotFoundError):
        table_of(tmp_path / "none.csv", parquet=False, told={})
