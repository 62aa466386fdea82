"""What is found in scripts that have never heard of tunewell, and how their values reach them."""

import json
import os
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from tunewell.errors import ScriptError
from tunewell.scripts import find_parameters
from tunewell.space.params import Choice, Float, Int
from tunewell.training.external_program import ExternalProgram
from tunewell.training.run import Run

HEAD = "import argparse, json, sys\np = argparse.ArgumentParser()\n"
TAIL = "\nargs = p.parse_args()\nopen('went-on', 'w').close()\nprint(json.dumps({'val_loss': 1.0}))\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def found(folder):
    """What is found in a script, given its text and the user's arguments."""

    def find(text, *arguments, static=False, name="train.py"):
        (folder / name).write_text(textwrap.dedent(text))
        return find_parameters([sys.executable, name, *arguments], static=static)

    return find


def flags(text):
    return HEAD + textwrap.dedent(text) + TAIL


class Channel:
    def report(self, *_, **__): ...


def filled(found, **params):
    """The command of a trial, after the interpreter."""
    run = Run({**found.space.defaults(), **params}, seed=7, channel=Channel())
    return ExternalProgram(found.command).filled({**run.params, "seed": run.seed, "trial": run.trial})[1:]


RICH = flags("""
    p.add_argument("--data-dir", default="data")
    g = p.add_argument_group("optimization")
    g.add_argument("--lr", "--learning-rate", type=float, default=1e-3)
    g.add_argument("-b", "--batch-size", type=int, default=64)
    p.add_argument("--epochs", type=int, default=3)
    p.add_argument("--dropout", type=lambda text: float(text), default=0.0)
    p.add_argument("--weight-decay", type=float, default=0)
    p.add_argument("--momentum", type=float, default=0.9)
    p.add_argument("--betas", type=float, nargs=2, default=[0.9, 0.999])
    p.add_argument("--hidden", type=int, nargs="+", default=[64, 32])
    p.add_argument("--optimizer", choices=["sgd", "adam"], default="adam")
    p.add_argument("--nesterov", action="store_true")
    p.add_argument("--no-bias", dest="bias", action="store_false")
    p.add_argument("--augment", action=argparse.BooleanOptionalAction, default=True)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--log-interval", type=int, default=10)
    p.add_argument("--verbose", action="store_true")
    p.add_argument("--num-classes", type=int, default=10)
    p.add_argument("--test-batch-size", type=int, default=10)
""")


@pytest.mark.parametrize("static", [False, True])
def test_each_hyperparameter_of_argparse_has_a_range_that_holds_its_default(found, static, folder):
    its = found(RICH, static=static)
    assert list(its.space.params.items()) == [
        ("lr", Float(1e-5, 0.1, scale="log", tier=1, default=1e-3)),
        ("batch_size", Choice([16, 32, 64, 128, 256, 512], ordered=True, tier=2, default=64)),
        ("dropout", Float(0.0, 0.6, tier=3, default=0.0)),
        ("weight_decay", Choice([0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1], ordered=True, tier=3, default=0.0)),
        ("momentum", Float(0.5, 0.999, scale="log1m", tier=2, default=0.9, when={"optimizer": "sgd"})),
        ("beta1", Float(0.5, 0.99, scale="log1m", tier=4, default=0.9)),
        ("beta2", Float(0.9, 0.9999, scale="log1m", tier=4, default=0.999)),
        ("hidden_1", Int(16, 512, scale="log", tier=2, default=64)),
        ("hidden_2", Int(16, 512, scale="log", tier=2, default=32)),
        ("optimizer", Choice(["sgd", "adam"], tier=2, default="adam")),
        ("nesterov", Choice([False, True], tier=3, default=False, when={"optimizer": "sgd"})),
        ("bias", Choice([False, True], tier=3, default=True)),
        ("augment", Choice([False, True], tier=3, default=True)),
    ]
    assert its.epochs == 3
    assert {name for name, _ in its.left_out} == {
        "data_dir", "seed", "log_interval", "verbose", "num_classes", "test_batch_size",
    }  # fmt: skip
    assert not (folder / "went-on").exists()


