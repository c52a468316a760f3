"""The log: one line per thing, as JSON or as text, with the ids it belongs to and nobody's words."""

import io
import json
import logging
import subprocess
import sys
import threading

import pytest

from data import logs
from data.errors import LMError, StoreError

SECRET = "why are my secret beans hard"


@pytest.fixture
def lines():
    """Sets the log up to be read; puts everything back at the end."""
    root, stream = logging.getLogger(), io.StringIO()
    before, level, hook = list(root.handlers), root.level, sys.excepthook
    root.handlers = []  # a service in this process may have set it up before

    def set_up(form="json", **facts):
        logs.set_up(form, logging.StreamHandler(stream), **facts)
        return stream

    yield set_up
    root.handlers, sys.excepthook = before, hook
    root.setLevel(level)
    logs.unbind()


def told(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_line_has_the_facts_of_its_process_and_of_what_it_is_part_of(lines):
    stream = lines(job_id="j1")
    with logs.bound(request_id="r1"):
        logs.write("ranked", {"documents": 3})
        with logs.bound(part=2):
            logging.getLogger("training.loop").info("Step %d.", 4, extra=logs.about(loss=0.5))
    logs.write("after")
    first, second, third = told(stream)
    assert (first["event"], first["job_id"], first["request_id"], first["documents"]) == ("ranked", "j1", "r1", 3)
    assert (second["event"], second["part"], second["loss"]) == ("Step 4.", 2, 0.5)
    assert first["time"].endswith("+00:00") and first["level"] == "info"
    assert third.keys() == {"time", "level", "event", "job_id"}


def test_another_thread_has_only_what_is_carried_there(lines):
    stream = lines()
    with logs.bound(request_id="r1"):
        works = [lambda: logs.write("bare"), logs.carried(lambda: logs.write("carried"))]
    for work in works:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    bare, carried = told(stream)
    assert "request_id" not in bare
    assert carried["request_id"] == "r1"


def test_of_an_error_there_is_its_kind_and_place_and_not_its_words(lines):
    stream = lines("json")
    try:
        json.loads(SECRET)
    except ValueError:
        logging.getLogger("training.loop").exception("It failed.")
        logs.set_up("text", logging.StreamHandler(stream))
        logging.getLogger("training.loop").exception("It failed.")
    first, second = stream.getvalue().splitlines()
    assert json.loads(first)["error"] == "JSONDecodeError"
    # The innermost place is the library's, the outermost ours.
    assert json.loads(first)["at"].startswith("decoder.py:")
    assert "test_logs.py" in json.loads(first)["at"]
    assert "secret" not in stream.getvalue()
    assert 'error="JSONDecodeError"' in second and "Traceback" not in second


def test_a_line_is_one_line_whatever_is_in_it(lines):
    stream = lines("text")
    logs.write("one\ntwo \x1b[31m", {"doc_id": "a\nb\x1b"})
    logs.set_up("json", logging.StreamHandler(stream))
    logs.write("one\ntwo", {"doc_id": "a\nb"})
    text, as_json = stream.getvalue().splitlines()
    assert "\x1b" not in text
    assert json.loads(as_json)["event"] == "one\ntwo"


def test_others_are_heard_from_warnings_on_and_named(lines):
    stream = lines()
    logging.getLogger("somebody").info("chatter")
    logging.getLogger("somebody.else").warning("careful")
    (line,) = told(stream)
    assert (line["event"], line["logger"]) == ("careful", "somebody.else")


def test_a_library_with_handlers_of_its_own_is_taken_over(lines):
    own = io.StringIO()
    for name in ("a_library", "a_library.errors"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.StreamHandler(own))
        logger.propagate = False
    stream = lines()
    logs.take_over("a_library")
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        logging.getLogger("a_library.errors").error("Uncaught", exc_info=error)
    assert own.getvalue() == ""
    assert told(stream)[0]["error"] == "ValueError"
    assert "secret" not in stream.getvalue()


def test_setting_up_again_writes_no_line_twice(lines):
    stream = lines()
    lines()
    logs.write("once")
    assert len(told(stream)) == 1


def test_a_process_hands_on_how_it_writes(lines):
    assert logs.handed_on() == {"form": "text"}
    lines("json", job_id="j1")
    assert logs.handed_on() == {"form": "json", "job_id": "j1"}


def test_what_ends_a_process_is_a_line_too():
    code = "from data import logs; logs.set_up('json', job_id='j1'); raise RuntimeError('secret')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    line = json.loads(ended.stderr)
    assert (ended.returncode, line["level"], line["error"], line["job_id"]) == (1, "critical", "RuntimeError", "j1")
    assert "secret" not in ended.stderr


def test_a_line_of_json_is_words_for_people():
    for form in ("json", "text"):
        line = logs.line(form, "The process ended by signal SIGKILL.", job_id="j1")
        assert logs.readable(line).endswith(' info The process ended by signal SIGKILL. job_id="j1"')
    for other in ("", "10%", "{", "{}", '{"event": 1}', '{"time": "t", "level": 1, "event": "e"}', "[1]"):
        assert logs.readable(other) == other
    assert "\n" not in logs.readable(json.dumps({"time": "t", "level": "info", "event": "a\nb"}))


def test_of_our_own_errors_only_those_of_the_machine_are_said():
    assert logs.of_error(LMError(SECRET, mend="x")).keys() == {"error", "at"}
    assert logs.of_error(StoreError("The disk is full.", mend="Make room."))["what"] == "The disk is full."


@pytest.mark.parametrize(("name", "said"), [("SettingsError", "It is wrong."), ("LMError", None)])
def test_our_own_error_that_ends_a_process_is_said_unless_a_server_may_speak_in_it(name, said):
    code = f"from data import errors, logs; logs.set_up('json'); raise errors.{name}('It is wrong.', mend='Mend it.')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    line = json.loads(ended.stderr)
    assert (line["error"], line.get("what")) == (name, said)
