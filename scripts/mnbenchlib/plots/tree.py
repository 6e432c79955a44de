# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine as hwloc's XML tells of it: a tree of what holds its PUs."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UserError

FILE = "topology.xml"  # as a run leaves it

# What is worth a box; everything else is passed through.
_KINDS = {"Machine": "machine", "Package": "package", "Die": "die", "Group": "group",
          "NUMANode": "node", "L3Cache": "L3", "L2Cache": "L2", "Core": "core", "PU": "PU"}


@dataclass
class Box:
    """A part of the machine: a machine, package, node, L3, L2, core or PU, with what is in it."""

    kind: str
    index: str  # the OS's, "" where it has none
    children: list[Box] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Such as "package 0"."""
        return self.kind if self.kind == "machine" else f"{self.kind} {self.index}".strip()

    def pus(self) -> Iterator[int]:
        """The PUs in it, neighbours by what they share beside one another."""
        if self.kind == "PU":
            yield int(self.index)
        for child in self.children:
            yield from child.pus()

    def paths(self, above: tuple[Box, ...] = ()) -> Iterator[tuple[int, tuple[Box, ...]]]:
        """Each PU, with the boxes that it is in from the outermost on."""
        if self.kind == "PU":
            yield int(self.index), above
        for child in self.children:
            yield from child.paths((*above, self))


def read(path: Path) -> Box:
    """The machine of a file of hwloc's XML."""
    try:
        root = ElementTree.parse(path).getroot()
        machine = next(iter(_boxes(root.find("object"))))
        if len(set(machine.pus())) != len(list(machine.pus())):
            raise ValueError("a PU is in it twice")
        if not list(machine.pus()):
            raise ValueError("no PU is in it")
    except OSError as e:
        raise UserError(f"{path}: {e.strerror or e}; a run leaves it beside its CSV") from e
    except (ElementTree.ParseError, ValueError, StopIteration, AttributeError, RecursionError,
            LookupError) as e:
        why = " ".join(str(e).split()) or "no machine is in it"
        raise UserError(f"{path}: not hwloc's XML ({why}); take it away, or run again") from e
    return machine


def _boxes(element: ElementTree.Element) -> list[Box]:
    """The element as a box, or, where it is worth none, the boxes in it."""
    inner = [box for child in element.findall("object") for box in _boxes(child)]
    kind = _KINDS.get(element.attrib["type"])
    if kind == "PU":
        return [Box("PU", str(int(element.attrib["os_index"])))]
    inner = _with_memory(inner)
    if kind is None:
        return inner
    if kind == "node" and not inner:
        return [Box("memory", element.get("os_index", ""))]
    if not inner:
        return []  # a package that has no CPU, a bridge
    if kind in ("group", "die", "L2") and (kind == "group" or len(inner) == 1):
        return inner
    return [Box(kind, element.get("os_index", ""), inner)]


def _with_memory(boxes: list[Box]) -> list[Box]:
    """Memory lies beside the CPUs that are near to it: that makes them a node."""
    memories = [box for box in boxes if box.kind == "memory"]
    others = [box for box in boxes if box.kind != "memory"]
    if not memories or not others:
        return boxes
    name = ",".join(box.index for box in memories)
    return [Box("node", name, others)]


def shared(one: tuple[Box, ...], other: tuple[Box, ...]) -> str:
    """The kind of the innermost box that holds both of two PUs."""
    common = [a for a, b in zip(one, other) if a is b]
    return common[-1].kind if common else "machine"
