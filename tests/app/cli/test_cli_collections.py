"""`whyrank collection` and `whyrank judgments` on scratch homes."""

import json

import pytest

from data.records import AssessorKind

GOOD = [{"_id": "a", "text": "Rust is iron oxide."}, {"_id": "b", "title": "Rust", "text": "A language."}]


def lines(path, rows):
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


@pytest.fixture
def folder(tmp_path):
    """A BEIR folder with labels."""
    root = tmp_path / "beir"
    (root / "qrels").mkdir(parents=True)
    lines(root / "corpus.jsonl", GOOD)
    lines(root / "queries.jsonl", [{"_id": "q1", "text": "why does iron rust"}])
    (root / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq1\ta\t3\nq1\tb\t0\n")
    return root


def test_import_indexes_and_the_list_shows_it(line, tmp_path):
    documents = lines(tmp_path / "documents.jsonl", GOOD)
    made = line.json("collection", "import", "rust", documents, "--scale", "prorank", "--json")
    assert (made["name"], made["documents"], made["scale"], made["index"]) == ("rust", 2, "prorank", "bm25s")
    assert line.json("collection", "list", "--json") == [made]
    assert line("collection", "list").stdout.splitlines()[1].split("\t")[0] == "rust"


def test_labels_come_in_under_their_assessor(line, folder, workbench):
    line.json(
        "collection", "import", "rust", folder, "--split", "train", "--assessor", "Ann", "--kind", "human", "--json"
    )
    collection = workbench.store.collections.get("rust")
    judgments = workbench.store.judgments.current(collection.collection_id, kinds=[AssessorKind.HUMAN])
    assert {(j.doc_id, j.grade) for j in judgments} == {("a", 3), ("b", 0)}
    exported = line("judgments", "export", "--collection", "rust", "--format", "trec")
    assert sorted(exported.stdout.splitlines()) == ["q1 0 a 3", "q1 0 b 0"]


def test_a_file_with_bad_rows_is_refused_with_its_lines_and_nothing_stays(line, tmp_path):
    bad = lines(tmp_path / "bad.jsonl", [GOOD[0], "{broken", {"_id": "a", "text": "again"}, {"_id": "c", "text": " "}])
    result = line("collection", "import", "bad", bad)
    assert result.exit_code == 1
    assert result.stdout == ""
    for number in (2, 3, 4):
        assert f"bad.jsonl:{number}: " in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert line.json("collection", "list", "--json") == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["collection", "rebuild", "nowhere"], "nowhere"),
        (["collection", "rename", "nowhere", "somewhere"], "nowhere"),
        (["collection", "delete", "nowhere", "--yes"], "nowhere"),
        (["collection", "import", "x", "no-such-file.jsonl"], "no-such-file.jsonl"),
        (["collection", "import", "x", "no-such-file.jsonl", "--scale", "stars"], "trec-dl"),
        (["judgments", "export", "--format", "trec"], "whyrank collection sample"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(line, arguments, words):
    result = line(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    (only,) = result.stderr.splitlines()
    assert only.startswith("Error: ")
    assert words in only


def test_rename_rebuild_delete(line, beans):
    assert line.json("collection", "rename", "beans", "pulses", "--json")["name"] == "pulses"
    assert line.json("collection", "rebuild", "pulses", "--json")["index"] == "bm25s"
    refused = line("collection", "delete", "pulses", input="no\n")
    assert refused.exit_code == 1
    assert "5 documents" in refused.stderr
    assert len(line.json("collection", "list", "--json")) == 1
    assert line("collection", "delete", "pulses", "--yes").exit_code == 0
    assert line.json("collection", "list", "--json") == []


def test_without_a_name_the_only_collection_is_meant_and_of_several_none(line, beans, tmp_path):
    assert line("judgments", "export", "--format", "trec").exit_code == 0
    line.json("collection", "import", "rust", lines(tmp_path / "documents.jsonl", GOOD), "--json")
    result = line("judgments", "export", "--format", "trec")
    assert result.exit_code == 1
    assert "beans, rust" in result.stderr


def test_the_sample_is_installed_once(line):
    first = line.json("collection", "sample", "--json")
    assert first["documents"] >= 150
    assert line.json("collection", "sample", "--json") == first


@pytest.mark.parametrize(("form", "new"), [("trec", 2), ("jsonl", 0)])
def test_judgments_go_out_and_come_in_again(line, beans, say, tmp_path, form, new):
    """As labels they are another assessor's; as events they are those that are there already."""
    say("Ann", AssessorKind.HUMAN, "q1", "d3", 3, "It says why.")
    say("Ann", AssessorKind.HUMAN, "q1", "d2", 0)
    file = tmp_path / f"judgments.{form}"
    assert line("judgments", "export", "--format", form, "--kind", "human", "--output", file).exit_code == 0
    given = line.json("judgments", "import", file, "--format", form, "--assessor", "Bob", "--kind", "human", "--json")
    assert given == {"collection": "beans", "judgments": new}


def test_judgments_of_unknown_pairs_are_refused_with_their_lines(line, beans, tmp_path):
    file = tmp_path / "qrels.txt"
    file.write_text("q1 0 d1 3\nq1 0 nobody 2\n")
    result = line("judgments", "import", file, "--format", "trec", "--assessor", "Ann", "--kind", "human")
    assert result.exit_code == 1
    assert "qrels.txt:2: " in result.stderr
    assert line("judgments", "export", "--format", "trec").stdout == ""


def test_a_csv_is_recognised_said_and_its_columns_can_be_named(line, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("nr,words\n1,Rust is iron oxide.\n2,A language.\n")
    guess = line("collection", "import", "rust", table)
    assert guess.exit_code == 1 and "--column id=NAME" in guess.stderr
    made = line("collection", "import", "rust", table, "--column", "id=nr", "--column", "text=words")
    assert made.exit_code == 0 and "is a CSV with the columns 'nr', 'words': ids from 'nr'" in made.stderr
    for wrong in (["--column", "nr"], ["--column", "id=nr", "--column", "id=words"], ["--format", "beir"]):
        assert line("collection", "import", "other", table, *wrong).exit_code == 1
    assert len(line.json("collection", "list", "--json")) == 1


def test_labels_of_another_scale_come_with_their_meaning(line, beans, tmp_path, workbench):
    file = tmp_path / "teacher.tsv"
    file.write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\n")
    said = ["judgments", "import", file, "--assessor", "T", "--kind", "teacher"]
    assert line(*said, "--grade", "1=high").exit_code == 1
    result = line(*said, "--grade", "0=0", "--grade", "1=3")
    assert result.exit_code == 0 and "teacher.tsv is TREC qrels" in result.stderr
    found = workbench.store.judgments.current(beans.collection_id)
    assert {(j.doc_id, j.grade) for j in found} == {("d1", 3), ("d2", 0)}
