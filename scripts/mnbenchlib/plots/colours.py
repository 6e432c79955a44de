# SPDX-License-Identifier: GPL-2.0-or-later
"""One palette, for paper and for the dark: the same hues, with their lightness mirrored.

Looked for by chance: the hues that are farthest from each other under simulated deuteranopia and
protanopia, and in grey, with all of them dark enough for lines on paper. test_plot_style.py holds
them to it.
"""

from __future__ import annotations

import numpy as np

# Blue, coral, green, purple, brown, sky, black, grey.
PALETTE = ["#1138a8", "#f86464", "#155f33", "#9e4f8d", "#924d15", "#1c82bf", "#000000", "#7f8b85"]

_TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375],
                    [0.2126729, 0.7151522, 0.0721750],
                    [0.0193339, 0.1191920, 0.9503041]])
_WHITE = _TO_XYZ.sum(axis=1)
_EDGE = 6 / 29  # of CIELAB's cube root, below which it is a straight line


def linear(rgb: np.ndarray) -> np.ndarray:
    """sRGB as amounts of light."""
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def encoded(light: np.ndarray) -> np.ndarray:
    """Amounts of light as sRGB."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def rgb_of(colour: str) -> np.ndarray:
    """#rrggbb as three numbers up to 1."""
    return np.array([int(colour[i:i + 2], 16) for i in (1, 3, 5)]) / 255


def lab_of(rgb: np.ndarray) -> np.ndarray:
    """CIELAB: distances in it are about as great as they look."""
    part = linear(rgb) @ _TO_XYZ.T / _WHITE
    root = np.where(part > _EDGE**3, np.cbrt(part), part / (3 * _EDGE**2) + 4 / 29)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def _rgb_of_lab(lab: np.ndarray) -> np.ndarray:
    middle = (lab[0] + 16) / 116
    root = np.array([middle + lab[1] / 500, middle, middle - lab[2] / 200])
    part = np.where(root > _EDGE, root**3, 3 * _EDGE**2 * (root - 4 / 29))
    return encoded(np.linalg.inv(_TO_XYZ) @ (part * _WHITE))


def mirrored(colour: str) -> str:
    """The same hue as light on a dark ground as it was dark on a light one."""
    lightness, green, blue = lab_of(rgb_of(colour))
    rgb = _rgb_of_lab(np.array([min(100.0, 110 - lightness), green, blue]))
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)


def contrast(one: str, other: str) -> float:
    """WCAG's ratio of two colours' luminances, from 1 to 21."""
    light = sorted(float(linear(rgb_of(c)) @ _TO_XYZ[1]) for c in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)
