# SPDX-License-Identifier: GPL-2.0-or-later
"""Completion for zsh: a function for each command, on zsh's own _arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .commandtree import Argument, Command

_HEAD = """\
#compdef mnbench
# SPDX-License-Identifier: GPL-2.0-or-later
# zsh completion for scripts/mnbench, made by `mnbench completion zsh`.
"""
# Found in $fpath it is called at once, sourced it registers itself.
_TAIL = """
if [[ $funcstack[1] == _mnbench ]]; then
	_mnbench "$@"
else
	compdef _mnbench mnbench
fi
"""
# The benchmark's binary has the same name, and other flags.
_NOT_THE_BINARY = "\t[[ $words[1] != */bench/mnbench ]] || return 1\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _escaped(text: str, special: str = r"[\\\[\]:]") -> str:
    return re.sub(special, lambda found: "\\" + found.group(), " ".join(text.split()))


# An action that finds nothing: after a mere message zsh would not go on to the flags.
_NOTHING = "( )"


def _values(argument: Argument) -> str:
    if argument.words and argument.listed:
        return f"_sequence compadd - {' '.join(argument.words)}"
    if argument.words:
        return f"({' '.join(argument.words)})"
    return {"folder": "_files -/", "file": "_files"}.get(argument.place, "")


def _flag(argument: Argument) -> Iterator[str]:
    """One specification a spelling; a flag that was given is offered again if it may be."""
    excluded = "*" if argument.many else f"({' '.join(argument.flags)})"
    value = f":{_escaped(argument.name)}:{_values(argument)}" if argument.name else ""
    for flag in argument.flags:
        equals = "=" if argument.name and flag.startswith("--") else ""
        yield _quoted(f"{excluded}{flag}{equals}[{_escaped(argument.help)}]{value}")


def _positional(argument: Argument) -> str:
    many = "*" if argument.many else ""
    return _quoted(f"{many}:{_escaped(argument.name)}:{_values(argument) or _NOTHING}")


def _name(command: Command) -> str:
    return "_" + "_".join(command.path)


def _function(command: Command, root: bool) -> str:
    specs = [spec for argument in command.flags for spec in _flag(argument)]
    specs += [_positional(argument) for argument in command.positional]
    body = _NOT_THE_BINARY if root else ""
    if command.below:
        body += "\tlocal context state state_descr line\n\ttypeset -A opt_args\n"
        specs += ["'1: :->name'", "'*:: :->rest'"]
    body += "\t_arguments -C \\\n" + " \\\n".join("\t\t" + spec for spec in specs)
    if not command.below:
        return f"\n{_name(command)}()\n{{\n{body}\n}}\n"
    names = "\n".join("\t\t\t" + _quoted(f"{below.path[-1]}:{_escaped(below.summary, '[:]')}")
                      for below in command.below)
    cases = "\n".join(f"\t\t{below.path[-1]}) {_name(below)} ;;" for below in command.below)
    body += f"""
\tcase $state in
\tname)
\t\tlocal -a names=(
{names}
\t\t)
\t\t_describe command names
\t\t;;
\trest)
\t\tcase $words[1] in
{cases}
\t\tesac
\t\t;;
\tesac"""
    return f"\n{_name(command)}()\n{{\n{body}\n}}\n"


def script(root: Command) -> str:
    """The script."""
    return _HEAD + "".join(_function(c, c is root) for c in root.walk()) + _TAIL
