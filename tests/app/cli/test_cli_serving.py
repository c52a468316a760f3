"""`whyrank api` as a process of its own, with the tiny model."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from app.cli.session import Session

KEY = "a-key-of-this-test-only"


@pytest.fixture
def started(tmp_path, tiny_model):
    """Starts the command; ends it at the end."""
    processes = []

    def start(*arguments, **settings):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WHYRANK_")}
        chosen = {"home": tmp_path / "home", "model": tiny_model, "threads": 1, **settings}
        environment = {**kept, **{f"WHYRANK_{name.upper()}": str(value) for name, value in chosen.items()}}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "app.cli", "api", *arguments],
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_it_ranks_says_that_it_is_open_and_stops_when_told(started):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = started(api_port=port)
    assert f"http://127.0.0.1:{port}/v1/rerank" in process.stderr.readline()
    assert "not authenticated" in process.stderr.readline()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    body = json.dumps({"query": "beans", "documents": ["beans", "water"]})
    connection.request("POST", "/v1/rerank", body, {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert sorted(result["index"] for result in answer["results"]) == [0, 1]
    assert json.loads(process.stderr.readline())["documents"] == 2
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=120)
    assert (process.returncode, rest.splitlines()[-1]) == (0, "Stopped.")


def test_on_another_address_without_a_key_it_does_not_start(line):
    settings = line.session.settings.model_copy(update={"api_address": "0.0.0.0"})
    refused = line("api", session=Session(settings))
    assert refused.exit_code == 1
    assert "WHYRANK_API_KEY" in refused.stderr


def test_an_unknown_collection_is_said_before_anything_is_served(line, beans):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings = line.session.settings.model_copy(update={"api_port": free.getsockname()[1]})
    refused = line("api", "--collection", "nowhere", session=Session(settings))
    assert refused.exit_code == 1
    assert "beans" in refused.stderr


def test_a_vllm_in_a_container_is_made_this_homes(line, tmp_path, tiny_model):
    settings = line.session.settings.model_copy(update={"model": str(tiny_model)})
    told = line("serve", "--beside", "http://vllm:8000/v1", "--slots", "8", "--rank", "32", session=Session(settings))
    assert told.exit_code == 0, told.stderr
    assert "http://vllm:8000/v1: 8 at once, up to rank 32" in told.stderr
    assert settings.served_path.exists()
