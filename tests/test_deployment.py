"""Dockerfile and compose.yaml against what they run: make targets, commands, settings, ports, the shipped student."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from app.cli import cli
from data import student
from data.settings import Settings
from engine.serving import command

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
DEFAULTS = Settings.model_fields
COMMANDS = set(typer.main.get_group(cli).commands)
LOOPBACK = "127.0.0.1"
KEYS = {
    "build", "cap_drop", "command", "depends_on", "deploy", "env_file", "environment", "healthcheck", "image", "init",
    "ipc", "ports", "profiles", "restart", "secrets", "security_opt", "volumes",
}  # fmt: skip


def instructions():
    """The Dockerfile as (instruction, words); continued lines are joined, comments left out."""
    lines = [line for line in DOCKERFILE.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines()]


def words_of(name):
    return [words for instruction, words in instructions() if instruction == name]


def environment_of(words):
    return dict(re.findall(r"(\w+)=(\S+)", words))


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def own(compose):
    """The services that run our image."""
    return {name: each for name, each in compose["services"].items() if each["image"] == "whyrank"}


def test_the_image_installs_by_the_makefiles_targets_and_nothing_else():
    steps = [words for words in words_of("RUN") if "apt-get" not in words and "useradd" not in words]
    assert steps == ["make dependencies", "make install"]
    assert "pip install" not in DOCKERFILE
    for target in ("dependencies", "install", "app"):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
    # `make app` on a machine stands on the same two stamps.
    rules = dict(re.findall(r"^([^\s:#]+):(?!=)(.*)$", MAKEFILE, re.MULTILINE))
    assert (rules["dependencies"].split()[0], rules["install"].split()[0]) == ("$(DEPENDENCIES)", "$(INSTALLED)")
    assert "$(INSTALLED)" in rules["model"] and "model" in rules["app"]
    assert "$(DEPENDENCIES)" in rules["$(INSTALLED)"] and "requirements.lock" in rules["$(DEPENDENCIES)"]


def test_the_lock_holds_what_the_project_asks_for():
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = {re.sub("[-_.]+", "-", line.split("==")[0]).lower() for line in lock.splitlines() if "==" in line}
    # The image's database may be PostgreSQL: nothing can be installed into it later.
    asked += ["psycopg", "psycopg-binary"]
    missing = {re.sub("[-_.]+", "-", name.partition("[")[0]).lower() for name in asked} - locked
    assert not missing


def test_the_locks_agree():
    """They are installed one after the other into the same environment."""
    pins = {}
    for path in ROOT.glob("requirements*.lock"):
        for line in path.read_text(encoding="utf-8").splitlines():
            name, pinned, version = line.partition("==")
            if pinned:
                pins.setdefault(re.sub("[-_.]+", "-", name).lower(), set()).add(version)
    assert {name: versions for name, versions in pins.items() if len(versions) > 1} == {}


def test_the_image_runs_without_root_and_is_asked_where_it_listens():
    assert words_of("USER") == ["10001"]
    assert "--uid 10001" in DOCKERFILE
    assert words_of("EXPOSE") == [f"{DEFAULTS['port'].default} {DEFAULTS['api_port'].default}"]
    (check,) = words_of("HEALTHCHECK")
    assert f"http://{LOOPBACK}:{DEFAULTS['port'].default}/_stcore/health" in check
    assert json.loads(words_of("ENTRYPOINT")[0]) == ["whyrank"]
    assert json.loads(words_of("CMD")[0])[0] in COMMANDS
    settings = [environment_of(words) for words in words_of("ENV")][-1]
    assert settings["WHYRANK_HOME"] == words_of("VOLUME")[0] == "/data"
    assert {name.removeprefix("WHYRANK_").lower() for name in settings if name.startswith("WHYRANK_")} <= set(DEFAULTS)


def test_only_what_runs_goes_into_the_image():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = [line[1:] for line in lines if line.startswith("!")]
    assert lines[1] == "*"
    assert all((ROOT / each).exists() for each in kept)
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    assert {each.rstrip("*") for each in packages["find"]["include"]} <= set(kept)
    assert ".streamlit/secrets.toml" not in kept and "var" not in kept


def test_services_have_known_keys_and_refer_to_what_is_there(compose):
    for name, service in compose["services"].items():
        assert set(service) <= KEYS, name
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name
        volumes = {each.partition(":")[0] for each in service.get("volumes", ())}
        assert volumes <= {"home", "./engine/serving/inside"} and "home" in set(compose["volumes"]), name
        assert {each["source"] for each in service.get("secrets", ())} <= set(compose["secrets"]), name
        for port in service.get("ports", ()):
            assert port.startswith(f"{LOOPBACK}:"), "open to this machine only"


def test_our_services_run_commands_there_are_with_settings_there_are(own):
    assert set(own) == {"setup", "app", "api", "served"}
    for service in own.values():
        assert service.get("command", ["app"])[0] in COMMANDS
        names = [name for name in service["environment"] if name.startswith("WHYRANK_")]
        assert {name.removeprefix("WHYRANK_").lower() for name in names} <= set(DEFAULTS)
        assert service["environment"]["WHYRANK_HOME"] == "/data"
    assert own["api"]["ports"] == [f"{LOOPBACK}:{DEFAULTS['api_port'].default}:{DEFAULTS['api_port'].default}"]
    assert own["app"]["ports"] == [f"{LOOPBACK}:{DEFAULTS['port'].default}:{DEFAULTS['port'].default}"]
    assert f"http://{LOOPBACK}:{DEFAULTS['api_port'].default}/healthz" in own["api"]["healthcheck"]["test"][-1]


def test_the_models_server_asks_for_the_key_everywhere(compose):
    """Everybody in the compose network reaches it, and it may load adapters."""
    vllm = compose["services"]["vllm"]
    assert f"--middleware={command.GUARD}" in vllm["command"]
    module = command.GUARD.partition(".")[0]
    ((folder, inside, _),) = [each.split(":") for each in vllm["volumes"] if each.startswith("./")]
    assert (ROOT / folder / f"{module}.py").is_file()
    assert vllm["environment"]["PYTHONPATH"] == inside
    assert vllm["environment"]["VLLM_API_KEY"] == "${WHYRANK_LM_API_KEY:-}"


def test_what_is_told_of_the_models_server_is_what_it_is_started_with(compose):
    served, vllm = compose["services"]["served"], compose["services"]["vllm"]
    told = dict(zip(served["command"][1::2], served["command"][2::2], strict=True))
    options = dict(each.partition("=")[::2] for each in vllm["command"])
    assert told["--beside"] == "http://vllm:8000/v1"
    assert (told["--slots"], told["--rank"]) == (options["--max-loras"], options["--max-lora-rank"])
    assert vllm["image"] == command.IMAGE
    assert served["profiles"] == vllm["profiles"]


def test_the_models_server_has_the_base_of_the_settings_room_for_adapters_and_no_port(compose):
    vllm = compose["services"]["vllm"]
    assert "ports" not in vllm and vllm["profiles"] == ["gpu"]
    options = dict(each.removeprefix("--").partition("=")[::2] for each in vllm["command"])
    base = f"${{WHYRANK_MODEL:-{DEFAULTS['model'].default}}}"
    assert (options["model"], options["served-model-name"]) == (f"/data/models/{base}", base)
    assert int(options["max-lora-rank"]) >= student.manifest()["config"]["lora_rank"]
    # Without modules named at the start, the first question to a version has it loaded: that needs leave, and a key.
    assert "lora-modules" not in options and vllm["environment"]["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "True"
