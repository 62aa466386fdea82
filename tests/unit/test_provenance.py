"""Where a study ran and with which code: from a real repository, a real process."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from tunewell import provenance


def git(folder, *arguments):
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "--quiet")
    (tmp_path / "train.py").write_text("rate = 1\n")
    git(tmp_path, "add", "train.py")
    git(tmp_path, "commit", "--quiet", "-m", "Begin")
    return tmp_path


def test_the_commit_is_on_record_and_whether_the_code_was_changed_since(repository):
    here = provenance.gather()
    assert here.git_commit == git(repository, "rev-parse", "HEAD")
    assert here.git_dirty is False
    (repository / "train.py").write_text("rate = 2\n")
    assert provenance.gather().git_dirty is True


def test_a_folder_within_the_repository_will_do(repository, monkeypatch):
    (repository / "sub").mkdir()
    monkeypatch.chdir(repository / "sub")
    assert provenance.gather().git_commit == git(repository, "rev-parse", "HEAD")


def test_without_a_repository_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    here = provenance.gather()
    assert (here.git_commit, here.git_dirty) == (None, None)


def test_without_git_there_is_no_commit(repository, monkeypatch):
    monkeypatch.setenv("PATH", str(repository))
    assert provenance.gather().git_commit is None


def test_a_repository_with_no_commit_yet_has_none(repository):
    shutil.rmtree(repository / ".git")
    git(repository, "init", "--quiet")
    assert provenance.gather().git_commit is None


def test_the_process_and_its_packages_are_named(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tunewell", "tune", "my train.py"])
    here = provenance.gather()
    assert here.command == "tunewell tune 'my train.py'"
    assert here.pid == os.getpid()
    assert {"python", "tunewell", "numpy", "scipy"} <= here.versions.keys()


def test_a_process_runs_until_it_has_ended():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert provenance.is_running(process.pid, time.time())
        process.communicate(b"\n")
    assert not provenance.is_running(process.pid, time.time())


def test_a_process_that_began_later_is_another_with_the_same_number():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert not provenance.is_running(process.pid, time.time() - 3600)
        process.communicate(b"\n")
