"""`whyrank export` and the ways in again."""

import json

import pytest

from data.records import AssessorKind

HUMAN, TEACHER = AssessorKind.HUMAN, AssessorKind.TEACHER


@pytest.fixture
def judged(beans, say):
    say("Ann", HUMAN, "q1", "d3", 3, "It says why.")
    say("Ben", HUMAN, "q1", "d3", 1)
    say("Ben", HUMAN, "q1", "d2", 0)
    say("T", TEACHER, "q1", "d1", 2)


def test_qrels_are_people_s_and_conflicts_need_a_rule(line, judged, tmp_path):
    refused = line("export", "trec-qrels", tmp_path / "out")
    assert (refused.exit_code, refused.stdout, (tmp_path / "out").exists()) == (1, "", False)
    assert "--conflicts" not in refused.stderr and "majority" in refused.stderr
    manifest = line.json("export", "trec-qrels", tmp_path / "out", "--conflicts", "highest", "--json")
    assert (tmp_path / "out" / "qrels.txt").read_text() == "q1 0 d2 0\nq1 0 d3 3\n"
    assert json.loads((tmp_path / "out" / "manifest.json").read_text()) == manifest
    again = line("export", "trec-qrels", tmp_path / "out", "--conflicts", "highest")
    assert again.exit_code == 1 and "already exists" in again.stderr
    line.json("export", "trec-qrels", tmp_path / "t.zip", "--kind", "teacher", "--json")
    assert (tmp_path / "t.zip").read_bytes().startswith(b"PK")


@pytest.mark.parametrize("format", ["beir", "jsonl", "csv"])
def test_what_went_out_comes_in_again(line, judged, tmp_path, format):
    said = line("export", format, tmp_path / "out", "--conflicts", "newest")
    assert said.exit_code == 0 and "manifest.json" in said.stderr
    if format == "beir":
        line.json("collection", "import", "back", tmp_path / "out", "--assessor", "P", "--kind", "human", "--json")
        assert [c["documents"] for c in line.json("collection", "list", "--json")] == [5, 5]
    else:
        (file,) = (tmp_path / "out").glob("judgments.*")
        assert line.json("judgments", "import", file, "--json") == {"collection": "beans", "judgments": 0}


def test_a_run_is_of_one_system(line, workbench, beans, tmp_path):
    nothing = line("export", "trec-run", tmp_path / "out")
    assert nothing.exit_code == 1 and "Rank queries first" in nothing.stderr
    assert line("rank", "Why do my beans stay hard?", "--depth", "3", "--json").exit_code == 0
    assert line("rank", "Why do tomatoes need sun?", "--depth", "2", "--json").exit_code == 0
    several = line("export", "trec-run", tmp_path / "out")
    assert several.exit_code == 1 and "Several systems" in several.stderr and "depth 3" in several.stderr
    manifest = line.json("export", "trec-run", tmp_path / "out", "--depth", "3", "--json")
    assert manifest["filters"]["depth"] == 3 and manifest["counts"]["queries"] == 1
    wrong = line("export", "trec-run", tmp_path / "none", "--depth", "9")
    assert wrong.exit_code == 1 and "No stored ranking fits" in wrong.stderr


def test_nothing_to_take_away_is_said(line, beans, tmp_path):
    for format in ("trec-qrels", "jsonl", "csv", "trl-sft", "trl-grpo", "trl-dpo"):
        result = line("export", format, tmp_path / format)
        assert result.exit_code == 1 and "nothing to take away" in result.stderr, result.stderr
        assert not (tmp_path / format).exists()


def test_a_trl_data_set_of_training_queries(line, workbench, sample_store, tmp_path):
    manifest = line.json("export", "trl-sft", tmp_path / "out", "--collection", "sample", "--json")
    assert manifest["counts"]["examples"] > 0 and manifest["counts"]["left out: held-out query"] > 0
    first = json.loads((tmp_path / "out" / "sft.jsonl").read_text().partition("\n")[0])
    assert [turn["role"] for turn in first["prompt"] + first["completion"]] == ["system", "user", "assistant"]


def test_a_run_is_kept_ranked_from_and_goes_with_its_collection(line, workbench, beans, say, tmp_path):
    file = tmp_path / "other.trec"
    file.write_text("q1 Q0 d4 1 2.0 other\nq1 Q0 d3 2 1.0 other\n")
    assert line.json("run", "import", file, "--name", "other", "--json")["queries"] == 1
    assert [run["name"] for run in line.json("run", "list", "--json")] == ["other"]
    held = line("evaluate", "--run", "nope")
    assert held.exit_code == 1 and "other" in held.stderr
    refused = line("collection", "delete", "beans", input="no\n")
    assert "1 runs" in refused.stderr
    assert line("run", "delete", "other", "--yes").exit_code == 0
    line.json("run", "import", file, "--json")
    assert line("collection", "delete", "beans", "--yes").exit_code == 0
    assert list(workbench.settings.runs_path.iterdir()) == []


def test_a_job_to_rank_every_query_is_written(line, workbench, beans):
    job = line.json("run", "make", "--method", "pointwise-score", "--depth", 3, "--workers", 2, "--json")
    assert (job["kind"], job["state"]) == ("rank", "queued")
    assert job["config"]["workers"] == 2 and job["config"]["depth"] == 3
    queries = workbench.store.collections.queries(beans.collection_id)
    assert job["config"]["query_ids"] == [query.query_id for query in queries]
    few = line.json("run", "make", "--queries", 1, "--json")
    assert few["config"]["query_ids"] == [queries[0].query_id]
    assert [job.kind for job in workbench.store.jobs.list()] == ["rank", "rank"]
