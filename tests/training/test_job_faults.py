"""Jobs where the disk is full or nothing can be written: they wait or fail in words, and none is stuck."""

import shutil
import threading

import pytest

from data.errors import RetrievalError
from data.records import Job, JobState, new_id, utc_now
from data.settings import Settings
from data.store import Store
from engine.workbench import Workbench
from tests import synthetic
from tests.training.test_teacher import work_of
from training import jobs, loop
from training.process import _ended, _fail
from training.recipes import TrainConfig
from training.worker import STARTS, _Runner


@pytest.fixture
def settings(disk):
    return Settings(home=disk.path / "home", model="scripted", retriever="bm25s")


@pytest.fixture
def store(settings):
    with Store.open(settings.database_path) as opened:
        yield opened


@pytest.fixture
def job(store):
    made = Job(job_id=new_id(), kind="train", collection_id=None, config={}, created_by="Ann")
    store.jobs.add(made)
    return made


def claimed(store, job):
    return store.jobs.claim(job.job_id, pid=1, now=utc_now(), stale_after_seconds=30)


def test_a_training_whose_evaluation_could_not_retrieve_fails_before_it_trains(settings, store, tiny_model, disk):
    """As on a second home with the same PostgreSQL database: the index is in the first one."""
    bench = Workbench(settings.model_copy(update={"model": str(tiny_model)}), store)
    collection = synthetic.install(store, synthetic.synthetic(train=2, heldout=2, per_query=4))
    work = work_of(bench, jobs.submit(bench, collection, TrainConfig(), "ann"))
    with pytest.raises(RetrievalError, match="has no index"):
        loop.run(work)
    indexed = bench.build_index(collection)
    shutil.rmtree(settings.home / indexed.index_path)
    with pytest.raises(RetrievalError, match="There is no search index at"):
        loop.run(work)
    assert not work.folder.exists()
    assert [version.version_id for version in store.versions.list()] == ["base"]


def test_jobs_wait_while_the_disk_is_full(settings, store, job, disk, caplog):
    runner = _Runner(settings, store, threading.Event())
    disk.fill()
    assert runner.waiting() == [] == runner.waiting()
    disk.make_room()
    assert runner.waiting() == [job.job_id]
    assert [record.message for record in caplog.records if record.name == "training.worker"] == [
        "The disk is full: jobs wait for room.",
        "There is room again: jobs go on.",
    ]


def test_a_job_whose_log_can_not_be_written_fails_after_a_few_tries(settings, store, job):
    settings.jobs_path.write_text("a file where a folder should be")
    runner = _Runner(settings, store, threading.Event())
    for _ in range(STARTS):
        assert runner.waiting() == [job.job_id]
        runner.run(job.job_id)
    assert runner.waiting() == []
    found = store.jobs.get(job.job_id)
    assert found.state is JobState.FAILED
    assert "could not start" in found.error and "log" in found.mend


def test_a_job_that_fails_for_lack_of_room_gives_its_checkpoints_room_back_and_says_so(settings, store, job, disk):
    checkpoint = settings.jobs_path / job.job_id / "stages" / "1-sft" / "checkpoints" / "checkpoint-1" / "optimizer.pt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(bytes(300_000))
    claimed(store, job)
    disk.fill()
    _fail(Workbench(settings, store), job, "The disk is full.", "Make room.", threading.Event())
    found = store.jobs.get(job.job_id)
    assert (found.state, found.error, found.mend) == (JobState.FAILED, "The disk is full.", "Make room.")
    assert not checkpoint.exists()


def test_how_a_job_ended_is_written_as_soon_as_there_is_room(settings, store, job, disk):
    claimed(store, job)
    disk.fill()
    answers = []
    result = {"words": "long " * 3000}

    def end():
        answers.append(_ended(Workbench(settings, store), job, JobState.DONE, threading.Event(), result=result))

    ending = threading.Thread(target=end)
    ending.start()
    assert store.jobs.get(job.job_id).state is JobState.RUNNING
    disk.make_room()
    ending.join(30)
    assert answers == [True]
    assert store.jobs.get(job.job_id).result == result


def test_told_to_stop_it_leaves_the_row_to_the_next_process(settings, store, job, disk):
    claimed(store, job)
    disk.fill()
    told = threading.Event()
    told.set()
    assert not _ended(Workbench(settings, store), job, JobState.DONE, told, result={"words": "long " * 3000})
    assert store.jobs.get(job.job_id).state is JobState.RUNNING


def test_a_job_that_another_process_has_ended_stays_as_that_left_it(settings, store, job):
    claimed(store, job)
    store.jobs.finish(job.job_id, JobState.DONE, result={"by": "the other"}, now=utc_now())
    assert not _ended(Workbench(settings, store), job, JobState.FAILED, threading.Event(), error="late", mend="none")
    assert store.jobs.get(job.job_id).result == {"by": "the other"}
