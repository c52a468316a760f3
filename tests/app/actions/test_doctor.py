"""The doctor looks at scratch homes, and changes nothing in them."""

import socket

import pytest

from app.actions import doctor, holding
from data.records import Document
from data.scales import DEFAULT_SCALE
from data.settings import Settings


@pytest.fixture
def settings(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return Settings(
            home=tmp_path / "home",
            model=str(tmp_path / "no-model"),
            lm_url=None,
            retriever="auto",
            threads=1,
            port=free.getsockname()[1],
        )


def looked(settings):
    return {check.name: check for check in doctor.examine(settings)}


def test_a_new_home_lacks_its_model_and_nothing_is_made_by_looking(settings):
    found = looked(settings)
    assert found["Python"].state == found["torch"].state == doctor.OK
    assert "1 threads" in found["torch"].words
    assert found["model"].state == doctor.MISSING
    assert found["model"].mend
    assert (found["database"].state, found["worker"].state) == (doctor.NOTE, doctor.NOTE)
    assert found[f"port {settings.port}"].words == "free"
    assert not settings.home.exists()


def test_every_check_that_is_not_ok_has_a_mend(settings):
    assert all(check.mend for check in doctor.examine(settings) if check.state != doctor.OK)


def test_a_collection_without_index_is_missing_it(settings, store):
    store.collections.add(name="beans", scale=DEFAULT_SCALE, documents=[Document(doc_id="d", text="Beans.")])
    found = looked(settings)
    assert found["database"].state == doctor.OK
    assert found["index of beans"].state == doctor.MISSING
    assert found["index of beans"].mend == "whyrank collection rebuild beans"


def test_a_damaged_database_is_said_with_the_mend(settings):
    settings.home.mkdir()
    settings.database_path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    found = looked(settings)["database"]
    assert found.state == doctor.MISSING
    assert "restore" in found.mend
    assert settings.database_path.stat().st_size == 5016


def test_a_running_worker_and_app_are_seen(settings):
    with (
        holding.hold(holding.worker_lock(settings), what="", mend=""),
        holding.hold(holding.app_lock(settings), what="", mend=""),
        socket.socket() as serving,
    ):
        serving.bind(("127.0.0.1", settings.port))
        serving.listen()
        found = looked(settings)
    assert found["worker"].state == doctor.OK
    assert "WhyRank serves" in found[f"port {settings.port}"].words


def test_a_port_taken_by_another_program_is_noted(settings):
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.port))
        other.listen()
        found = looked(settings)[f"port {settings.port}"]
    assert found.state == doctor.NOTE
    assert "WHYRANK_PORT" in found.mend


def test_a_served_model_is_not_looked_for(settings):
    served = settings.model_copy(update={"lm_url": "http://127.0.0.1:9/v1"})
    assert looked(served)["model"].state == doctor.OK
