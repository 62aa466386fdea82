"""The list of commands, the files that hold them and the page that describes them are one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import tunewell.cli
from tunewell.cli.main import cli

WIDE = {**os.environ, "COLUMNS": "100"}
NAMES = cli.list_commands(None)
PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")


def options_of(name):
    return [one for one in cli.get_command(None, name).params if isinstance(one, click.Option)]


def test_each_file_of_a_command_is_registered_under_its_name():
    files = Path(tunewell.cli.__file__).parent.glob("*_command.py")
    assert sorted(file.stem.removesuffix("_command").replace("_", "-") for file in files) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_command_knows_itself_by_the_name_it_is_registered_under(name):
    command = cli.get_command(None, name)
    assert command.name == name
    assert command.callback.__module__ == f"tunewell.cli.{name.replace('-', '_')}_command"


def test_help_lists_every_command_and_there_is_a_version():
    shown = CliRunner().invoke(cli, ("--help",), prog_name="tunewell").stdout
    for name in NAMES:
        assert f"\n  {name} " in shown
    assert CliRunner().invoke(cli, ("--version",), prog_name="tunewell").stdout.startswith("tunewell ")
    assert CliRunner().invoke(cli, (), prog_name="tunewell").stdout == shown


def test_help_has_a_line_for_each_command_that_is_whole_and_loads_none_of_them():
    code = "import sys; from tunewell.cli.main import main; sys.argv = ['tunewell', '--help']; main()"
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], check=True, capture_output=True, text=True, env=WIDE
    )
    lines = shown.stdout.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == NAMES
    assert all(line.endswith(".") and "..." not in line for line in lines)
    assert "_command" not in shown.stderr
    assert "numpy" not in shown.stderr


@pytest.mark.parametrize("name", NAMES)
def test_every_command_and_every_option_has_help(name):
    assert cli.get_command(None, name).help
    for option in options_of(name):
        assert option.help, option.name


def test_the_page_on_commands_lists_them_in_the_order_of_the_help():
    assert re.findall(r"^tunewell ([\w-]+) ", PAGE.partition("\n\n")[2].partition("\n\n")[0], re.MULTILINE) == NAMES
    assert [name for name in re.findall(r"^## ([\w-]+)$", PAGE, re.MULTILINE) if name in NAMES] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_page_on_commands_mentions_each_option(name):
    assert f"\n## {name}\n" in PAGE
    for option in options_of(name):
        assert option.hidden or option.opts[0] in PAGE, f"{name} {option.opts[0]}"
