# SPDX-License-Identifier: GPL-2.0-or-later
"""The palette: on paper, in the dark, for the colour-blind and in grey; and whose style it is."""

from itertools import combinations

import numpy as np
import pytest
from pictures import figure_of, plots_of
from synthetic import reps, write

from mnbenchlib.plots import colours, style

# What eyes without one kind of cone see, in linear light (Machado, Oliveira and Fernandes 2009).
BLIND = {
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
}
LOOKS = sorted(style.LOOKS)


def seen(colour, eyes):
    rgb = colours.rgb_of(colour)
    if eyes is not None:
        rgb = colours.encoded(colours.linear(rgb) @ np.array(BLIND[eyes]).T)
    return colours.lab_of(rgb)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("eyes, least", [(None, 20), ("deuteranopia", 10), ("protanopia", 10)])
def test_no_two_colours_look_alike(look, eyes, least):
    palette = style.LOOKS[look].palette
    apart = {(a, b): np.linalg.norm(seen(a, eyes) - seen(b, eyes))
             for a, b in combinations(palette, 2)}
    assert min(apart.values()) > least, min(apart, key=apart.get)


@pytest.mark.parametrize("look", LOOKS)
def test_no_two_are_one_grey(look):
    light = sorted(colours.lab_of(colours.rgb_of(c))[0] for c in style.LOOKS[look].palette)
    assert np.diff(light).min() > 3


@pytest.mark.parametrize("look", LOOKS)
def test_every_colour_stands_out_from_its_ground(look):
    one = style.LOOKS[look]
    assert all(colours.contrast(c, one.paper) >= 3 for c in one.palette)
    assert colours.contrast(one.ink, one.paper) > 12
    assert colours.contrast(one.muted, one.paper) > 4.5
    assert colours.contrast(one.muted, one.shade) > 4.5


def test_contrast_is_wcags():
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_lab_of_known_colours():
    for colour, lab in (("#ffffff", (100, 0, 0)), ("#ff0000", (53.24, 80.09, 67.20)),
                        ("#0000ff", (32.30, 79.19, -107.86))):
        assert colours.lab_of(colours.rgb_of(colour)) == pytest.approx(np.array(lab), abs=0.05)


def test_markers_differ_where_colours_repeat():
    look = style.LOOKS["print"]
    assert len({look.identity(i) for i in range(64)}) == 64
    assert len({look.identity(i)[1] for i in range(8)}) == 8


def test_the_users_style_changes_nothing(tmp_path):
    plot, = (p for p in plots_of(write(tmp_path / "x.csv", reps([1.0, 2.0, 3.0])), "cost").values())
    before = style.rendered(plot)
    with style.matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        assert style.rendered(plot) == before
    assert style.matplotlib.rcParams["svg.hashsalt"] != "mnbench"


@pytest.mark.parametrize("look", LOOKS)
def test_only_dejavu_is_used(tmp_path, look):
    plot, = plots_of(write(tmp_path / "x.csv", reps([1.0, 2.0, 3.0])), "cost").values()
    texts = figure_of(plot, look).findobj(style.matplotlib.text.Text)
    assert {name for text in texts for name in text.get_fontfamily()} == {"DejaVu Sans"}
    figure = figure_of(plot, look)
    assert style.matplotlib.colors.to_hex(figure.get_facecolor()) == style.LOOKS[look].paper
