# SPDX-License-Identifier: GPL-2.0-or-later
"""How every picture looks, on paper and in the dark, and how it becomes bytes. No display is
needed, and the same figure gives the same bytes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib
from matplotlib.figure import Figure

from .colours import PALETTE, mirrored

MARKERS = "osD^vPX*"
FORMATS = {"svg": {"Date": None, "Creator": "mnbench"}, "png": {"Software": None}}
EMULATED = "EMULATED"


@dataclass(frozen=True)
class Look:
    """The colours of one style."""

    paper: str
    ink: str
    muted: str  # what is said beside
    grid: str
    shade: str  # what lies behind, as every other group
    palette: tuple[str, ...]

    def identity(self, index: int) -> tuple[str, str]:
        """Colour and marker of the INDEXth name; both differ, so that grey tells them apart."""
        size = len(self.palette)
        return self.palette[index % size], MARKERS[(index + index // size) % size]


LOOKS = {
    "print": Look("#ffffff", "#000000", "#555555", "#dddddd", "#f4f4f4", tuple(PALETTE)),
    "dark": Look("#15181d", "#f0f0f0", "#a8adb5", "#353b44", "#1e232a",
                 tuple(mirrored(colour) for colour in PALETTE)),
}


@dataclass
class Plot:
    """A picture that can be drawn, or why there is none."""

    name: str
    title: str = ""
    draw: Callable[[Look], Figure] | None = None
    skipped: str = ""


def _settings(look: Look) -> dict:
    return {
        "svg.hashsalt": "mnbench", "font.family": "DejaVu Sans", "font.size": 9,
        "axes.titlesize": 10, "axes.titlelocation": "left", "axes.grid": True,
        "grid.color": look.grid, "grid.linewidth": 0.6, "axes.axisbelow": True,
        "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": look.ink,
        "axes.facecolor": look.paper, "figure.facecolor": look.paper, "text.color": look.ink,
        "savefig.facecolor": look.paper, "axes.labelcolor": look.ink, "xtick.color": look.ink,
        "ytick.color": look.ink, "hatch.color": look.muted, "legend.frameon": False,
        "figure.dpi": 100,
        # A host may be called what it likes: no name is a formula.
        "text.parse_math": False,
    }


@contextmanager
def applied(look: Look) -> Iterator[None]:
    """Drawing and rendering happen under our style, whatever the user's is."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_settings(look))
        yield


def rendered(plot: Plot, look: Look = LOOKS["print"],
             formats: Iterable[str] = tuple(FORMATS)) -> dict[str, bytes]:
    """The picture in each format."""
    out = {}
    with applied(look):
        figure = plot.draw(look)
        # Laid out once: every format would do it again, twice.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        box = figure.get_tightbbox().padded(0.1)
        for kind in formats:
            buffer = io.BytesIO()
            figure.savefig(buffer, format=kind, bbox_inches=box, dpi=150,
                           metadata={"Title": plot.title, **FORMATS[kind]})
            out[kind] = buffer.getvalue()
    return out


def titles(figure: Figure, look: Look, title: str, subtitle: str) -> None:
    """Left, above the axes, at a distance that does not depend on the figure's height."""
    height = figure.get_figheight()
    lines = subtitle.count("\n")
    figure.text(0.01, 1 + (0.32 + 0.14 * lines) / height, title, fontsize=12, fontweight="bold",
                va="bottom")
    figure.text(0.01, 1 + 0.10 / height, subtitle, fontsize=8, color=look.muted, va="bottom")


def caption(figure: Figure, look: Look, lines: list[str], mono: bool = False) -> None:
    """Below the axes, line by line."""
    figure.text(0.01, -0.10 / figure.get_figheight(), "\n".join(lines), fontsize=7.5,
                color=look.muted, va="top",
                family="DejaVu Sans Mono" if mono else "DejaVu Sans")


def watermark(figure: Figure, look: Look) -> None:
    """Across the picture: its times are an emulator's."""
    figure.text(0.5, 0.5, EMULATED, fontsize=34, color=look.palette[1], alpha=0.3, rotation=25,
                ha="center", va="center", fontweight="bold")
