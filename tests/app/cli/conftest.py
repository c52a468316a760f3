"""A command line on the home of the page tests' workbench."""

import json

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.cli.session import Session


class Line:
    """Runs commands; `json` also reads what they print, and expects them to succeed."""

    def __init__(self, session):
        self.session = session

    def __call__(self, *arguments, session=None, input=None):
        words = [str(argument) for argument in arguments]
        result = CliRunner().invoke(cli, words, obj=session or self.session, input=input, prog_name="whyrank")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    def json(self, *arguments, session=None):
        result = self(*arguments, session=session)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)


@pytest.fixture
def line(workbench, lm):
    return Line(Session(workbench.settings, lm))
