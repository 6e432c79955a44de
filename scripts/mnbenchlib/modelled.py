# SPDX-License-Identifier: GPL-2.0-or-later
"""The link between the models and the code: which functions each model stands for, and whether
they are still as they were when somebody last compared the two."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from . import ctokens
from .arches import TOP
from .errors import Failed
from .tables import write_whole

_MODELS = TOP / "core" / "models"
_LIST = _MODELS / "modelled.list"
_HEAD = """\
# SPDX-License-Identifier: GPL-2.0-or-later
# What the models stand for: MODEL FILE FUNCTION FINGERPRINT. `mnbench models` fails when a function
# changes; compare it with the model, mend that, and write this anew with `mnbench models --accept`.
"""
_OF = re.compile(r"^ \* OF (\S+):((?: \w+)+)$", re.MULTILINE)


def named(model: str) -> list[tuple[str, str]]:
    """The files and functions that a model's header names."""
    text = (_MODELS / f"{model}.pml").read_text(encoding="utf-8")
    return [(file, name) for file, names in _OF.findall(text) for name in names.split()]


def _fingerprints(file: str) -> dict[str, str]:
    """Each function's and macro's, blind to comments and layout."""
    try:
        source = (TOP / file).read_text(encoding="utf-8")
    except FileNotFoundError as err:
        raise Failed(f"models: {file} is named by a model, and is not there") from err
    try:
        functions = ctokens.functions(source)
    except ValueError as err:
        raise Failed(f"models: {file}: not understood as C: {err}") from err
    return {function.name: hashlib.sha256(
        " ".join(token.text for token in function.tokens).encode()).hexdigest()[:12]
        for function in functions}


def _now() -> dict[tuple[str, str, str], str | None]:
    """The fingerprints of all that is modelled; None: no such function."""
    found: dict[tuple[str, str, str], str | None] = {}
    files: dict[str, dict[str, str]] = {}
    for path in sorted(_MODELS.glob("*.pml")):
        for file, name in named(path.stem):
            if file not in files:
                files[file] = _fingerprints(file)
            found[path.stem, file, name] = files[file].get(name)
    return found


def changed(models: list[str]) -> Iterator[str]:
    """What is not as it was, of these models or of all."""
    accepted: dict[tuple[str, ...], str] = {}
    for line in _LIST.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            *key, fingerprint = line.split()
            accepted[tuple(key)] = fingerprint
    now = _now()
    for key in sorted({*accepted, *now}):
        if len(key) != 3:
            raise Failed(f"{_LIST}: a line is not MODEL FILE FUNCTION FINGERPRINT")
        model, file, name = key
        if models and model not in models or now.get(key, "") == accepted.get(key):
            continue
        if key not in now or key not in accepted:
            yield f"{model}: {file}: {name}(): modelled.list and the header of {model}.pml differ"
        elif now[key] is None:
            yield f"{model}: {file}: {name}() is not there any more"
        else:
            yield (f"{model}: {file}: {name}() changed since it was last compared with the model; "
                   f"compare, then scripts/mnbench models --accept")


def accept() -> None:
    """Write down that the models were compared with the code as it is."""
    lines = []
    for (model, file, name), fingerprint in sorted(_now().items()):
        if fingerprint is None:
            raise Failed(f"{model}.pml: {file} has no function {name}()")
        lines.append(f"{model} {file} {name} {fingerprint}\n")
    write_whole(_LIST, _HEAD + "".join(lines))
