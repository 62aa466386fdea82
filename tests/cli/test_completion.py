"""What a shell completes, and that it takes no time to speak of."""

import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli import complete_words
from tunewell.cli.main import cli


def script(shell):
    done = CliRunner().invoke(cli, ["completion", shell])
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def table():
    return json.loads(shlex.split(re.search(r"\(\$\((env .*?) \"\$COMP_CWORD", script("bash"))[1])[1].partition("=")[2])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    (tmp_path / ".git").mkdir()
    space = tw.Space(x=tw.Float(0.0, 1.0))
    for store, name in (("tunewell.db", "digits"), ("tunewell.db", "two words"), ("other.db", "elsewhere")):
        study = tw.Study(space, metric="loss", store=store, name=name, budget="3trials")
        study.ask()
        study.store.close()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tun", {"tune"}),
        ("s", {"scale-check", "steer", "space", "show"}),
        ("--set", {"--settings"}),
        ("tune --sch", {"--scheduler", "--schedule-from"}),
        ("tune --scheduler fr", {"freeze_thaw"}),
        ("tune --no-iso", {"--no-isolate"}),
        ("tune --warm-start d", {"digits"}),
        ("tune ", set()),
        ("tune --store ", set()),
        ("tune -- ", set()),
        ("nonsense ", set()),
        ("--settings none show d", {"digits"}),
        ("show ", {"digits", "'two words'"}),
        ("show --store other.db ", {"elsewhere"}),
        ("show --store=other.db ", {"elsewhere"}),
        ("show --store gone.db ", set()),
        ("steer digits ", {"0"}),
        ("show digits --trial ", {"0"}),
        ("export --format ", {"csv", "json", "xlsx"}),
        ("completion f", {"fish"}),
        ("completion in", {"install"}),
        ("steer digits 0 set ", {"x"}),
        ("steer digits 0 note ", set()),
        ("steer digits new queue --set ", {"x="}),
        ("propose digits ", {"x="}),
        ("propose digits x=0.1 ", {"x="}),
        ("propose nobody ", set()),
    ],
)
def test_what_may_stand_next(table, line, expected):
    words = ["tunewell", *re.split(" ", line)]
    assert set(complete_words.words(len(words) - 1, words, table)) == expected


def test_the_store_is_the_one_of_the_settings(table, folder, monkeypatch):
    (folder / "tunewell.toml").write_text('store = "other.db"')
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder / "sub")
    assert complete_words.words(2, ["tunewell", "best", ""], table) == ["elsewhere"]
    monkeypatch.setenv("TUNEWELL_STORE", str(folder / "tunewell.db"))
    assert "digits" in complete_words.words(2, ["tunewell", "best", ""], table)


def test_nothing_is_written_through_a_link_beside_a_store(table, folder):
    (folder / "victim").write_text("mine")
    for suffix in ("-wal", "-shm"):
        (folder / f"tunewell.db{suffix}").unlink(missing_ok=True)
        (folder / f"tunewell.db{suffix}").symlink_to(folder / "victim")
    complete_words.words(2, ["tunewell", "show", ""], table)
    assert (folder / "victim").read_text() == "mine"


def test_a_file_that_is_no_store_completes_nothing(table, folder):
    (folder / "tunewell.db").write_text("no database")
    (folder / "tunewell.toml").write_text("no TOML")
    assert complete_words.words(2, ["tunewell", "show", ""], table) == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_in_less_than_150_ms(folder):
    (folder / "c.sh").write_text(
        script("bash") + '\nCOMP_WORDS=(tunewell show dig); COMP_CWORD=2; _tunewell; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(["bash", "c.sh"], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout == "digits\n"
    assert after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime < 0.15


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_takes_its_script(shell, folder):
    (folder / "script").write_text(script(shell))
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n", "script"], check=True)


def test_it_imports_nothing_of_tunewell():
    code = f"import sys; sys.argv = ['x', '1', 'tunewell', '']; exec(open({complete_words.__file__!r}).read())"
    code += "; assert not any(name.startswith(('tunewell', 'click', 'numpy')) for name in sys.modules)"
    env = os.environ | {"TUNEWELL_COMPLETION": '{"": {"options": {}, "arguments": []}}'}
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, env=env)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_installed_it_is_where_the_shell_reads_it_and_once(shell, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", f"/bin/{shell}")
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / ".bashrc").write_text("alias ll='ls -l'")
    for _ in range(2):
        done = CliRunner().invoke(cli, ["completion", "install"])
        assert done.exit_code == 0, done.stderr
    assert "tunewell" in shown(shell, tmp_path)
    if shell == "bash":
        assert (tmp_path / ".bashrc").read_text().splitlines()[0] == "alias ll='ls -l'"
        assert (tmp_path / ".bashrc").read_text().count("source") == 1


def shown(shell, home):
    """Return what a shell knows of completing `tunewell` after it has begun as a person's would."""
    if shutil.which(shell) is None:
        files = {
            "zsh": home / ".local/share/tunewell/completion.zsh",
            "fish": home / ".config/fish/completions/tunewell.fish",
        }
        return files[shell].read_text()
    ask = {
        "bash": "complete -p tunewell",
        "zsh": "print -r -- $_comps[tunewell]",
        "fish": "complete --do-complete 'tunewell tun'",
    }
    run = {
        "bash": ["bash", "--rcfile", home / ".bashrc", "-i", "-c"],
        "zsh": ["zsh", "-i", "-c"],
        "fish": ["fish", "-c"],
    }
    return subprocess.run([*run[shell], ask[shell]], capture_output=True, text=True, check=False).stdout


def test_a_shell_that_is_not_known_is_to_be_named(monkeypatch):
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    done = CliRunner().invoke(cli, ["completion", "install"])
    assert done.exit_code == 2
    assert "--shell bash | zsh | fish" in done.stderr
    done = CliRunner().invoke(cli, ["completion", "bash", "--shell", "bash"])
    assert "--shell is for install" in done.stderr
