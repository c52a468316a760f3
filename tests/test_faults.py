"""A full disk and a home that can't be written to: said in words everywhere, and nothing is lost or half done."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from app import resources
from app.actions import judging, keeping, strokes
from app.actions.launch import serve
from app.cli import cli
from app.cli.session import Session
from data import bundle, exporting, student, whole
from data.answers import KeptAnswer
from data.errors import DiskError, RetrievalError, StoreError, WhyRankError
from data.records import Document, Job, Query, new_id
from data.scales import DEFAULT_SCALE
from data.settings import Settings
from data.store import Store
from engine.lm.scripted import ScriptedLM
from engine.pipeline import Plan
from engine.workbench import Workbench

DOCUMENTS = [
    Document(doc_id="d1", title="Soaking", text="Beans stay hard in hard water."),
    Document(doc_id="d2", title="Soda", text="A pinch of soda makes hard beans soft."),
]
QUERIES = [Query(query_id="q1", text="Why do my beans stay hard?")]


@pytest.fixture
def settings(disk):
    return Settings(home=disk.path / "home", model="scripted", retriever="bm25s", lm_url=None)


@pytest.fixture
def lm():
    return ScriptedLM(
        choose=lambda ask: {"0": 0.1, "1": 0.2, "2": 0.3, "3": 0.4}, generate=lambda ask: "It says so." * 20
    )


@pytest.fixture
def workbench(settings, lm):
    with Workbench.open(settings, lm) as opened:
        yield opened


@pytest.fixture
def beans(workbench):
    added = workbench.store.collections.add(
        name="beans", scale=DEFAULT_SCALE, documents=DOCUMENTS, queries=QUERIES, guidelines="Be fair."
    )
    return workbench.build_index(added)


def ranked(workbench, beans):
    return workbench.pipeline(beans, workbench.base_version()).rank(QUERIES, Plan.of(workbench.settings))[0]


def judge(workbench, beans, grade):
    draft = judging.Draft(event_id=new_id(), query_id="q1", doc_id="d1", grade=grade, text="Long words. " * 400)
    return judging.save(workbench, beans, "me", draft).judgment


def run(settings, lm, *words):
    result = CliRunner().invoke(cli, [str(word) for word in words], obj=Session(settings, lm), prog_name="whyrank")
    assert result.exit_code == 1, result.output
    assert "unexpected" not in result.stderr and "Traceback" not in result.output
    return result.stderr.strip().splitlines()[-1]


def test_a_full_disk_takes_no_judgment_and_no_ranking_and_keeps_what_was_saved(workbench, beans, disk):
    kept = judge(workbench, beans, 2)
    ranking = ranked(workbench, beans)
    disk.fill()
    for write in (lambda: judge(workbench, beans, 3), lambda: workbench.record(ranking)):
        with pytest.raises(StoreError, match=r"can't be used: .*disk is full") as refused:
            write()
        assert "Make room" in refused.value.mend and "backup" not in refused.value.mend
    assert [j.event_id for j in workbench.store.judgments.events(beans.collection_id)] == [kept.event_id]
    disk.make_room()
    judge(workbench, beans, 3)
    assert workbench.record(ranking).ranking_id
    assert [j.grade for j in workbench.store.judgments.events(beans.collection_id)][:2] == [2, 3]


def writers(workbench, beans, folder, run_file):
    """Everything else that is written, with its name."""
    store, whose = workbench.store, exporting.Whose()
    answer = KeptAnswer(text="x" * 9000, finished=True, prompt_tokens=1, completion_tokens=1, job_id="j")
    return {
        "export": lambda: bundle.write_folder(exporting.events_bundle(store, beans, whose), folder / "out"),
        "zip": lambda: bundle.write_zip(exporting.events_bundle(store, beans, whose), folder / "out.zip"),
        "backup": lambda: keeping.backup(workbench.settings, store, folder / "backup.tar"),
        "answer": lambda: workbench.answers(beans).put("ab" * 32, answer),
        "run": lambda: workbench.runs.add(store, beans, run_file, "given"),
        "adapter": lambda: student.install(store, workbench.settings.home),
        "text": lambda: whole.write_text(folder / "told.json", json.dumps(["x" * 9000])),
        "index": lambda: workbench.build_index(beans),
    }


def test_a_full_disk_leaves_nothing_half_written(workbench, beans, disk, tmp_path):
    judge(workbench, beans, 2)
    whole.write_text(disk.path / "told.json", "before")
    run_file = tmp_path / "run.txt"
    run_file.write_text("q1 Q0 d1 1 1.0 x\n")
    index = workbench.store.collections.get("beans").index_path
    versions = workbench.store.versions.list()
    disk.fill()
    before = disk.files()
    for name, write in writers(workbench, beans, disk.path, run_file).items():
        with pytest.raises((WhyRankError, OSError)) as refused:
            write()
        said = refused.value if isinstance(refused.value, WhyRankError) else disk_words(refused.value)
        assert "disk is full" in said.what, name
        assert disk.files() == before, name
    assert (disk.path / "told.json").read_text() == "before"
    assert workbench.store.collections.get("beans").index_path == index
    assert workbench.store.versions.list() == versions
    disk.make_room()
    assert ranked(workbench, beans).documents


def disk_words(error):
    from data.disk import problem

    found = problem(error)
    assert isinstance(found, DiskError), error
    return found


def test_an_index_without_room_says_that_the_documents_are_stored(workbench, beans, disk):
    disk.fill()
    with pytest.raises(RetrievalError, match="disk is full") as refused:
        workbench.build_index(beans)
    assert "documents and judgments are stored" in refused.value.mend


def test_commands_on_a_full_disk_end_in_one_line(workbench, beans, settings, lm, disk, tmp_path):
    judge(workbench, beans, 2)
    documents = tmp_path / "documents.jsonl"
    documents.write_text("".join(json.dumps({"_id": str(i), "text": "words " * 200}) + "\n" for i in range(50)))
    disk.fill()
    assert "disk is full" in run(settings, lm, "rank", "Why?", "-c", "beans", "--depth", "2")
    assert "disk is full" in run(settings, lm, "export", "jsonl", disk.path / "out", "-c", "beans")
    assert "disk is full" in run(settings, lm, "backup", tmp_path / "backup.tar")
    assert not (tmp_path / "backup.tar").exists()
    assert "disk is full" in run(settings, lm, "collection", "import", "more", documents)
    assert [c.name for c in workbench.store.collections.list()] == ["beans"]
    with pytest.raises(DiskError, match="full"):
        serve(settings, page=(), worker=(), say=print, stop=None)


def test_a_database_that_is_opened_on_a_full_disk_is_not_called_damaged(settings, disk):
    Store.open(settings.database_path).close()
    disk.fill()
    with pytest.raises(StoreError, match="disk is full") as refused:
        Store.open(settings.database_path)
    assert "backup" not in refused.value.mend and "move" not in refused.value.mend
    disk.make_room()
    Store.open(settings.database_path).close()


def test_a_restore_without_room_does_not_blame_the_backup(workbench, beans, settings, disk, tmp_path):
    file = tmp_path / "backup.tar"
    keeping.backup(settings, workbench.store, file)
    workbench.store.close()
    before = settings.database_path.read_bytes()
    disk.fill()
    with pytest.raises(DiskError, match="disk is full"):
        keeping.restore(settings, file)
    assert settings.database_path.read_bytes() == before


def test_a_read_only_home_is_said_by_commands_and_pages(settings, lm, disk):
    Store.open(settings.database_path).close()
    disk.read_only()
    assert "Let the user who runs WhyRank write in" in run(settings, lm, "collection", "list")
    assert "the disk is read-only" in run(settings, lm, "worker")
    assert "the disk is read-only" in run(settings, lm, "app")
    fresh = settings.model_copy(update={"home": disk.path / "fresh"})
    assert "the disk is read-only" in run(fresh, lm, "collection", "sample")
    assert "can't be written to" in CliRunner().invoke(cli, ["doctor"], obj=Session(settings, lm)).stdout


def page(name="explore"):
    test = AppTest.from_file(str(Path(__file__).parents[1] / "app/main.py"), default_timeout=20)
    test.query_params["assessor_name"] = "me"
    return test.run() if name == "explore" else test.run().switch_page(f"screens/{name}.py").run()


def texts(test):
    return " ".join(text.value for text in test.text)


def test_pages_show_what_the_database_says(monkeypatch, settings, disk):
    """As the app opens it, from the environment: read-only, then of a newer version."""
    resources.use(None)
    monkeypatch.setenv("WHYRANK_HOME", str(settings.home))
    with Store.open(settings.database_path) as store, store._database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    test = page()
    assert not test.exception
    assert "has schema 9999" in texts(test) and "newer WhyRank" in texts(test)
    disk.read_only()
    test = page()
    assert not test.exception
    assert "can't be used" in texts(test) and "Let the user who runs WhyRank write in" in texts(test)


def test_keys_pressed_on_the_judge_page_stay_in_the_browser_until_there_is_room(workbench, beans, disk):
    key = {"seq": 1, "event_id": new_id(), "kind": "grade", "grade": 2, "text": "x" * 9000}
    given, _ = strokes.read([{**key, "query_id": "q1", "doc_id": "d1"}])
    disk.fill()
    (answer,) = strokes.apply(workbench, beans, "me", given)
    assert (answer.final, answer.saved) == (False, False)
    assert "disk is full" in answer.words
    disk.make_room()
    (answer,) = strokes.apply(workbench, beans, "me", given)
    assert (answer.final, answer.saved) == (True, True)


def test_the_train_page_says_that_jobs_wait_for_room(workbench, beans, disk):
    workbench.store.jobs.add(
        Job(job_id=new_id(), kind="train", collection_id=beans.collection_id, config={}, created_by="me")
    )
    disk.fill()
    resources.use(workbench)
    try:
        test = page("train")
    finally:
        resources.use(None)
    assert not test.exception
    assert any("jobs wait until there is room" in warning.value for warning in test.warning)
