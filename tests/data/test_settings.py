"""Settings: what a variable that is set to nothing means, scratch homes, and addresses that are shown."""

import pytest
from pydantic import ValidationError

from data.settings import Settings

OPTIONAL = ("database_url", "lm_url", "lm_api_key", "teacher_url", "teacher_model", "teacher_api_key")


@pytest.mark.parametrize("nothing", ["", "  "])
@pytest.mark.parametrize("name", OPTIONAL)
def test_an_address_or_key_of_nothing_is_none(monkeypatch, name, nothing):
    """Compose hands on `WHYRANK_LM_URL=` as a variable with nothing in it."""
    monkeypatch.setenv(f"WHYRANK_{name.upper()}", nothing)
    assert getattr(Settings(), name) is None
    assert getattr(Settings(**{name: nothing}), name) is None


def test_every_setting_takes_nothing_as_its_default(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"WHYRANK_{name.upper()}", raising=False)
    default = Settings()
    for name in Settings.model_fields:
        monkeypatch.setenv(f"WHYRANK_{name.upper()}", "")
    assert Settings() == default


def test_what_is_given_stays_as_it_is(monkeypatch):
    monkeypatch.setenv("WHYRANK_LM_URL", "http://127.0.0.1:8000/v1")
    monkeypatch.setenv("WHYRANK_API_KEY", "first-key-of-the-service,second-key-of-the-service")
    settings = Settings()
    assert settings.lm_url == "http://127.0.0.1:8000/v1"
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "first-key-of-the-service,second-key-of-the-service"


def test_a_scratch_home_never_comes_into_a_teams_database(tmp_path):
    team = Settings(home=tmp_path / "team", database_url="postgresql://me:word@host/db", threads=3)
    scratch = team.in_scratch(tmp_path / "scratch")
    assert (scratch.home, scratch.database_url, scratch.threads) == (tmp_path / "scratch", None, 3)


@pytest.mark.parametrize("name", ["lm_url", "teacher_url", "ray_address"])
def test_an_address_that_is_shown_holds_no_password(monkeypatch, name):
    monkeypatch.setenv(f"WHYRANK_{name.upper()}", "http://me:s3cret@host:8000/v1")
    with pytest.raises(ValidationError, match="password") as refused:
        Settings()
    assert "s3cret" not in str(refused.value)
    monkeypatch.setenv(f"WHYRANK_{name.upper()}", "http://host:8000/v1/@a")
    assert getattr(Settings(), name) == "http://host:8000/v1/@a"
