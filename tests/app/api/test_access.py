"""Who may ask the service, decided before it listens."""

import pytest

from app.api import access, server
from data.errors import SettingsError
from data.settings import Settings

KEY = "a-key-of-this-test-only"


@pytest.mark.parametrize(
    ("address", "key", "unauthenticated", "served"),
    [
        ("127.0.0.1", None, False, True),
        ("::1", None, False, True),
        ("localhost", None, False, True),
        ("0.0.0.0", None, False, False),
        ("::", None, False, False),
        ("192.0.2.1", None, False, False),
        ("0.0.0.0", None, True, True),
        ("0.0.0.0", KEY, False, True),
    ],
)
def test_others_are_let_in_only_with_a_key_or_where_that_was_said(tmp_path, address, key, unauthenticated, served):
    settings = Settings(home=tmp_path, api_address=address, api_key=key, unauthenticated=unauthenticated)
    if served:
        assert access.read(settings).open == (key is None)
        return
    with pytest.raises(SettingsError) as refused:
        access.read(settings)
    assert "WHYRANK_API_KEY" in refused.value.mend


@pytest.mark.parametrize(
    "key", ["guessable", " , ", f"{KEY},guessable", "with a blank in the middle", "\N{SNOWMAN}" * 20]
)
def test_a_key_that_can_be_guessed_or_sent_wrongly_serves_nobody_and_is_not_repeated(tmp_path, key):
    with pytest.raises(SettingsError) as refused:
        access.read(Settings(home=tmp_path, api_key=key))
    assert key.strip(" ,") == "" or key not in str(refused.value)


def test_keys_are_shown_nowhere(tmp_path):
    settings = Settings(home=tmp_path, api_key=KEY)
    assert KEY not in f"{settings!r} {access.read(settings)!r}"


def test_the_app_and_the_service_do_not_share_a_port(tmp_path):
    with pytest.raises(SettingsError, match="share port 8501"):
        server.checked(Settings(home=tmp_path, api_port=8501))
