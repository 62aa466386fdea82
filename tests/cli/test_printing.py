"""How commands print."""

import io
import sys

import click
import pytest

from tunewell.cli.echo import echo_data
from tunewell.cli.printing import facts, fitted, table
from tunewell.display.terminal import shown

ROW = (1, "sgd", 0.5)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def narrow_terminal(monkeypatch):
    # in the test itself, since pytest puts its own standard output in place after the fixtures
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "10")


def test_a_table_is_as_wide_as_the_terminal_and_its_headers_are_bold(monkeypatch):
    narrow_terminal(monkeypatch)
    assert list(table(("trial", "optimizer", "loss"), [ROW])) == [
        click.style("trial  optimizer", bold=True),
        "    1  sgd",
        "",
        click.style("trial  loss", bold=True),
        "    1   0.5",
    ]
    assert len(fitted("x" * 100)) == 20


def test_what_goes_to_a_file_is_whole():
    assert len(list(table(("trial", "optimizer", "loss"), [ROW]))) == 2
    assert fitted("x" * 1000) == "x" * 1000


def test_the_name_of_a_fact_is_dim():
    assert list(facts({"a": 1})) == [f"{click.style('a', dim=True)}  1"]


@pytest.mark.parametrize("code", ["0", "1", "2", "22", "31", "1;36", "39", "97"])
def test_what_is_bold_or_colored_stays_so(code):
    assert shown(f"\x1b[{code}mtrial\x1b[0m") == f"\x1b[{code}mtrial\x1b[0m"


@pytest.mark.parametrize("code", ["8", "5", "7", "1;8", "38;5;0", "40", ";;8", ""])
def test_a_name_cannot_hide_what_stands_beside_it(code):
    assert shown(f"\x1b[{code}mtrial") == f"\\x1b[{code}mtrial"


class FullDisk(io.RawIOBase):
    """Has room for ten bytes, and says of the eleventh that there is none, as an unbuffered file does."""

    content = b""

    def writable(self):
        return True

    def write(self, data):
        room = bytes(data[: 10 - len(self.content)])
        if not room:
            raise OSError(28, "No space left on device")
        self.content += room
        return len(room)


def test_data_for_which_an_unbuffered_output_has_no_room_are_an_error(monkeypatch):
    disk = FullDisk()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(disk, write_through=True))
    with pytest.raises(OSError, match="No space"):
        echo_data("0123456789abc")
    assert disk.content == b"0123456789"
