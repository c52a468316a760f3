import pytest

from app.actions import collections, intake, people
from app.actions.collections import Upload
from app.actions.intake import Incoming
from data.errors import ConflictError, ImportRefusedError, SettingsError
from data.records import AssessorKind

ME = people.local("me")


def upload(text, name="labels.tsv"):
    return Upload(file_name=name, content=text.encode())


def test_a_teacher_s_labels_come_in_on_the_collection_s_scale(workbench, beans):
    file = upload("query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\n", "teacher.umbrela.tsv")
    assert intake.words(workbench, ME, file).startswith("TREC qrels")
    said = Incoming(file=file, assessor="T", kind=AssessorKind.TEACHER, grades=" 0=0, 1=3,")
    assert intake.add_judgments(workbench, beans, ME, said) == 2
    assert intake.add_judgments(workbench, beans, ME, said) == 0
    found = workbench.store.judgments.current(beans.collection_id, kinds=[AssessorKind.TEACHER])
    assert {(j.doc_id, j.grade) for j in found} == {("d1", 3), ("d2", 0)}
    assert not list((workbench.settings.home / "uploads").iterdir())


@pytest.mark.parametrize(
    "incoming",
    [
        Incoming(file=None),
        Incoming(file=upload("q1 0 d1 1\n")),
        Incoming(file=upload("q1 0 d1 1\n"), assessor="T", grades="1->3"),
        Incoming(file=upload("q1 0 d1 1\n"), assessor="T", grades="1=3,1=2"),
    ],
)
def test_what_is_missing_is_said(workbench, beans, incoming):
    with pytest.raises(SettingsError) as caught:
        intake.add_judgments(workbench, beans, ME, incoming)
    assert caught.value.mend


def test_a_run_is_kept_and_goes_with_its_collection(workbench, beans):
    made = intake.add_run(workbench, beans, ME, upload("q1 Q0 d4 1 2.0 x\n", "other.trec"), " ")
    assert (made.name, made.queries) == ("other", 1)
    with pytest.raises(ConflictError):
        intake.add_run(workbench, beans, ME, upload("q1 Q0 d4 1 2.0 x\n"), "other")
    with pytest.raises(ImportRefusedError):
        intake.add_run(workbench, beans, ME, upload("q1 Q0 d9 1 2.0 x\n"), "bad")
    with pytest.raises(SettingsError):
        intake.add_run(workbench, beans, ME, None, "")
    assert collections.hanging(workbench, beans)["runs"] == 1
    intake.delete_run(workbench, beans, ME, "other")
    assert intake.runs(workbench, beans) == []