def test_the_values_of_a_trial_reach_the_script(found):
    its = found(RICH + "print(vars(args))", "--lr", "0.5")
    words = filled(its, optimizer="sgd", nesterov=True, bias=False, augment=False, beta1=0.8, hidden_2=99)
    assert words[:3] == ["train.py", "--lr", "0.5"]
    assert "--nesterov" in words
    assert "--no-bias" in words
    assert "--no-augment" in words
    assert words[words.index("--betas") :][:3] == ["--betas", "0.8", "0.999"]
    assert words[words.index("--hidden") :][:3] == ["--hidden", "64", "99"]
    assert words[-2:] == ["--seed", "7"]
    quiet = filled(its)
    assert not {"--nesterov", "--no-bias", "", "{bias:|--no-bias}"} & {*quiet}
    assert "--augment" in quiet


@pytest.mark.parametrize(
    "given",
    [["--lr", "0.1"], ["--lr=0.1"], ["--learning-rate", "0.1"], ["--learn", "0.1"], ["--batch-size=8", "--lr=.1"]],
)
def test_what_the_user_has_set_stays(found, given):
    its = found(RICH, *given)
    assert "lr" not in its.space.params
    assert ("lr", "is given in the command") in its.left_out
    assert list(its.command[2 : 2 + len(given)]) == given


@pytest.mark.parametrize("given", [["-b", "64"], ["-b64"]])
def test_a_short_flag_is_given_too(found, given):
    assert "batch_size" not in found(RICH, *given).space.params


def test_the_length_is_passed_on(found):
    its = found(RICH)
    assert "--epochs" not in its.command
    longer = its.with_epochs(30)
    assert longer.command[-2:] == ("--epochs", "30")
    assert longer.epochs == 30
    assert found(RICH, "--epochs", "5").epochs == 5


def test_flags_of_a_subcommand_come_after_its_word_and_those_of_all_before_it(found):
    its = found(
        flags("""
            p.add_argument("--dropout", type=float, default=0.1)
            commands = p.add_subparsers(dest="command", required=True)
            base = argparse.ArgumentParser(add_help=False)
            base.add_argument("--lr", type=float, default=0.1)
            train = commands.add_parser("train", parents=[base])
            train.add_argument("--momentum", type=float, default=0.9)
            commands.add_parser("test").add_argument("--alpha", type=float, default=0.5)
        """),
        "train",
        "--momentum=0.5",
    )
    assert its.command[2:] == ("--dropout", "{dropout}", "train", "--momentum=0.5", "--lr", "{lr}")


def test_a_command_that_is_missing_is_named(found):
    with pytest.raises(ScriptError, match="needs a command, one of train, test; add it"):
        found(
            flags("""
                commands = p.add_subparsers(required=True)
                commands.add_parser("train").add_argument("--lr", type=float, default=0.1)
                commands.add_parser("test")
            """)
        )


def test_flags_of_other_modules_and_of_a_parser_before_the_parser_are_found(found, folder):
    (folder / "options.py").write_text(
        "import argparse\n\ndef add(p):\n    p.add_argument('--weight-decay', type=float, default=1e-4)\n"
    )
    its = found("""
        import argparse
        from options import add
        first = argparse.ArgumentParser(add_help=False)
        first.add_argument("--config")
        known, rest = first.parse_known_args()
        p = argparse.ArgumentParser(parents=[first])
        p.add_argument("--lr", type=float, default=0.1)
        add(p)
        args = p.parse_args(rest)
        print("trains")
    """)
    assert its.space.names == ("lr", "weight_decay")


def test_one_that_lets_unknown_flags_pass_is_stopped_too(found, folder):
    its = found(RICH.replace("p.parse_args()", "p.parse_known_args()[0]"))
    assert "lr" in its.space.params
    assert not (folder / "went-on").exists()


