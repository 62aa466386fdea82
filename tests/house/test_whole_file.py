"""Files that are written whole or not at all."""

import errno
import os
import stat
import threading

import pytest

from tunewell.nn import Network
from tunewell.whole_file import whole_file


def write_half(file):
    with whole_file(file) as path:
        path.write_text("half")
        raise OSError("the disk is full")


def test_what_fails_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path):
    for before in (None, "old"):
        file = tmp_path / "x.csv"
        if before:
            file.write_text(before)
        with pytest.raises(OSError, match="full"):
            write_half(file)
        assert [child.name for child in tmp_path.iterdir()] == (["x.csv"] if before else [])
        assert not before or file.read_text() == before


def test_links_and_rights_stay(tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "real.csv").chmod(0o640)
    (tmp_path / "link.csv").symlink_to("real.csv")
    with whole_file(tmp_path / "link.csv") as path:
        path.write_text("new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "real.csv").stat().st_mode) == 0o640


def test_a_pipe_is_written_to(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    with whole_file(tmp_path / "pipe") as path:
        path.write_text("through")
    reader.join()
    assert read == ["through"]


def test_an_error_names_the_file_that_was_to_be_written(tmp_path):
    file = tmp_path / "x.csv"
    with pytest.raises(OSError, match=r"No space left on device: '.*x\.csv'"), whole_file(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OSError, match=r"denied: '.*x\.csv'$"), whole_file(file) as path:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    with pytest.raises(OSError, match=r"denied: 'another'"), whole_file(file):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "another")


def test_a_network_that_cannot_be_saved_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    file = tmp_path / "x.npz"
    file.write_text("old")

    def half(opened, **_):
        opened.write(b"half")
        raise OSError("the disk is full")

    network = Network([2, 1])
    monkeypatch.setattr("numpy.savez", half)
    with pytest.raises(OSError, match="full"):
        network.save(file)
    assert file.read_text() == "old"
    assert [child.name for child in tmp_path.iterdir()] == ["x.npz"]
