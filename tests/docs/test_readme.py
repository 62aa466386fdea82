"""What stands in the README and the docs is true: its code runs, its commands and links exist."""

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "README.zh.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("benchmarks/**/*.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
]
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)


FUNCTION = ROOT / "docs" / "how-to" / "function.md"


@pytest.fixture
def script():
    return blocks(FUNCTION, "python")[0]


def best_of(script, budget, folder):
    """The best accuracy that `tunewell tune` finds for a script."""
    (folder / "train.py").write_text(script)
    arguments = ["tune", str(folder / "train.py"), "--budget", budget, "--store", str(folder / "tunewell.db"), "--json"]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    return tw.Study.open(folder / "tunewell.db").best.value


def test_the_script_of_the_page_begins_and_improves_as_the_page_says(script, tmp_path):
    names = {"__name__": "train"}
    exec(compile(script, "train.py", "exec"), names)
    untuned = tw.Run(names["space"].defaults(), seed=0)
    names["train"](untuned)
    assert max(report["val_accuracy"] for report in untuned.reports) == pytest.approx(0.72, abs=0.02)
    assert 0.9 <= best_of(script, "8", tmp_path) <= 0.99


@pytest.mark.slow
def test_the_script_of_the_page_gets_where_the_page_says(script, tmp_path):
    assert 0.97 <= best_of(script, "30", tmp_path) <= 0.99


def test_the_loop_of_the_page_runs(script):
    loop = blocks(FUNCTION, "python")[1]
    names = {"__name__": "train"}
    exec(compile(script, "train.py", "exec"), names)
    names["trained_one_epoch"] = lambda _, params: params.momentum
    assert "budget=30" in loop
    exec(compile(loop.replace("budget=30", "budget=4"), "function.md", "exec"), names)
    study = names["study"]
    assert study.best.value == max(trial.params.momentum for trial in study.trials)


def test_the_script_of_the_readme_trains_and_is_tuned(tmp_path):
    (script,) = blocks(ROOT / "README.md", "python")
    names = {"__name__": "train"}
    exec(compile(script, "README.md", "exec"), names)
    untuned = tw.Run(names["space"].defaults(), seed=0)
    names["train"](untuned)
    assert len(untuned.reports) == 50
    assert best_of(script, "3", tmp_path) > max(report["val_accuracy"] for report in untuned.reports)


def anchors(page):
    """What headings can be linked by, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@by_page
def test_each_link_leads_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
        file, _, anchor = target.partition("#")
        there = page.parent / file if file else page
        assert there.exists(), target
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), target


@by_page
def test_each_file_that_is_named_exists(page):
    for name in re.findall(r"`((?:src|tests|benchmarks|examples|docs|tunewell)/[\w./-]+)`", page.read_text()):
        assert (ROOT / name).exists() or (ROOT / "src" / name).exists(), name


def commands(page):
    """The command lines of a page: in blocks, and in the running text where more than a name is said."""
    blocked = re.findall(r"^(?:\$ )?tunewell (.*)$", "\n".join(blocks(page, r"(?:sh|console)?")), flags=re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [line.split("  ")[0] for line in blocked] + re.findall(r"`tunewell ([^`]+)`", prose)


@by_page
def test_each_command_and_option_exists(page):
    for line in commands(page):
        name, *arguments = shlex.split(line, comments=True)
        if name.startswith("-") or name == "COMMAND":
            continue
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, line
        options = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
        ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
        assert {argument for argument in ours if argument.startswith("-")} <= options | {"--help"}, line


@by_page
def test_each_line_for_a_shell_begins_with_a_program_that_there_is(page):
    lines = "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    assert {shlex.split(line)[0] for line in lines if line.strip()} <= {"tunewell", "python", "pip", "make", "git"}
