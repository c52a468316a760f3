"""Settings as variables: read back they are the same, and secrets go only where they are asked for."""

import os
import subprocess
import sys

from data.settings import Settings
from training import on_ray
from training.environment import variables


def test_what_was_set_is_read_back(tmp_path, monkeypatch):
    settings = Settings(
        home=tmp_path, model="some-model", lm_url="http://127.0.0.1:1/v1", lm_api_key="hidden", threads=3
    )
    for name, value in variables(settings, secrets=True).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


def test_secrets_stay_out_unless_asked_for(tmp_path):
    settings = Settings(home=tmp_path, lm_api_key="hidden", database_url="postgresql://me:hidden@host/db")
    assert "hidden" not in " ".join(variables(settings, secrets=False).values())
    assert variables(settings, secrets=True)["WHYRANK_LM_API_KEY"] == "hidden"


def test_paths_are_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    found = variables(Settings(home="home", model="model"), secrets=False)
    assert found["WHYRANK_HOME"] == str(tmp_path / "home")
    assert found["WHYRANK_MODEL"] == str(tmp_path / "model")


def test_ray_is_given_no_secret_and_what_the_worker_works_without(tmp_path, monkeypatch):
    hidden = dict.fromkeys(("lm_api_key", "teacher_api_key", "api_key"), "hidden")
    team = Settings(home=tmp_path, database_url="postgresql://me:hidden@host/db", lm_url="http://gpu:1/v1", **hidden)
    told = on_ray.variables(team)
    assert "hidden" not in " ".join([*told.values(), on_ray.entrypoint("job", team, takeover=False)])
    assert "WHYRANK_DATABASE_URL" not in told and told["WHYRANK_LM_URL"] == "http://gpu:1/v1"
    # A node where others are set works with this worker's all the same.
    monkeypatch.setenv("WHYRANK_DATABASE_URL", "postgresql://another/db")
    monkeypatch.setenv("WHYRANK_LM_URL", "http://another:1/v1")
    for name, value in on_ray.variables(Settings(home=tmp_path, database_url=None, lm_url=None)).items():
        monkeypatch.setenv(name, value)
    assert (Settings().database_url, Settings().lm_url) == (None, None)


def test_a_node_without_the_database_refuses_the_job(tmp_path):
    """It would make a database of its own, find no such job there, and end as if the job were done."""
    settings = Settings(home=tmp_path, database_url="postgresql://me:hidden@host/db")
    command = on_ray.entrypoint("job", settings, takeover=True).removeprefix("exec ").split()
    bare = {name: value for name, value in os.environ.items() if not name.startswith("WHYRANK_")}
    ended = subprocess.run(
        [sys.executable, *command[1:]], env={**bare, **on_ray.variables(settings)}, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert "WHYRANK_DATABASE_URL" in ended.stderr
    assert not list(tmp_path.iterdir())
