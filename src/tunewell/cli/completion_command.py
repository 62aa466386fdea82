"""`tunewell completion`: a script with which a shell completes commands, options, studies, trials and parameters."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path

import click

from tunewell.advice import advice
from tunewell.cli import complete_words
from tunewell.cli.echo import echo
from tunewell.cli.main import COMMANDS
from tunewell.errors import SettingError
from tunewell.whole_file import whole_file

_SHELLS = {
    "bash": """_tunewell() {{
    local IFS=$'\\n'
    COMPREPLY=($({run} "$COMP_CWORD" "${{COMP_WORDS[@]}}" 2>/dev/null))
}}
complete -o default -F _tunewell tunewell""",
    "zsh": """#compdef tunewell
(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit; }}
_tunewell() {{
    local -a found
    found=("${{(@f)$({run} $((CURRENT - 1)) "${{words[@]}}" 2>/dev/null)}}")
    if [[ -n "$found[1]" ]]; then compadd -Q -a found; else _files; fi
}}
compdef _tunewell tunewell""",
    "fish": """function __tunewell
    set -l before (commandline -opc)
    {run} (count $before) $before (commandline -ct) 2>/dev/null
end
complete -c tunewell -a '(__tunewell)'""",
}
_ARGUMENTS = {"study": "study", "source": "study", "trial": "trial", "settings": "setting", "arguments": "live"}
_OPTIONS = {"STUDY": "study", "STUDY|SOURCE": "study", "--trial": "trial", "NAME=VALUE": "setting"}
_RC = {"bash": "~/.bashrc", "zsh": "~/.zshrc"}


@click.command("completion")
@click.argument("shell", type=click.Choice([*_SHELLS, "install"]))
@click.option("--shell", "of", type=click.Choice([*_SHELLS]), help="Of install.  [default: that of $SHELL]")
def command(shell: str, of: str | None) -> None:
    """Print a script with which a SHELL completes tunewell's commands, options, studies, trials and parameters.

    \b
    tunewell completion install           # writes it where the shell finds it
    eval "$(tunewell completion bash)"    # or, in ~/.bashrc; the same with zsh in ~/.zshrc
    tunewell completion fish | source     # in ~/.config/fish/config.fish
    """  # noqa: D301  click wants the character itself
    if shell == "install":
        _install(of or _of_user())
    elif of is not None:
        raise SettingError(f"--shell is for install; to print the script of {of}: {advice('completion', of)}")
    else:
        echo(_script(shell))


def _of_user() -> str:
    """Return the shell that the user has.

    Raises:
        SettingError: it is none that is known here.
    """
    shell = Path(os.environ.get("SHELL", "")).name
    if shell not in _SHELLS:
        known = "it is not known which shell you use" if not shell else f"nothing is known of the shell {shell}"
        raise SettingError(f"{known}; name one: --shell {' | '.join(_SHELLS)}")
    return shell


def _install(shell: str) -> None:
    """Write the script where the shell finds it, and say where; once more after an update, it is written anew."""
    if shell == "fish":
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "fish" / "completions"
        path = folder / "tunewell.fish"
    else:
        path = (
            Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
            / "tunewell"
            / f"completion.{shell}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        file.write_text(f"{_script(shell)}\n", encoding="utf-8")
    echo(f"{path}: written")
    if shell in _RC:
        _source(Path(_RC[shell]).expanduser(), path)
    echo(f"a new {shell} completes tunewell; after an update of tunewell: {advice('completion', 'install')}")


def _source(rc: Path, script: Path) -> None:
    """Let a shell's file read a script, unless it does already."""
    line = f"source {shlex.quote(str(script))}"
    known = rc.read_text(encoding="utf-8") if rc.exists() else ""
    if line in known.splitlines():
        return
    with rc.open("a", encoding="utf-8") as file:
        file.write(f"{'' if not known or known.endswith(chr(10)) else chr(10)}{line}\n")
    echo(f"{rc}: reads it")


def _script(shell: str) -> str:
    """Return the script of a shell, with all that is known of the commands."""
    table: dict[str, dict[str, object]] = {
        "": {"options": {"--help": "", "--version": "", "--traceback": "", "--settings": "file"}, "arguments": []}
    }
    table |= {name: _about(load()) for name, load in COMMANDS.items()}
    run = [
        "env",
        f"TUNEWELL_COMPLETION={json.dumps(table)}",
        sys.executable,
        "-I",
        "-S",
        str(Path(complete_words.__file__)),
    ]
    return _SHELLS[shell].format(run=shlex.join(run))


def _about(command: click.Command) -> dict[str, object]:
    """Return the options of a command, each with what its value is, and what its arguments are."""
    options: dict[str, object] = {"--help": ""}
    for one in command.params:
        if isinstance(one, click.Option) and not one.hidden:
            options |= dict.fromkeys((one.opts[-1], *one.secondary_opts), _kind(one))
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    kinds = [_kind(one) or _ARGUMENTS.get(str(one.name), "file") for one in arguments]
    return {"options": options, "arguments": kinds, "repeats": bool(arguments) and arguments[-1].nargs == -1}


def _kind(param: click.Parameter) -> object:
    """Return the values that are to choose from, or the kind of the value; nothing for a flag."""
    if isinstance(param.type, click.Choice):
        return [*param.type.choices]
    if isinstance(param, click.Argument) or (isinstance(param, click.Option) and param.is_flag):
        return ""
    return _OPTIONS.get(param.opts[-1]) or _OPTIONS.get(param.metavar or "", "value")
