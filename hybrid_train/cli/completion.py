"""``completion``: what a shell offers when the tab key is pressed, for bash, zsh and fish.

The scripts are a few lines each and ask the program itself, which reads its own options: nothing grows stale.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from circuits.strategies import STRATEGIES
from hybrid_train.cli.options import Commands, Parser
from hybrid_train.cli.printing import DONE, PROGRAM, show
from hybrid_train.errors import ConfigError

SCRIPTS = {
    "bash": """\
# Put into ~/.bashrc: eval "$(hybrid-train completion bash)"
_hybrid_train() {
    local IFS=$'\\n' typed=("${COMP_WORDS[@]:1:COMP_CWORD}")
    COMPREPLY=($(hybrid-train completion --words "${typed[@]/#/=}" 2>/dev/null))
}
complete -o default -F _hybrid_train hybrid-train""",
    "zsh": """\
# Put into ~/.zshrc, behind compinit: eval "$(hybrid-train completion zsh)"
_hybrid_train() {
    local -a found
    found=("${(@f)$(hybrid-train completion --words "${(@)words[2,CURRENT]/#/=}" 2>/dev/null)}")
    if [[ -n $found[1] ]]; then compadd -- $found; else _files; fi
}
compdef _hybrid_train hybrid-train""",
    "fish": """\
# Put into ~/.config/fish/completions/hybrid-train.fish what `hybrid-train completion fish` prints
function __hybrid_train
    set -l typed (commandline -opc) (commandline -ct)
    hybrid-train completion --words "="$typed[2..-1] 2>/dev/null
end
complete -c hybrid-train -n __fish_use_subcommand -f -a '(__hybrid_train)'
complete -c hybrid-train -n 'not __fish_use_subcommand' -a '(__hybrid_train)'""",
}

_LISTS = ("finders", "strategies", "index")
"""Options that take a comma list."""


def add_commands(commands: Commands) -> None:
    """Add the commands of this family."""
    text = "Print a script by which a shell completes commands, options, finders and files."
    completion = commands.add_parser("completion", help="completion for bash, zsh or fish", description=text)
    completion.add_argument("shell", metavar="SHELL", nargs="?", choices=tuple(SCRIPTS), help=", ".join(SCRIPTS))
    completion.add_argument("--words", nargs="*", metavar="=WORD", help=argparse.SUPPRESS)
    completion.set_defaults(command=partial(_complete, commands))


def _complete(commands: Any, options: argparse.Namespace) -> int:
    if options.words is not None:
        typed = [word.removeprefix("=") for word in options.words]  # in front of each, as it may begin with a dash
        show("\n".join(suggestions(commands.choices, typed)))
        return DONE
    if options.shell is None:
        raise ConfigError(f"SHELL: missing, one of {', '.join(SCRIPTS)}, as in: {PROGRAM} completion bash")
    show(SCRIPTS[options.shell])
    return DONE


def suggestions(commands: Mapping[str, Parser], words: Sequence[str]) -> list[str]:
    """Return what the last word may become; nothing where it is a file's name, or anything.

    Args:
        commands: parsers by name.
        words: as typed after the program's name, up to the cursor.
    """
    *before, current = words or [""]
    before = [word for word in before if word != "="]  # bash makes it a word of its own
    current = "" if current == "=" else current
    if not before:
        return _beginning([*commands, "--help", "--version"], current)
    if before[0] not in commands:
        return []
    actions = commands[before[0]]._actions  # argparse has no other door
    flags = {flag: action for action in actions for flag in action.option_strings}
    if current.startswith("-") and "=" in current:
        flag, _, typed = current.partition("=")
        return [f"{flag}={value}" for value in _values(flags.get(flag), typed)]
    if current.startswith("-"):
        given = {id(flags[word]) for word in before if word in flags}
        free = [flag for flag, action in flags.items() if flag.startswith("--") and _free(action, given)]
        return _beginning(free, current)
    asked = flags.get(before[-1])
    if asked is not None and asked.nargs != 0:
        return _values(asked, current)
    positional = [action for action in actions if not action.option_strings]
    return _values(positional[0], current) if positional else []


def _free(action: argparse.Action, given: set[int]) -> bool:
    """Return whether an option may be given still."""
    return action.help is not argparse.SUPPRESS and (id(action) not in given or isinstance(action.default, list))


def _values(action: argparse.Action | None, typed: str) -> list[str]:
    """Return the values of an option that begin as typed; in a comma list the last of them."""
    if action is None:
        return []
    done, comma, last = typed.rpartition(",") if action.dest in _LISTS else ("", "", typed)
    return [f"{done}{comma}{value}" for value in _beginning(_known(action), last) if value not in done.split(",")]


def _known(action: argparse.Action) -> list[str]:
    if action.choices is not None:
        return list(map(str, action.choices))
    if action.dest in ("finders", "names"):
        from hybrid_train.finder.listing import listed_finders

        return [finder["name"] for finder in listed_finders()[0]]
    words = {"strategies": [*STRATEGIES], "index": ["neurons", "data"], "scope": ["query", "pairs"]}
    words |= {"adder": ["gidney", "draper"], "loading": ["all", "coordinate"]}
    return words.get(action.dest, [])


def _beginning(words: Sequence[str], typed: str) -> list[str]:
    return [word for word in words if word.startswith(typed)]
