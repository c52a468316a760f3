import pytest

from data.settings import Settings
from tests.training.curves import point
from training import points
from training.folders import write_json


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path)


def test_what_a_point_is_made_from_is_its_key():
    made_from = {"snapshot": "a", "heldout": "b", "trained": {"epochs": 2, "seed": 0}, "measured": {"depth": 10}}
    found = points.key(**made_from)
    assert found == points.key(**dict(reversed(made_from.items())))
    for change in ({"snapshot": "c"}, {"heldout": "c"}, {"trained": {"epochs": 2, "seed": 1}}, {"measured": {}}):
        assert points.key(**(made_from | change)) != found


def test_a_point_is_found_again_under_its_own_key_and_set_only(settings):
    made = point(25, 0)
    points.write(settings, "set", "key", made)
    assert points.read(settings, "set", "key") == made
    assert points.read(settings, "set", "other") is None
    assert points.read(settings, "other", "key") is None


def test_looks_are_counted_by_set(settings):
    assert points.looks(settings, "set") == 0
    for name in ("a", "b", "b"):
        points.write(settings, "set", name, point(25, 0))
    assert (points.looks(settings, "set"), points.looks(settings, "other")) == (2, 0)


@pytest.mark.parametrize("content", ["{", "[]", '{"count": 3}'])
def test_a_broken_file_is_no_point(settings, content):
    points.write(settings, "set", "key", point(25, 0))
    (path,) = (settings.home / "learning" / "set").iterdir()
    path.write_text(content, encoding="utf-8")
    assert points.read(settings, "set", "key") is None


def test_json_is_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder" / "file.json"
    write_json(path, {"a": 1})
    before = path.read_text(encoding="utf-8")
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert path.read_text(encoding="utf-8") == before
    assert [file.name for file in path.parent.iterdir()] == ["file.json"]
