"""`whyrank evaluate` and `whyrank train` with a scripted model."""

import pytest

from data.records import AssessorKind, Document, Judgment, Query, Split, new_id
from data.scales import DEFAULT_SCALE

MEASURE_FIELDS = ["bm25", "champion", "system", "difference", "p_value", "interval"]
QUERIES = [Query(query_id=f"h{i}", text="hard beans", split=Split.HELDOUT) for i in range(4)]
DOCUMENTS = [
    Document(doc_id="much", text="Hard beans, hard beans, hard beans."),
    Document(doc_id="useful", text="Hard water keeps beans hard: soda is useful."),
    Document(doc_id="other", text="Hard work."),
]


@pytest.fixture
def held(workbench):
    """Four held-out queries whose best document is not BM25's first."""
    added = workbench.store.collections.add(
        name="held", scale=DEFAULT_SCALE, documents=DOCUMENTS, queries=QUERIES, guidelines=""
    )
    person = workbench.store.assessors.ensure("Ann", AssessorKind.HUMAN)
    workbench.store.judgments.add_many(
        [
            Judgment(
                event_id=new_id(),
                collection_id=added.collection_id,
                query_id=query.query_id,
                doc_id=doc_id,
                assessor_id=person.assessor_id,
                grade=grade,
            )
            for query in QUERIES
            for doc_id, grade in (("much", 0), ("useful", 3), ("other", 0))
        ]
    )
    return workbench.build_index(added)


def test_evaluate_compares_the_systems_by_measure(line, held):
    given = line.json("evaluate", "--collection", "held", "--method", "pointwise-score", "--fusion", "0", "--json")
    figures = ["queries", "tie_rate", "unreadable_rate", "seconds_per_document", "tokens_per_document"]
    assert [*given][-5:] == figures
    assert given["tokens_per_document"] > 20
    assert given["queries"] == 4
    assert {"nDCG@10", "RR@10", "AP", "Judged@10"} == given.keys() - set(figures)
    assert [list(given[name]) for name in ("nDCG@10", "AP")] == [MEASURE_FIELDS, MEASURE_FIELDS]
    assert given["nDCG@10"]["system"] == pytest.approx(1.0)
    assert given["nDCG@10"]["bm25"] < 1.0
    assert given["nDCG@10"]["difference"] > 0


def test_evaluate_samples_queries_and_writes_its_run(line, held, tmp_path):
    run = tmp_path / "system.run"
    given = line.json("evaluate", "--queries", "2", "--seed", "1", "--fusion", "0", "--output-run", run, "--json")
    assert given["queries"] == 2
    rows = [row.split() for row in run.read_text().splitlines()]
    assert len({row[0] for row in rows}) == 2
    assert [row[2] for row in rows if row[3] == "1"] == ["useful", "useful"]
    again = line("evaluate", "--output-run", run)
    assert again.exit_code == 1
    assert "already exists" in again.stderr


def test_evaluate_reranks_a_given_run(line, held, tmp_path):
    run = tmp_path / "first.run"
    run.write_text("".join(f"h{i} Q0 useful 1 9.5 x\nh{i} Q0 other 2 8.5 x\n" for i in range(4)))
    written = tmp_path / "out.run"
    given = line.json("evaluate", "--run", run, "--fusion", "0", "--output-run", written, "--json")
    assert given["nDCG@10"]["bm25"] == pytest.approx(1.0)
    assert {row.split()[2] for row in written.read_text().splitlines()} == {"useful", "other"}


def test_evaluate_as_a_table_says_whose_labels(line, held):
    result = line("evaluate", "--method", "pointwise-score")
    assert result.stdout.splitlines()[0].split("\t") == ["measure", *MEASURE_FIELDS]
    assert "Ann" in result.stderr


def test_a_broken_run_is_refused_with_its_line(line, held, tmp_path):
    run = tmp_path / "broken.run"
    run.write_text("h0 Q0 useful 1 9.5 x\nh0 Q0 other\n")
    result = line("evaluate", "--run", run)
    assert result.exit_code == 1
    assert "broken.run:2: " in result.stderr


def test_evaluate_without_labels_is_an_error(line, beans):
    result = line("evaluate")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--recipe", "alchemy"], "sft"),
        (["--recipe", "sft", "--set", "epochs=many"], "epochs"),
        (["--recipe", "sft", "--set", "colour=red"], "colour"),
        (["--recipe", "sft", "--set", "epochs"], "NAME=VALUE"),
        (["--recipe", "sft", "--collection", "nowhere"], "nowhere"),
        (["--recipe", "sft"], "Error: "),
    ],
)
def test_a_job_that_can_not_be_is_said_before_it_is_written(line, beans, workbench, options, words):
    result = line("train", *options)
    assert (result.exit_code, result.stdout) == (1, "")
    (only,) = result.stderr.splitlines()
    assert words in only
    assert workbench.store.jobs.list() == []
