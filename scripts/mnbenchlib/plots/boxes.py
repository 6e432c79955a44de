# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine drawn as boxes in boxes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log

from .tree import Box

PU_WIDTH, PU_HEIGHT = 1.0, 0.72
_GAP, _HEADER = 0.16, 0.5
_ASPECT = 1.8  # width by height that a box is to have, as far as its children allow


@dataclass
class Placed:
    """A box with its lower left corner and its size; y goes up."""

    box: Box
    depth: int
    x: float
    y: float
    width: float
    height: float
    header: float = 0.0  # at the top, for its name


def layout(machine: Box) -> list[Placed]:
    """All boxes, each before those in it."""
    width, height = _size(machine)
    return list(_place(machine, 0, 0.0, height, width, height))


def _headed(box: Box) -> float:
    return 0.0 if box.kind in ("PU", "core", "L2") else _HEADER


def _columns(box: Box, width: float, height: float) -> int:
    """Of the grid that the children, each of this size, stand in."""
    number = len(box.children)
    if box.kind in ("core", "L2"):
        return number
    return min(range(1, number + 1), key=lambda columns: _ugliness(number, columns, width / height))


def _ugliness(number: int, columns: int, ratio: float) -> float:
    """How far a grid is from the wanted shape, and how much of it are holes."""
    rows = ceil(number / columns)
    skew = abs(log(columns / rows * ratio / _ASPECT))
    return skew + 1.5 * (rows * columns - number) / number


def _cell(box: Box) -> tuple[float, float]:
    sizes = [_size(child) for child in box.children]
    return max(width for width, _ in sizes), max(height for _, height in sizes)


def _size(box: Box) -> tuple[float, float]:
    if box.kind == "PU":
        return PU_WIDTH, PU_HEIGHT
    width, height = _cell(box)
    columns = _columns(box, width, height)
    rows = ceil(len(box.children) / columns)
    return (columns * (width + _GAP) + _GAP,
            rows * (height + _GAP) + (_headed(box) or _GAP))


def _place(box: Box, depth: int, left: float, top: float, width: float,
           height: float) -> Iterator[Placed]:
    header = _headed(box)
    yield Placed(box, depth, left, top - height, width, height, header)
    if not box.children:
        return
    wide, high = _cell(box)
    columns = _columns(box, wide, high)
    for i, child in enumerate(box.children):
        row, column = divmod(i, columns)
        own_width, own_height = _size(child)
        yield from _place(child, depth + 1, left + _GAP + column * (wide + _GAP),
                          top - (header or _GAP) - row * (high + _GAP), own_width, own_height)
