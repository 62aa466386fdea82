"""Where a study ran and with which code: from a real repository, a real process."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tunewell.study import provenance


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


@pytest.mark.parametrize("password", ["pa'ss", 'pa"ss', "pass"])
def test_a_password_is_not_on_record(repository, monkeypatch, password):
    urls = [f"postgresql://ada:{password}@host/db", f"--store=postgresql:///db?password={password}"]
    monkeypatch.setattr(sys, "argv", ["tunewell", "tune", "my script.py", *urls])
    words = [
        "tunewell",
        "tune",
        "my script.py",
        "postgresql://ada:***@host/db",
        "--store=postgresql:///db?password=***",
    ]
    assert shlex.split(provenance.gather().command) == words


HOSTILE = [
    ("core.fsmonitor", "{run}"),
    ("core.hooksPath", "{hooks}"),
    ("filter.harm.clean", "{run}"),
    ("filter.harm.process", "{run}"),
    ("core.sshCommand", "{run}"),
    ("core.pager", "{run}"),
    ("pager.status", "{run}"),
    ("core.askPass", "{run}"),
    ("core.editor", "{run}"),
    ("diff.external", "{run}"),
    ("alias.status", "!{run}"),
    ("alias.rev-parse", "!{run}"),
    ("core.alternateRefsCommand", "{run}"),
    ("gpg.program", "{run}"),
]


@pytest.mark.parametrize(("key", "value"), HOSTILE, ids=[key for key, _ in HOSTILE])
@pytest.mark.parametrize("place", ["config", "submodule"])
def test_nothing_that_a_repository_configures_is_run(repository, key, value, place):
    ran = repository / "ran"
    harm = repository / ".git" / "harm"
    harm.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(ran))}\ncat\n")
    harm.chmod(0o755)
    (repository / "hooks").mkdir()
    for hook in ("post-index-change", "reference-transaction", "fsmonitor-watchman"):
        shutil.copy(harm, repository / "hooks" / hook)
    theirs = repository
    if place == "submodule":
        theirs = repository / "sub"
        theirs.mkdir()
        git(theirs, "init", "--quiet")
        git(theirs, "commit", "--quiet", "--allow-empty", "-m", "Begin")
        git(repository, "add", "sub")
        git(repository, "commit", "--quiet", "-m", "A submodule")
    (theirs / ".gitattributes").write_text("* filter=harm\n")
    git(theirs, "config", key, value.format(run=harm, hooks=repository / "hooks"))
    (repository / "train.py").write_text("rate = 3\n")  # as long as before, so that its content is looked at
    ran.unlink(missing_ok=True)
    here = provenance.gather()
    assert not ran.exists()
    assert here.git_dirty is True
    assert len(here.git_commit) == 40


def test_objects_that_are_missing_are_not_fetched(repository):
    ran = repository / "ran"
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    (repository / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    git(repository, "config", "core.repositoryFormatVersion", "1")
    git(repository, "config", "extensions.partialClone", "origin")
    git(repository, "config", "remote.origin.promisor", "true")
    git(repository, "config", "remote.origin.url", f"ext::sh -c touch% {ran}")
    git(repository, "config", "protocol.ext.allow", "always")
    assert len(provenance.gather().git_commit) == 40
    assert not ran.exists()


def test_files_are_looked_at_in_this_folder_only(repository, tmp_path_factory):
    git(repository, "config", "core.worktree", str(tmp_path_factory.mktemp("elsewhere")))
    assert provenance.gather().git_dirty is None


def test_what_a_repository_ignores_is_no_change(repository):
    (repository / ".git" / "info" / "exclude").write_text("*.db\n")
    (repository / "tunewell.db").write_text("")
    assert provenance.gather().git_dirty is False


def test_a_second_working_tree_and_another_hash_are_known(repository, tmp_path_factory, monkeypatch):
    second = tmp_path_factory.mktemp("second") / "tree"
    git(repository, "worktree", "add", "--quiet", str(second))
    monkeypatch.chdir(second)
    assert provenance.gather().git_dirty is False
    third = tmp_path_factory.mktemp("third")
    git(third, "init", "--quiet", "--object-format=sha256")
    (third / "train.py").write_text("")
    git(third, "add", "train.py")
    git(third, "commit", "--quiet", "-m", "Begin")
    monkeypatch.chdir(third)
    here = provenance.gather()
    assert (len(here.git_commit), here.git_dirty) == (64, False)


def test_a_git_that_lies_in_the_folder_is_not_run(repository, monkeypatch):
    (repository / "git").write_text(f"#!/bin/sh\ntouch {shlex.quote(str(repository / 'ran'))}\n")
    (repository / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{os.curdir}{os.pathsep}{os.environ['PATH']}")
    provenance.gather()
    assert not (repository / "ran").exists()


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


@contextmanager
def another_process(code="input()"):
    """One that waits for a line; and what it said first, if the code says something."""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.communicate("\n")


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")


def test_a_process_runs_until_it_has_ended():
    with another_process(
        "from tunewell.study import provenance; print(provenance.gather().process); input()"
    ) as process:
        began = process.stdout.readline().strip()
        began = None if began == "None" else began
        assert provenance.is_running(process.pid, began)
        assert provenance.is_running(process.pid, None)
    assert not provenance.is_running(process.pid, began)
    assert not provenance.is_running(process.pid, None)


def test_this_process_runs():
    here = provenance.gather()
    assert provenance.is_running(here.pid, here.process)


@needs_proc
def test_a_process_is_known_by_the_boot_and_the_tick_in_which_it_began():
    boot, tick, _ = provenance.gather().process.split(":")
    assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    since_boot = int(tick) / os.sysconf("SC_CLK_TCK")
    assert 0 < since_boot < time.clock_gettime(time.CLOCK_BOOTTIME)


@needs_proc
def test_another_process_with_the_same_number_is_another():
    boot, tick, _ = provenance.gather().process.split(":")
    with another_process() as process:
        assert not provenance.is_running(process.pid, f"{boot}:{int(tick) - 1}")
        assert not provenance.is_running(process.pid, f"another-boot:{tick}")


@needs_proc
def test_a_name_with_parentheses_and_spaces_does_not_confuse(tmp_path):
    shell = tmp_path / "a) Z (b"
    shell.symlink_to(shutil.which("sleep"))
    with subprocess.Popen([shell, "60"]) as process:
        assert provenance.is_running(process.pid, None)
        assert not provenance.is_running(process.pid, "another-boot:1")
        process.kill()


@needs_proc
def test_a_process_that_was_killed_is_gone_though_its_parent_has_not_asked():
    with another_process() as process:
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        os.kill(process.pid, 0)  # it still has its number
        assert not provenance.is_running(process.pid, None)


@needs_proc
def test_processes_of_another_namespace_are_counted_elsewhere():
    boot, tick, namespace = provenance.gather().process.split(":")
    assert provenance.is_counted_here(f"{boot}:{tick}:{namespace}")
    assert not provenance.is_counted_here(f"{boot}:{tick}:{int(namespace) + 1}")
    assert provenance.is_counted_here(f"{boot}:{tick}")  # of a record of before namespaces were noted
    assert provenance.is_counted_here(None)
    assert provenance.is_counted_here(f"another-boot:{tick}:{namespace}")  # it is gone, wherever it was
