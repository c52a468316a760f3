"""Who may do what: every action that changes more than one's own judgments asks for the role, whoever calls it."""

import pytest

from app.actions import (
    adjudication,
    collections,
    combining,
    evaluate,
    intake,
    learn,
    making,
    people,
    pools,
    rules,
    teach,
    train,
)
from app.actions.collections import Upload, Wanted
from data.errors import ConflictError, NotAllowedError, WhyRankError
from data.people import Person, Role
from data.records import Job, JobState
from training.making import MakeConfig
from training.measuring import EvaluateConfig
from training.teaching import TeachConfig


def decision():
    return adjudication.Decision(
        event_id="e", query_id="q1", doc_id="d1", grade=1, reason="r", seen=(), model_visible=False
    )


FILE = Upload(file_name="new.jsonl", content=b"{broken")


def quiet(words, done, total):
    """Whoever waits for it sees nothing."""


def stop(words, done, total):
    raise ConflictError("Far enough: it began.", mend="Nothing is to be mended.")


def seen_or_raise(seen):
    if isinstance(seen.problem, NotAllowedError):
        raise seen.problem


QUEUE = pools.Wanted(name="spring", system_ids=("bm25",), queries=5)
HERE = TeachConfig(url="http://127.0.0.1:1/v1", model="m")
ELSEWHERE = TeachConfig(url="http://127.0.0.1:2/v1", model="m")
LEADS = {
    "ask a teacher": lambda w, c, by: teach.start(w, c, HERE, by),
    "make queries": lambda w, c, by: making.start(w, c, MakeConfig(teaching=HERE), by),
    "combine teachers": lambda w, c, by: combining.combine(w, c, "panel", ["a", "b"], "mean", by),
    "train a version": lambda w, c, by: train.start(w, c, train.config({"recipe": "sft"}), by),
    "cancel a job": lambda w, c, by: train.cancel(w, "job", by),
    "draw a learning curve": lambda w, c, by: learn.start(w, c, learn.config({"recipe": "correct"}), by),
    "start an evaluation": lambda w, c, by: evaluate.start(w, c, EvaluateConfig(version_id="base"), by),
    "promote a version": lambda w, c, by: evaluate.promote(w, c, w.base_version(), by),
    "promote against the gate": lambda w, c, by: evaluate.override(w, c, w.base_version(), by, "because"),
    "roll back": lambda w, c, by: evaluate.rollback(w, c, by),
    "make an evaluation queue": lambda w, c, by: pools.make(w, c, QUEUE, by),
    "rank for an evaluation queue": lambda w, c, by: pools.rank_missing(w, c, QUEUE, by),
    "settle a conflict": lambda w, c, by: adjudication.settle(w, c, by, decision()),
    "import a collection": lambda w, c, by: collections.add(w, by, Wanted(name="new", documents=FILE), quiet),
    "look at a file": lambda w, c, by: seen_or_raise(collections.look(w, by, Wanted(name="new", documents=FILE))),
    "install the sample": lambda w, c, by: collections.install_sample(w, by, stop),
    "rename a collection": lambda w, c, by: collections.rename(w, c, by, "beans"),
    "build an index": lambda w, c, by: collections.build_index(w, c, by, quiet),
    "delete a collection": lambda w, c, by: collections.delete(w, c, by, "another name"),
    "change the rules": lambda w, c, by: rules.save(w, c, guidelines=c.guidelines, scale=c.scale, by=by),
    "say what judgments are": lambda w, c, by: intake.words(w, by, FILE),
    "import judgments": lambda w, c, by: intake.add_judgments(w, c, by, intake.Incoming(file=None)),
    "keep a run": lambda w, c, by: intake.add_run(w, c, by, None, ""),
    "delete a run": lambda w, c, by: intake.delete_run(w, c, by, "none"),
    "take a settlement back": lambda w, c, by: adjudication.undo(w, c, by),
}
ADMINS = {
    "ask a teacher at another address": lambda w, c, by: teach.start(w, c, ELSEWHERE, by),
    "make queries at another address": lambda w, c, by: making.start(w, c, MakeConfig(teaching=ELSEWHERE), by),
    "read a file of the machine": lambda w, c, by: collections.add(w, by, Wanted(name="n", documents="/none"), quiet),
    "look at a file of the machine": lambda w, c, by: seen_or_raise(
        collections.look(w, by, Wanted(name="n", documents="/none"))
    ),
    "fetch a data set": lambda w, c, by: collections.add(w, by, Wanted(name="n", documents="ir_datasets:-"), quiet),
    "read labels of the machine": lambda w, c, by: collections.add(
        w, by, Wanted(name="n", documents=FILE, qrels="/none"), quiet
    ),
    "read judgments of the machine": lambda w, c, by: intake.words(w, by, "/none"),
    "import judgments of the machine": lambda w, c, by: intake.add_judgments(w, c, by, intake.Incoming(file="/none")),
    "keep a run of the machine": lambda w, c, by: intake.add_run(w, c, by, "/none", ""),
    "give roles": lambda w, c, by: people.set_role(w.store, w.settings, by, "i ben", Role.LEAD),
    "see who signs in": lambda w, c, by: people.roster(w.store, by),
}
TABLE = [
    (role, doing, act, role.covers(needed))
    for needed, acts in ((Role.LEAD, LEADS), (Role.ADMIN, ADMINS))
    for doing, act in acts.items()
    for role in Role
]


@pytest.fixture
def rows(workbench, beans):
    """A job and a person for the actions to work on, and how to see that nothing changed."""
    workbench.settings.teacher_url = "http://127.0.0.1:1/v1"
    store = workbench.store
    store.jobs.add(Job(job_id="job", kind="train", collection_id=beans.collection_id, config={}))
    store.people.add(Person(name="", login="i ben", role=Role.ASSESSOR), ["Ben"])
    workbench.base_version()

    def seen():
        return (
            [(job.job_id, job.state, job.cancel_requested) for job in store.jobs.list()],
            list(store.judgments.events(beans.collection_id)),
            store.versions.alias_events(beans.collection_id),
            store.people.list(limit=9),
            store.collections.list(),
        )

    return seen


@pytest.mark.parametrize(
    ("role", "doing", "act", "allowed"), TABLE, ids=[f"{role.value}: {doing}" for role, doing, *_ in TABLE]
)
def test_an_action_asks_for_the_role(workbench, beans, rows, role, doing, act, allowed):
    by, before = Person(name="Anna", role=role, login="i anna"), rows()
    if not allowed:
        with pytest.raises(NotAllowedError) as refused:
            act(workbench, beans, by)
        assert refused.value.mend
        assert rows() == before
        return
    try:
        act(workbench, beans, by)
    except NotAllowedError:
        raise
    except WhyRankError:  # allowed, and then there is nothing to train on, promote or settle
        pass


def test_on_ones_own_machine_and_on_the_command_line_a_name_is_enough(workbench, beans, rows):
    assert people.roster(workbench.store, people.local("me")).people
    assert train.cancel(workbench, "job", people.command_line("command line")).state is JobState.CANCELLED
