import json

import pytest

from data.errors import NotFoundError
from data.records import Version
from tests import tiny


@pytest.fixture
def taught(workbench, tiny_model):
    workbench.base_version()
    tiny.adapt(tiny_model, workbench.settings.versions_path / "v")
    made = Version(
        version_id="v", name="mine-1", base_model=workbench.settings.model, adapter_path="versions/v", form=None
    )
    workbench.store.versions.add(made)
    return made


def test_a_version_is_written_with_its_notes(line, taught, tmp_path):
    notes = tmp_path / "notes.json"
    notes.write_text('{"sources": ["my own"]}')
    made = line.json(
        "model", "export", "mine-1", str(tmp_path / "out"), "--name", "ours", "--notes", str(notes), "--json"
    )
    assert (made["name"], made["sources"]) == ("ours", ["my own"])
    assert json.loads((tmp_path / "out" / "manifest.json").read_text()) == made


@pytest.mark.parametrize("content", ["[1]", "{", ""])
def test_notes_that_are_no_object_are_refused(line, taught, tmp_path, content):
    notes = tmp_path / "notes.json"
    notes.write_text(content)
    result = line("model", "export", "mine-1", str(tmp_path / "out"), "--notes", str(notes))
    assert result.exit_code != 0
    assert "notes.json" in result.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_an_unknown_version_is_said(line, workbench, tmp_path):
    result = line("model", "export", "nobody", str(tmp_path / "out"))
    assert result.exit_code != 0 and "no version 'nobody'" in result.stderr
    with pytest.raises(NotFoundError):
        workbench.store.versions.get("nobody")
