# SPDX-License-Identifier: GPL-2.0-or-later
"""Completion for bash: a function with the commands' words in it."""

from __future__ import annotations

from collections.abc import Iterator

from .commandtree import Argument, Command

# bash takes `=` for a word of its own. A value that begins in the same word as what went before
# it (a list by commas) is replaced whole, so it is offered whole.
_SCRIPT = """\
# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for scripts/mnbench, made by `mnbench completion bash`.

_mnbench_words()
{
	COMPREPLY=($(compgen -W "$1" -- "$2"))
}

_mnbench_list()
{
	local before=
	[[ $2 != *,* ]] || before=${2%,*},
	COMPREPLY=($(compgen -P "$before" -W "$1" -- "${2##*,}"))
	compopt -o nospace 2>/dev/null
}

_mnbench_files()
{
	local IFS=$'\\n'
	COMPREPLY=($(compgen "$1" -- "$2"))
	compopt -o filenames 2>/dev/null
}

_mnbench()
{
	local word=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD-1]} at=mnbench at_word=0 i
	COMPREPLY=()
	# The benchmark's binary has the same name, and other flags.
	[[ $1 != */bench/mnbench ]] || return 0
	if [[ $word == = ]]; then
		word=
	elif [[ $flag == = ]]; then
		flag=${COMP_WORDS[COMP_CWORD-2]}
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		case "$at ${COMP_WORDS[i]}" in
@PATHS@)
			at+=" ${COMP_WORDS[i]}"
			at_word=$i
			;;
		esac
	done
	case "$at $flag" in
@VALUES@
	esac
	if [[ $word == -* ]]; then
		case $at in
@FLAGS@
		esac
		return 0
	fi
	case $at in
@OTHERS@
	esac
}
complete -F _mnbench mnbench
"""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _action(argument: Argument) -> str:
    """What offers the argument's values; nothing where they are not known."""
    if argument.words:
        how = "_mnbench_list" if argument.listed else "_mnbench_words"
        return f"{how} {_quoted(' '.join(argument.words))} \"$word\""
    if argument.place:
        return f"_mnbench_files {'-d' if argument.place == 'folder' else '-f'} \"$word\""
    return ":"


def _case(pattern: str, action: str, indent: str) -> str:
    return f"{indent}{pattern})\n{indent}\t{action}\n{indent}\t;;"


def _values(command: Command) -> Iterator[str]:
    for argument in command.flags:
        if argument.name:
            pattern = " | ".join(_quoted(" ".join((*command.path, flag)))
                                 for flag in argument.flags)
            yield _case(pattern, f"{_action(argument)}\n\t\treturn 0", "\t")


def _flags(command: Command) -> str:
    words = " ".join(flag for argument in command.flags for flag in argument.flags)
    return _case(_quoted(" ".join(command.path)), f"_mnbench_words {_quoted(words)} \"$word\"",
                 "\t\t")


def _others(command: Command) -> Iterator[str]:
    """What may stand where no flag does; of several arguments, the last: it is there longest."""
    if command.below:
        names = " ".join(below.path[-1] for below in command.below)
        yield _case(_quoted(" ".join(command.path)), "((COMP_CWORD > at_word + 1)) || "
                    f"_mnbench_words {_quoted(names)} \"$word\"", "\t")
    elif command.positional:
        yield _case(_quoted(" ".join(command.path)), _action(command.positional[-1]), "\t")


def script(root: Command) -> str:
    """The script."""
    commands = list(root.walk())
    paths = " | \\\n".join("\t\t" + _quoted(" ".join(c.path)) for c in commands if c is not root)
    parts = {"PATHS": paths,
             "VALUES": "\n".join(case for c in commands for case in _values(c)),
             "FLAGS": "\n".join(_flags(c) for c in commands),
             "OTHERS": "\n".join(case for c in commands for case in _others(c))}
    text = _SCRIPT
    for name, part in parts.items():
        text = text.replace(f"@{name}@", part)
    return text
