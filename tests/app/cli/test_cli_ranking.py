"""`whyrank rank`, `whyrank evaluate` and `whyrank model` with a scripted model."""

import pytest

from app.cli.session import Session
from data import student
from data.records import Alias, AssessorKind, Version
from data.settings import Settings
from engine.models import BASES

FIELDS = ["doc_id", "rank", "score", "raw_score", "first_stage_rank", "grade", "probabilities", "explanation"]


def test_rank_gives_the_documents_best_first_with_all_fields(line, beans):
    given = line.json("rank", "hard beans", "--collection", "beans", "--depth", "4", "--fusion", "0", "--json")
    assert [list(document) for document in given] == [FIELDS] * len(given)
    assert [document["rank"] for document in given] == list(range(1, len(given) + 1))
    best = given[0]
    assert (best["doc_id"], best["grade"]) == ("d3", 3)
    assert best["probabilities"] == pytest.approx({"0": 0.1, "1": 0.1, "2": 0.2, "3": 0.6})
    assert best["raw_score"] == best["score"] == pytest.approx(2.3)
    assert "hard beans soft" in best["explanation"]


def test_rank_as_a_table_shows_rank_changes_and_stores_the_ranking(line, beans, workbench):
    result = line("rank", "hard beans", "--method", "pointwise-score")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].split("\t")[:2] == ["rank", "was"]
    (stored,) = workbench.store.rankings.recent(beans.collection_id)
    assert (stored.method, stored.query_text, stored.depth) == ("pointwise-score", "hard beans", 20)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--collection", "nowhere"], "beans"),
        (["--method", "guessing"], "pointwise-score"),
        (["--model", "nobody"], "nobody"),
    ],
)
def test_unknown_names_are_said_with_those_there_are(line, beans, options, words):
    result = line("rank", "hard beans", *options)
    assert (result.exit_code, result.stdout) == (1, "")
    (only,) = result.stderr.splitlines()
    assert words in only


def test_a_model_that_is_not_fetched_is_said_with_the_mend(line, beans, workbench):
    session = Session(Settings(home=workbench.settings.home, retriever="bm25s", lm_url=None))
    result = line("rank", "hard beans", session=session)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "whyrank model fetch" in result.stderr.splitlines()[-1]


@pytest.fixture
def judged(beans, say):
    """People's labels on both queries, which are held out."""
    for query_id, doc_id, grade in (("q1", "d3", 3), ("q1", "d1", 3), ("q1", "d2", 0), ("q2", "d4", 3)):
        say("Ann", AssessorKind.HUMAN, query_id, doc_id, grade)


def test_the_list_of_models_says_what_is_used_for_what(line, beans, workbench):
    version = Version(version_id="v1", name="beans-1", base_model="scripted", collection_id=beans.collection_id)
    workbench.store.versions.add(version)
    listed = line.json("model", "list", "--json")
    assert [each["name"] for each in listed["versions"]][1:] == ["beans-1"]
    assert {(each["packaged"], each["path"]) for each in listed["bases"]} == {(True, None)}
    assert {each["name"] for each in listed["bases"]} == set(BASES)
    shown = line("model", "list")
    assert shown.stdout.splitlines()[0].split("\t") == ["version", "id", "base", "used as"]
    assert f"Base model {listed['bases'][0]['name']}: not fetched yet" in shown.stderr


def test_a_served_model_needs_no_fetching(line, tmp_path):
    session = Session(Settings(home=tmp_path / "other", lm_url="http://127.0.0.1:9/v1"))
    given = line.json("model", "fetch", "--json", session=session)
    assert given["path"] is None


@pytest.mark.parametrize("named", [True, False])
def test_fetching_the_model_in_use_puts_its_student_beside_it(line, tmp_path, named):
    base = student.manifest()["base_model"]
    settings = Settings(home=tmp_path / "other", model=base)
    there = settings.models_path / base
    there.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (there / name).write_text("{}")
    session = Session(settings)
    given = line.json("model", "fetch", *([base] if named else []), "--json", session=session)
    assert given["path"] == str(there)
    with session.store() as store:
        assert student.manifest()["name"] in [version.name for version in store.versions.list()]


def test_fetching_another_model_installs_no_student(line, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (folder / name).write_text("{}")
    session = Session(Settings(home=tmp_path / "other", model=student.manifest()["base_model"]))
    assert line.json("model", "fetch", folder, "--json", session=session)["path"] == str(folder)
    with session.store() as store:
        assert student.manifest()["name"] not in [version.name for version in store.versions.list()]


def test_promotion_without_an_evaluation_is_refused_and_with_a_reason_done_and_rolled_back(line, beans, workbench):
    version = Version(
        version_id="v1",
        name="beans-1",
        base_model="scripted",
        collection_id=beans.collection_id,
        adapter_path="versions/v1",
    )
    workbench.store.versions.add(version)
    refused = line("model", "promote", "beans-1", "--collection", "beans")
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[-1].startswith("Error: ")
    done = line.json(
        "model", "promote", "beans-1", "--collection", "beans", "--override", "for a test", "--by", "Ann", "--json"
    )
    assert done["champion"]["version_id"] == "v1"
    assert workbench.store.versions.alias(beans.collection_id, Alias.CHAMPION) == version
    back = line.json("model", "rollback", "--collection", "beans", "--json")
    assert back["champion"]["version_id"] == "base"