def test_constants_of_a_flag_that_has_several_spellings_are_a_choice_of_words(found):
    its = found(
        flags("""
            p.add_argument("--lr", type=float, default=0.1)
            g = p.add_mutually_exclusive_group()
            g.add_argument("--sgd", dest="optimizer", action="store_const", const="sgd")
            g.add_argument("--adam", dest="optimizer", action="store_const", const="adam")
            p.set_defaults(optimizer="sgd")
        """)
    )
    assert its.space.params["optimizer"] == Choice(["--sgd", "--adam"], tier=2, default="--sgd")
    assert its.command[-1] == "{optimizer}"


def test_the_texts_that_the_source_compares_are_the_choices(found):
    its = found(
        flags("""
            p.add_argument("--opt", default="adam", help="the optimizer")
            p.add_argument("--act", type=str, default="relu")
            p.add_argument("--sched", default="none")
        """)
        + """
if args.opt == "adam":
    pass
elif args.opt in ("sgd", "rmsprop"):
    pass
act = {"relu": 1, "gelu": 2}[args.act]
match args.sched:
    case "none" | "cosine":
        pass
"""
    )
    assert {name: list(param.values) for name, param in its.space.params.items()} == {
        "opt": ["adam", "sgd", "rmsprop"],
        "act": ["relu", "gelu"],
        "sched": ["none", "cosine"],
    }


@pytest.mark.parametrize(
    ("text", "arguments", "says"),
    [
        (RICH.replace('-dir"', '-dir", required=True'), [], "train.py needs --data-dir; add it to the command"),
        (flags('p.add_argument("data")\np.add_argument("--lr", type=float, default=.1)'), [], "needs DATA; add it"),
        (RICH, ["--nothing", "3"], "its parser knows no --nothing 3"),
        (RICH, ["--optimizer", "lion"], "its parser refuses the command: argument --optimizer: invalid choice"),
        (RICH.replace("p.parse_args()", "p.parse_args([])"), [], "train.py:24 parses a list of its own"),
        ("import argparse\nimport no_such\n", [], "ModuleNotFoundError: No module named 'no_such' (train.py:2)"),
        ("import argparse\nx = input('how? ')\n", [], "asks for input"),
        ("import argparse, sys\nsys.exit('no GPU')\n", [], "with an error before it reads its command line: no GPU"),
        ("import argparse, os\nos._exit(3)\n", [], "ends with exit code 3"),
        (flags('p.add_argument("--data", default="x")'), [], "no hyperparameter is found in train.py"),
        ("print('trains')", [], "no hyperparameter is found in train.py"),
        ("def f(:", [], "is no Python that can be read"),
    ],
)  # fmt: skip
def test_what_cannot_be_looked_at_is_said_in_a_line(found, text, arguments, says):
    with pytest.raises(ScriptError) as error:
        found(text, *arguments)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_script_that_hangs_is_ended_with_all_that_it_has_started(found, monkeypatch, folder):
    from tunewell.scripts import looking

    monkeypatch.setattr(looking.look, "__defaults__", (2.0,))
    text = """
        import argparse, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
        open("child", "w").write(str(child.pid))
        time.sleep(60)
    """
    with pytest.raises(ScriptError, match=r"does not read its command line within 2 seconds; --static"):
        found(text)
    child = int((folder / "child").read_text())
    give_up_at = time.monotonic() + 10
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def test_a_required_hyperparameter_needs_no_value_by_hand(found):
    its = found(flags('p.add_argument("--lr", type=float, required=True)'))
    assert its.command[2:] == ("--lr", "{lr}")


def test_a_parameter_with_a_name_that_means_something_else_gets_another(found):
    its = found(flags('p.add_argument("--lambda", dest="lambda", type=float, default=0.5)'))
    assert its.space.names == ("lambda_",)


