"""How the command line speaks whatever the command: help, errors in one line, exit codes, start-up."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import typer
from typer.testing import CliRunner

from app.cli import cli, console
from app.cli.session import Session
from data.errors import BadRow, ImportRefusedError, NotFoundError, PromotionRefusedError
from data.records import Document

COMMANDS = [
    ("app",),
    ("worker",),
    ("doctor",),
    ("model", "fetch"),
    ("model", "list"),
    ("model", "promote"),
    ("model", "rollback"),
    ("collection", "import"),
    ("collection", "sample"),
    ("collection", "list"),
    ("collection", "rebuild"),
    ("collection", "rename"),
    ("collection", "delete"),
    ("rank",),
    ("judgments", "import"),
    ("judgments", "export"),
    ("train",),
    ("evaluate",),
    ("learn",),
    ("backup",),
    ("restore",),
]
HEAVY = {"torch", "streamlit", "transformers", "sqlalchemy", "numpy"}


def command_that(act):
    """A command line with one command that does `act`."""
    line = typer.Typer(cls=console.Commands)

    @line.callback()
    def root(debug: bool = False) -> None:
        """Nothing."""

    line.command("go")(act)
    return line


def raising(error):
    def act() -> None:
        raise error

    return command_that(act)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(command):
    result = CliRunner().invoke(cli, [*command, "--help"])
    assert result.exit_code == 0
    assert "whyrank " + " ".join(command) in " ".join(result.stdout.replace("│", " ").split())
    assert "Example:" in result.stdout


def test_help_and_errors_import_nothing_heavy():
    code = (
        "import sys\nfrom app.cli import cli\n"
        "for args in (['--help'], ['rank', '--help'], ['rank', 'x', '--depth', '0'], ['nonsense']):\n"
        "    try: cli(args)\n"
        "    except SystemExit: pass\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "No such command 'nonsense'. See: whyrank --help"),
        (["--nonsense"], "No such option: --nonsense. See: whyrank --help"),
        (["rank"], "Missing argument 'query'. See: whyrank rank --help"),
        (["rank", "why", "--fusion", "1.5"], "--fusion"),
        (["rank", "why", "--depth", "none"], "--depth"),
        (["judgments", "export", "--format", "csv"], "--format"),
    ],
)
def test_a_mistyped_command_line_is_one_line_and_exit_code_2(arguments, words):
    result = CliRunner().invoke(cli, arguments, prog_name="whyrank")
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert words in line


def test_an_error_says_what_and_mend_in_one_line():
    result = CliRunner().invoke(raising(NotFoundError("There is\nno x.", mend="Use y.")), ["go"])
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Error: There is no x. Use y.\n")


def test_a_refused_import_lists_its_rows_and_how_many_more_there_are():
    rows = [BadRow(file="docs.jsonl", line=7, reason="empty \x1b[31mtext")]
    error = ImportRefusedError("3 rows can't be read.", mend="Correct them.", rows=rows, count=3)
    result = CliRunner().invoke(raising(error), ["go"])
    assert result.stderr.splitlines() == [
        "docs.jsonl:7: empty \N{REPLACEMENT CHARACTER}[31mtext",
        "... and 2 more",
        "Error: 3 rows can't be read. Correct them.",
    ]


def test_a_refused_promotion_lists_the_conditions():
    error = PromotionRefusedError("Refused.", mend="Judge more.", reasons=["4 queries of 10"])
    result = CliRunner().invoke(raising(error), ["go"])
    assert result.stderr.splitlines() == ["- 4 queries of 10", "Error: Refused. Judge more."]


def test_an_unexpected_error_is_one_line_and_its_story_comes_with_debug():
    result = CliRunner().invoke(raising(RuntimeError("odd\nthing")), ["go"])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "RuntimeError: odd thing" in line
    assert "--debug" in line
    result = CliRunner().invoke(raising(RuntimeError("odd")), ["--debug", "go"])
    assert isinstance(result.exception, RuntimeError)


def test_ctrl_c_is_exit_code_130():
    result = CliRunner().invoke(raising(KeyboardInterrupt()), ["go"])
    assert (result.exit_code, result.stderr) == (130, "Stopped.\n")


def test_no_is_an_answer():
    line = command_that(lambda: console.confirm("Really?", yes=False))
    result = CliRunner().invoke(line, ["go"], input="n\n")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "Nothing was changed." in result.stderr


def test_json_is_valid_whatever_the_figures(capsys):
    console.give_json(
        {"document": Document(doc_id="d", text="é"), "p": float("nan"), "t": datetime(2026, 1, 2, tzinfo=UTC), 1: (2,)}
    )
    assert json.loads(capsys.readouterr().out) == {
        "document": {"doc_id": "d", "text": "é", "title": ""},
        "p": None,
        "t": "2026-01-02T00:00:00+00:00",
        "1": [2],
    }


def test_a_table_into_a_pipe_is_tab_separated_and_one_row_is_one_line(capsys):
    console.give_table(("a", "b"), [("x\ty\nz\x1b", None)])
    assert capsys.readouterr().out == "a\tb\nx y z\N{REPLACEMENT CHARACTER}\t\n"


def test_a_wrong_setting_names_its_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("WHYRANK_HOME", str(tmp_path))
    monkeypatch.setenv("WHYRANK_PORT", "eighty")
    result = CliRunner().invoke(cli, ["collection", "list"], obj=Session())
    assert result.exit_code == 1
    assert "WHYRANK_PORT" in result.stderr
    assert list(tmp_path.iterdir()) == []
