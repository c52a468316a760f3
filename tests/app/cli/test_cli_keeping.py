"""`whyrank backup` and `whyrank restore`."""

import io
import json
import tarfile

import pytest

from app.actions import doctor, holding
from app.cli.session import Session
from data.records import AssessorKind, Version

DATABASE = "whyrank.db"


@pytest.fixture
def full(beans, say, workbench):
    """A home with a judgment and a trained version."""
    say("Ann", AssessorKind.HUMAN, "q1", "d3", 3, "It says why.")
    folder = workbench.settings.versions_path / "v1"
    folder.mkdir(parents=True)
    (folder / "adapter.safetensors").write_bytes(b"weights")
    (workbench.settings.versions_path / "half-made").mkdir()
    (workbench.settings.versions_path / "half-made" / "draft").write_bytes(b"draft")
    workbench.store.versions.add(
        Version(version_id="v1", name="beans-1", base_model="scripted", adapter_path="versions/v1")
    )
    return workbench


def judged(line):
    return line("judgments", "export", "--format", "jsonl").stdout


def emptied(full):
    """The home as a new machine has it."""
    full.store.close()
    full.settings.database_path.unlink()
    for path in full.settings.versions_path.rglob("*"):
        if path.is_file():
            path.unlink()
    for path in sorted(full.settings.versions_path.rglob("*"), reverse=True):
        path.rmdir()


def test_a_backup_brings_back_judgments_and_versions(line, full, tmp_path):
    before = judged(line)
    kept = line.json("backup", tmp_path / "kept.tar", "--json")
    assert kept["rows"]["judgments"] == 1
    emptied(full)
    assert line.json("restore", tmp_path / "kept.tar", "--yes", "--json")["rows"] == kept["rows"]
    assert judged(line) == before != ""
    assert (full.settings.versions_path / "v1" / "adapter.safetensors").read_bytes() == b"weights"
    assert not (full.settings.versions_path / "half-made").exists()


def test_restore_asks_and_keeps_what_it_replaces(line, full, tmp_path):
    line.json("backup", tmp_path / "kept.tar", "--json")
    full.store.close()
    assert line("restore", tmp_path / "kept.tar", input="n\n").exit_code == 1
    assert [path.name for path in full.settings.home.glob("*.db")] == [DATABASE]
    assert line("restore", tmp_path / "kept.tar", input="y\n").exit_code == 0
    assert len(list(full.settings.home.glob("*.db"))) == 2


def test_a_backup_overwrites_nothing(line, full, tmp_path):
    (tmp_path / "kept.tar").write_text("mine")
    result = line("backup", tmp_path / "kept.tar")
    assert result.exit_code == 1
    assert "already exists" in result.stderr
    assert (tmp_path / "kept.tar").read_text() == "mine"


def flipped(content):
    """One byte of the database changed."""
    place = content.index(b"It says why.")
    return content[:place] + b"X" + content[place + 1 :]


def emptied_tar(content):
    """A tar with a manifest and nothing else."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        manifest = json.dumps({DATABASE: "0" * 64}).encode()
        member = tarfile.TarInfo("manifest.json")
        member.size = len(manifest)
        tar.addfile(member, io.BytesIO(manifest))
    return out.getvalue()


@pytest.mark.parametrize(
    "damage",
    [flipped, emptied_tar, lambda content: content[: len(content) // 2], lambda _: b"", lambda _: b"not a backup" * 99],
    ids=["flipped byte", "no database", "cut off", "empty", "another file"],
)
def test_a_damaged_backup_is_refused_and_changes_nothing(line, full, tmp_path, damage):
    file = tmp_path / "kept.tar"
    line.json("backup", file, "--json")
    file.write_bytes(damage(file.read_bytes()))
    before = judged(line)
    full.store.close()
    result = line("restore", file, "--yes")
    assert (result.exit_code, result.stdout) == (1, "")
    (only,) = result.stderr.splitlines()
    assert "not a whole backup" in only
    assert judged(line) == before
    assert not list(full.settings.home.glob("restore-*"))


def test_restore_waits_for_nobody_but_says_who_is_there(line, full, tmp_path):
    line.json("backup", tmp_path / "kept.tar", "--json")
    full.store.close()
    with holding.hold(holding.worker_lock(full.settings), what="", mend=""):
        result = line("restore", tmp_path / "kept.tar", "--yes")
    assert result.exit_code == 1
    assert "A worker runs" in result.stderr


def test_a_backup_that_is_not_there(line, tmp_path):
    result = line("restore", tmp_path / "nothing.tar", "--yes")
    assert result.exit_code == 1
    assert "nothing.tar" in result.stderr


def test_a_backup_brings_back_given_runs(line, full, beans, tmp_path):
    file = tmp_path / "other.trec"
    file.write_text("q1 Q0 d4 1 2.0 other\n")
    kept = full.runs.add(full.store, beans, file)
    assert line("backup", tmp_path / "kept.tar").exit_code == 0
    full.runs.delete(beans, "other")
    full.store.close()
    full.settings.database_path.unlink()
    assert line("restore", tmp_path / "kept.tar", "--yes").exit_code == 0
    assert full.runs.get(beans, "other") == kept and kept.path.read_text() == file.read_text()


def test_all_moves_to_postgresql_with_the_adapters(line, full, server, tmp_path):
    before = judged(line)
    kept = line.json("backup", tmp_path / "kept.tar", "--json")
    full.store.close()
    name = server.create()
    settings = full.settings.model_copy(update={"home": tmp_path / "other", "database_url": server.url(name)})
    there = Session(settings)
    try:
        assert line.json("restore", tmp_path / "kept.tar", "--json", session=there)["rows"] == kept["rows"]
        assert line("judgments", "export", "--format", "jsonl", session=there).stdout == before != ""
        assert (settings.versions_path / "v1" / "adapter.safetensors").read_bytes() == b"weights"
        assert not settings.database_path.exists()
        asked = line("restore", tmp_path / "kept.tar", session=there, input="n\n")
        assert name in asked.output and asked.exit_code == 1
        (said,) = (check.words for check in doctor.examine(settings) if check.name == "database")
        assert said.startswith(f"postgresql:///{name} (PostgreSQL ") and "whole" in said
    finally:
        server.drop(name)
    result = line("collection", "list", session=there)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "a-secret" not in result.stderr and name in result.stderr
