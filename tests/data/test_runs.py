import pytest

from data.errors import ConflictError, ImportRefusedError, NotFoundError, SettingsError
from data.runs import Runs

RUN = "q1 Q0 d2 1 9.5 other\nq1 Q0 d1 2 9.5 other\nq2 Q0 d3 1 1.0 other\n"


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path / "runs")


def file(tmp_path, text):
    path = tmp_path / "other.trec"
    path.write_text(text)
    return path


def test_a_run_is_kept_to_the_letter(filled, runs, tmp_path):
    made = runs.add(filled.store, filled.collection, file(tmp_path, RUN))
    assert (made.name, made.queries, made.documents) == ("other", 2, 3)
    assert made.path.read_text() == RUN
    assert runs.list(filled.collection.collection_id) == [made] == [runs.get(filled.collection, "other")]
    with pytest.raises(ConflictError):
        runs.add(filled.store, filled.collection, file(tmp_path, RUN))
    runs.delete(filled.collection, "other")
    assert runs.list(filled.collection.collection_id) == []
    with pytest.raises(NotFoundError, match="other"):
        runs.get(filled.collection, "other")


@pytest.mark.parametrize("name", ["../up", "a b", "", ".hidden", "a/b"])
def test_a_name_can_not_leave_the_folder(filled, runs, tmp_path, name):
    if name:
        with pytest.raises(SettingsError):
            runs.add(filled.store, filled.collection, file(tmp_path, RUN), name)
    with pytest.raises(NotFoundError):
        runs.get(filled.collection, name)


def test_a_bad_run_is_told_by_line_and_nothing_is_kept(filled, runs, tmp_path):
    bad = RUN + "q9 Q0 d1 1 1 x\nq2 Q0 d9 2 0.5 x\nq1 Q0 d2 3 0.1 x\nq1 d1 1\n"
    with pytest.raises(ImportRefusedError) as caught:
        runs.add(filled.store, filled.collection, file(tmp_path, bad))
    assert sorted(row.line for row in caught.value.rows) == [4, 5, 6, 7]
    with pytest.raises(ImportRefusedError, match="1 row"):
        runs.add(filled.store, filled.collection, file(tmp_path, "\n"))
    assert runs.list(filled.collection.collection_id) == []