def test_the_defaults_are_inside_whatever_they_are(found):
    lines = [
        f'p.add_argument("--{name}-{i}", type=float, default={default})'
        for name in ("lr", "momentum", "dropout", "wd", "gamma", "label-smoothing", "temperature", "clip-grad", "beta1")
        for i, default in enumerate((0, 1e-12, 1e-5, 0.003, 0.5, 0.97, 0.99999, 1, 3.0, 1e4, -1, "None"))
    ]
    its = found(flags("\n".join(lines)))
    for name, param in its.space.params.items():
        assert param.default is None or param.contains(param.default), name
    assert len(its.space.params) > 70


NUMBERS = {"step": "0.1", "hidden-units": "64", "epochs": "7", "seed": "3"}


def test_numbers_that_follow_a_flag_are_the_parameters_of_another_language(folder):
    its = find_parameters(["./train.sh", "data", "--step", "0.1", "--hidden-units=64", "--epochs", "7", "--seed", "3"])
    assert its.to_confirm
    assert its.command == (
        "./train.sh", "data", "--step", "{step}", "--hidden-units={hidden_units}", "--epochs", "7", "--seed", "{seed}",
    )  # fmt: skip
    assert its.epochs == 7


def test_another_language_without_numbers_is_refused(folder):
    with pytest.raises(ScriptError, match="is no Python, so that it cannot be looked into"):
        find_parameters(["./train.sh", "data"])


def python(folder, name, text):
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text)
    return path


SMALL = flags('p.add_argument("--lr", type=float, default=0.1)\np.add_argument("--out", default=sys.argv[0])')


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("PY -u train.py", "PY -u train.py --lr {lr}"),
        ("PY -W ignore train.py", "PY -W ignore train.py --lr {lr}"),
        ("PY -m pkg.train", "PY -m pkg.train --lr {lr}"),
        ("PY -m pkg", "PY -m pkg --lr {lr}"),
        ("env A=1 PY train.py", "env A=1 PY train.py --lr {lr}"),
        ("nice -n 5 PY train.py", "nice -n 5 PY train.py --lr {lr}"),
        ("./train.py", "./train.py --lr {lr}"),
        ("bin/mytrain", "bin/mytrain --lr {lr}"),
        ("PY -m torch.distributed.run --nnodes 2 train.py", "PY -m torch.distributed.run --nnodes 2 train.py {it}"),
        ("uv run train.py", "uv run train.py --lr {lr}"),
        ("uv run mytrain", "uv run mytrain --lr {lr}"),
        ("poetry run python train.py", "poetry run python train.py --lr {lr}"),
        ("torchrun --standalone train.py", "torchrun --standalone train.py --lr {lr}"),
        ("accelerate launch --num_processes 2 train.py", "accelerate launch --num_processes 2 train.py --lr {lr}"),
    ],
)  # fmt: skip
def test_launchers_are_looked_through(folder, monkeypatch, command, expected):
    for name in ("train.py", "pkg/__init__.py", "pkg/train.py", "pkg/__main__.py"):
        python(folder, name, "" if name.endswith("__init__.py") else SMALL)
    shebang = f"#!{sys.executable}\n"
    for name, text in (
        ("train.py", shebang + SMALL),
        ("bin/mytrain", shebang + SMALL),
        ("tools/torchrun", shebang),
        ("tools/accelerate", shebang),
        ("tools/mytrain", shebang + SMALL),
        ("tools/uv", '#!/bin/sh\nshift\nexec "$@"\n'),
        ("tools/poetry", '#!/bin/sh\nshift\nexec "$@"\n'),
    ):
        python(folder, name, text).chmod(0o755)
    tools = f"{folder / 'tools'}{os.pathsep}{Path(sys.executable).parent}"
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    words = [sys.executable if word == "PY" else word for word in command.split()]
    its = find_parameters(words)
    assert " ".join(its.command).replace(sys.executable, "PY") == expected.replace("{it}", "--lr {lr}")


