"""`tunewell completion`: a script with which a shell completes commands, options, studies and trials."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import click

from tunewell.cli import complete_words
from tunewell.cli.echo import echo
from tunewell.cli.main import COMMANDS

_SHELLS = {
    "bash": """_tunewell() {{
    local IFS=$'\\n'
    COMPREPLY=($({run} "$COMP_CWORD" "${{COMP_WORDS[@]}}" 2>/dev/null))
}}
complete -o default -F _tunewell tunewell""",
    "zsh": """#compdef tunewell
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
_ARGUMENTS = {"study": "study", "source": "study", "trial": "trial"}
_OPTIONS = {"STUDY": "study", "--trial": "trial"}


@click.command("completion")
@click.argument("shell", type=click.Choice([*_SHELLS]))
def command(shell: str) -> None:
    """Print a script with which a SHELL completes tunewell's commands, options, studies and trials.

    eval "$(tunewell completion bash)"                     # in ~/.bashrc
    eval "$(tunewell completion zsh)"                      # in ~/.zshrc, after compinit
    tunewell completion fish | source                      # in ~/.config/fish/config.fish
    """
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
    echo(_SHELLS[shell].format(run=shlex.join(run)))


def _about(command: click.Command) -> dict[str, object]:
    """Return the options of a command, each with what its value is, and what its arguments are."""
    options: dict[str, object] = {"--help": ""}
    for one in command.params:
        if isinstance(one, click.Option) and not one.hidden:
            options |= dict.fromkeys((one.opts[-1], *one.secondary_opts), _kind(one))
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    return {"options": options, "arguments": [_kind(one) or _ARGUMENTS.get(str(one.name), "file") for one in arguments]}


def _kind(param: click.Parameter) -> object:
    """Return the values that are to choose from, or the kind of the value; nothing for a flag."""
    if isinstance(param.type, click.Choice):
        return [*param.type.choices]
    if isinstance(param, click.Argument) or (isinstance(param, click.Option) and param.is_flag):
        return ""
    return _OPTIONS.get(param.opts[-1]) or _OPTIONS.get(param.metavar or "", "value")
