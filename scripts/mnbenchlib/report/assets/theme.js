// SPDX-License-Identifier: GPL-2.0-or-later
// Colours come from the style sheet, so that dark and paper are said once; shapes go with them.

const SHAPES = [["circle", "●", "○"], ["rect", "■", "□"], ["triangle", "▲", "△"],
	["rectRot", "◆", "◇"], ["star", "✱", "✱"], ["crossRot", "✖", "✖"], ["cross", "✚", "✚"],
	["rectRounded", "▬", "▭"]];
const COLOURS = 8;

function colour(name) {
	return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// The n-th series: another colour and another shape; the shapes shift when the colours are used up.
function look(n, solid) {
	const shape = SHAPES[(n + Math.floor(n / COLOURS)) % SHAPES.length];
	return {colour: colour(`s${n % COLOURS}`), variable: `var(--s${n % COLOURS})`,
		style: shape[0], glyph: solid ? shape[1] : shape[2], solid};
}

function faded(hex, alpha) {
	return hex + Math.round(alpha * 255).toString(16).padStart(2, "0");
}
