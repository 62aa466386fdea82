"""A value that is empty, as a variable is that a shell has not set, is no default: it is refused everywhere."""

import click
import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.errors import SettingError
from tunewell.stores import open_store

COMMANDS = {name: cli.get_command(None, name) for name in cli.list_commands(None)}
OPTIONS = [
    (name, param.opts[-1])
    for name, command in COMMANDS.items()
    for param in command.params
    if isinstance(param, click.Option) and not param.is_flag
]
ARGUMENTS = [
    name
    for name, command in COMMANDS.items()
    if any(isinstance(param, click.Argument) and param.nargs == 1 for param in command.params)
    and not any(param.nargs == -1 for param in command.params)
]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("command", "option"), OPTIONS, ids=lambda word: word)
def test_an_option_that_is_empty_is_refused_by_its_name(tmp_path, command, option):
    for given in ([option, ""], [option, "  "], [f"{option}="]):
        done = CliRunner().invoke(cli, [command, *given], prog_name="tunewell", input="")
        assert (done.exit_code, done.stderr.startswith(f"error: {option} is empty; give it ")) == (2, True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ARGUMENTS)
def test_an_argument_that_is_empty_is_refused(tmp_path, command):
    done = CliRunner().invoke(cli, [command, ""], prog_name="tunewell", input="")
    assert (done.exit_code, done.stderr.startswith("error: an argument is empty; ")) == (2, True)
    assert not list(tmp_path.iterdir())


def test_what_follows_two_dashes_may_be_empty():
    done = CliRunner().invoke(cli, ["tune", "--", "true", ""], prog_name="tunewell", input="")
    assert "is empty" not in done.stderr


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_name_is_refused_in_python_too(empty):
    with pytest.raises(SettingError, match="a study needs a name"):
        tw.Study(tw.Space(x=tw.Float(0.0, 1.0)), metric="loss", name=empty)
    with pytest.raises(SettingError, match="needs the name of a file"):
        open_store(empty)
    with pytest.raises(SettingError, match="checkpoints need the name of a folder"):
        open_store("a.db", checkpoints=empty)


def test_variables_that_are_blank_are_refused_and_empty_ones_are_not_set(tmp_path, monkeypatch):
    monkeypatch.setenv("TUNEWELL_STORE", "")
    monkeypatch.setenv("TUNEWELL_CHECKPOINTS", "")
    open_store("a.db").close()
    assert "no store at tunewell.db" in CliRunner().invoke(cli, ["list"]).stderr
    monkeypatch.setenv("TUNEWELL_CHECKPOINTS", "  ")
    with pytest.raises(SettingError, match="the name of a folder"):
        open_store("a.db")
    monkeypatch.setenv("TUNEWELL_STORE", "  ")
    assert "needs the name of a file" in CliRunner().invoke(cli, ["list"]).stderr