@pytest.mark.parametrize("words", [["-c", "print(1)"], ["-"]])
def test_python_without_a_script_is_refused(folder, words):
    with pytest.raises(ScriptError, match="names no script"):
        find_parameters([sys.executable, *words])


def test_a_file_that_is_not_there_is_named(folder):
    with pytest.raises(ScriptError, match=r"there is no file 'nowhere.py'"):
        find_parameters(["python", "nowhere.py"])


def test_what_is_found_is_plain_data(found):
    its = found(RICH)
    assert json.loads(json.dumps([*its.command])) == [*its.command]


def test_a_list_in_one_word_and_choices_of_numbers(found):
    its = found(
        flags("""
            import ast
            p.add_argument("--hidden", type=ast.literal_eval, default=[64, 64])
            p.add_argument("--batch-size", type=int, choices=[50, 100, 200], default=100)
            p.add_argument("--heads", type=int, choices=[1, 2, 3], default=2)
            p.add_argument("--lr", type=float, default=0.1)
            p.add_argument("--LR", type=float, default=0.2)
        """)
    )
    assert ("hidden", "is a list in one word") in its.left_out
    assert its.space.params["batch_size"] == Choice([50, 100, 200], ordered=True, tier=2, default=100)
    assert its.space.params["heads"] == Choice([1, 2, 3], ordered=True, tier=3, default=2)
    assert len(set(its.space.names)) == 4
    ExternalProgram(its.command).check(its.space)


def test_bounds_of_click_hold(found):
    pytest.importorskip("click")
    its = found("""
        import click
        @click.command()
        @click.option("--lr", type=click.FloatRange(1e-4, 0.2), default=0.1)
        @click.option("--dropout", type=click.FloatRange(0, 0.5), default=0.1)
        @click.option("--batch-size", type=click.IntRange(32, 128), default=64)
        def main(lr, dropout, batch_size): ...
        main()
    """)
    assert its.space.params["lr"] == Float(1e-4, 0.2, scale="log", tier=1, default=0.1)
    assert its.space.params["dropout"] == Float(0.0, 0.5, tier=3, default=0.1)
    assert its.space.params["batch_size"] == Choice([32, 64, 128], ordered=True, tier=2, default=64)


def test_constants_are_tuned_where_the_flags_are_none(found):
    its = found(
        """
        import argparse
        LR = 0.1
        EPOCHS = 3
        p = argparse.ArgumentParser()
        p.add_argument("--data", default="x")
        args = p.parse_args()
    """,
        "--data",
        "y",
    )
    assert its.space.names == ("lr",)
    assert its.command[-5:] == ("LR={lr}", "--", "train.py", "--data", "y")


def test_a_positional_argument_that_was_left_out_is_not_given(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        "import argparse\n"
        "parser = argparse.ArgumentParser()\n"
        "parser.add_argument('data', nargs='?', default='./data')\n"
        "parser.add_argument('--lr', type=float, default=0.1)\n"
        "parser.parse_args()\n"
    )
    reasons = {
        words: dict(find_parameters([sys.executable, str(script), *words]).left_out)["data"]
        for words in ((), ("here",))
    }
    assert "given" not in reasons[()]
    assert reasons[("here",)] == "is given in the command"


@pytest.mark.parametrize("is_required", [True, False])
def test_trials_save_below_a_folder_that_the_command_has_to_name(found, is_required):
    text = flags(
        f"p.add_argument('--lr', type=float, default=0.1)\np.add_argument('--output_dir', required={is_required})"
    )
    text = text.replace("\nargs", "\np.add_argument('--resume_from_checkpoint', default=None)\nargs")
    resume = found(text, "--output_dir", "out").resume
    below = ("--output_dir=out/{trial_folder}", "--resume_from_checkpoint={checkpoint?}")
    assert resume.words == (below if is_required else ())
    given = found(text, "--output_dir", "out", "--resume_from_checkpoint", "old").resume
    assert given.words == ()
