"""Settings as variables: read back they are the same, and secrets go only where they are asked for."""

from data.settings import Settings
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
