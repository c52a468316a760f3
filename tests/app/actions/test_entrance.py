"""How people come in: a login is used whole or not at all, and nobody is served without one by mistake."""

import pytest

from app.actions import doctor, entrance, launch
from data.errors import SettingsError
from data.settings import Settings

SECRET = "an-own-secret-that-nobody-may-ever-read"
SHARED = f'redirect_uri = "https://rank.example.org/oauth2callback"\ncookie_secret = "{SECRET}"\n'
PROVIDER = (
    f'client_id = "whyrank"\nclient_secret = "{SECRET}"\n'
    'server_metadata_url = "https://id.example.org/.well-known/openid-configuration"\n'
)
WHOLE = "[auth]\n" + SHARED + PROVIDER


@pytest.fixture
def configured(tmp_path):
    """Settings with a secrets file of this text; without one there is no file."""

    def made(text=None, **given):
        path = tmp_path / "secrets.toml"
        if text is not None:
            path.write_text(text)
            path.chmod(0o600)
        return Settings(home=tmp_path / "home", secrets=path, **given)

    return made


def test_without_a_section_there_is_no_login(configured, tmp_path):
    assert entrance.read(configured('api = "x"')).local
    default = Settings(home=tmp_path)
    assert entrance.read(default).local or default.secrets.exists()


def test_a_login_with_one_provider_or_several(configured):
    one = entrance.read(configured(WHOLE))
    assert (one.providers, one.host, one.encrypted, one.local) == (("default",), "rank.example.org", True, False)
    several = f"[auth]\n{SHARED}[auth.google]\n{PROVIDER}[auth.keycloak]\n{PROVIDER}"
    assert entrance.read(configured(several)).providers == ("google", "keycloak")
    plain = entrance.read(configured(WHOLE.replace("https://rank", "http://rank")))
    assert not plain.encrypted
    assert entrance.read(configured(WHOLE.replace("https://rank.example.org", "http://127.0.0.1:{port}"))).encrypted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "can't be read"),
        ("[auth\n" + SECRET, "no valid TOML"),
        ("auth = 3", "not a section"),
        ("[auth]\n", "redirect_uri"),
        ("[auth]\n" + SHARED, "client_id"),
        (WHOLE.replace("/oauth2callback", "/elsewhere"), "redirect_uri"),
        (WHOLE.replace(f'cookie_secret = "{SECRET}"', 'cookie_secret = "short"'), "cookie_secret"),
        (WHOLE.replace(f'client_secret = "{SECRET}"\n', ""), "client_secret"),
        (WHOLE.replace("https://id.", "id."), "server_metadata_url"),
        (f"[auth]\n{SHARED}[auth.my_id]\n{PROVIDER}", "underscore"),
        (f"[auth]\n{SHARED}[auth.google]\nclient_id = 'x'\n", r"\[auth.google\].*client_secret"),
    ],
)
def test_a_login_that_is_not_whole_serves_nobody_and_tells_no_secret(configured, text, said):
    settings = configured(text)
    with pytest.raises(SettingsError, match=said) as refused:
        entrance.read(settings)
    assert refused.value.mend
    assert SECRET not in str(refused.value)
    assert "short" not in str(refused.value)
    with pytest.raises(SettingsError):
        launch.app_command(settings)


@pytest.mark.parametrize(
    ("address", "login", "unauthenticated", "served"),
    [
        ("127.0.0.1", False, False, True),
        ("127.0.0.2", False, False, True),
        ("localhost", False, False, True),
        ("::1", False, False, True),
        ("0.0.0.0", False, False, False),
        ("::", False, False, False),
        ("192.168.1.5", False, False, False),
        ("rank.example.org", False, False, False),
        ("0.0.0.0", True, False, True),
        ("0.0.0.0", False, True, True),
    ],
)
def test_others_reach_it_only_by_a_login_or_on_purpose(configured, address, login, unauthenticated, served):
    settings = configured(WHOLE if login else "", address=address, unauthenticated=unauthenticated)
    found = {check.name: check for check in [doctor._people(settings)]}["who may come in"]
    assert (found.state == doctor.MISSING) is not served
    if served:
        entrance.check_address(settings, entrance.read(settings))
        assert found.state == (doctor.NOTE if login or unauthenticated else doctor.OK)
    else:
        with pytest.raises(SettingsError, match="no login"):
            entrance.check_address(settings, entrance.read(settings))


def test_the_app_answers_only_to_its_own_names(configured):
    assert entrance.hosts(configured(""), entrance.Entrance()) == ["127.0.0.1", "localhost"]
    settings = configured(WHOLE, address="0.0.0.0", hosts="rank.lan, 10.0.0.7")
    command = launch.app_command(settings)
    given = [command[i + 1] for i, word in enumerate(command) if word == "--server.allowedHosts"]
    assert given == ["127.0.0.1", "localhost", "rank.example.org", "rank.lan", "10.0.0.7"]
    assert command[command.index("--server.address") + 1] == "0.0.0.0"
    assert command[command.index("--secrets.files") + 1] == str(settings.secrets)
    assert SECRET not in " ".join(command)
    assert "--secrets.files" not in launch.app_command(configured(""))


def test_the_doctor_warns_of_a_login_that_is_weak(configured):
    settings = configured(WHOLE, admins="root@x.org")
    assert doctor._people(settings).state == doctor.OK
    settings.secrets.chmod(0o644)
    assert "chmod 600" in doctor._people(settings).mend
    assert "WHYRANK_ADMINS" in doctor._people(configured(WHOLE)).words
    assert "https" in doctor._people(configured(WHOLE.replace("https://rank", "http://rank"), admins="a@b.c")).words


def test_the_address_it_says_can_be_opened(configured):
    assert launch.url(configured("", address="0.0.0.0", port=8600)) == "http://127.0.0.1:8600"
    assert launch.url(configured("", address="::1", port=8600)) == "http://[::1]:8600"
    with pytest.raises(SettingsError, match="WHYRANK_ADDRESS"):
        launch.check_port(0, "192.0.2.1")
