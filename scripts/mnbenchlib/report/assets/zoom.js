// SPDX-License-Identifier: GPL-2.0-or-later
// Zooming: the axes' limits are set; a rectangle is drawn with the pointer.

// The axes that have a measure; a list of names has none.
function measured(chart) {
	return Object.values(chart.scales).filter(scale => scale.type !== "category");
}

function limit(drawn, scale, from, to) {
	const ends = [scale.getValueForPixel(from), scale.getValueForPixel(to)].sort((a, b) => a - b);
	drawn.zoomed[scale.id] = ends;
}

function zoomBy(drawn, factor) {
	for (const scale of measured(drawn.chart)) {
		const [from, to] = scale.isHorizontal() ? [scale.left, scale.right] : [scale.top, scale.bottom];
		const inset = (to - from) * (1 - 1 / factor) / 2;
		limit(drawn, scale, from + inset, to - inset);
	}
	drawn.update();
}

function zoomAway(drawn) {
	drawn.zoomed = {};
	drawn.update();
}

function draggable(drawn) {
	const {plot} = drawn;
	let start = null;
	let band = null;
	const at = event => {
		const box = plot.getBoundingClientRect();
		const area = drawn.chart.chartArea;
		const clip = (v, low, high) => Math.min(Math.max(v, low), high);
		return {x: clip(event.clientX - box.left, area.left, area.right),
			y: clip(event.clientY - box.top, area.top, area.bottom)};
	};
	plot.addEventListener("pointerdown", event => {
		if (event.button === 0 && event.pointerType === "mouse" && drawn.chart)
			start = at(event);
	});
	plot.addEventListener("pointermove", event => {
		if (!start)
			return;
		const end = at(event);
		if (!band)
			band = plot.appendChild(make("div", {class: "band"}));
		band.style.left = `${Math.min(start.x, end.x)}px`;
		band.style.top = `${Math.min(start.y, end.y)}px`;
		band.style.width = `${Math.abs(start.x - end.x)}px`;
		band.style.height = `${Math.abs(start.y - end.y)}px`;
	});
	addEventListener("pointerup", event => {
		if (!start)
			return;
		const end = at(event);
		const far = {x: Math.abs(start.x - end.x) > 8, y: Math.abs(start.y - end.y) > 8};
		for (const scale of measured(drawn.chart)) {
			const axis = scale.isHorizontal() ? "x" : "y";
			if (far[axis])
				limit(drawn, scale, start[axis], end[axis]);
		}
		band?.remove();
		start = band = null;
		if (far.x || far.y)
			drawn.update();
	});
	plot.addEventListener("dblclick", () => zoomAway(drawn));
}

function zoomTools(drawn) {
	const button = (text, label, act) => {
		const one = make("button", {type: "button", title: label, "aria-label": `${label}: ${drawn.spec.title}`}, text);
		one.addEventListener("click", act);
		return one;
	};
	return make("span", {class: "tools"}, button("+", "Zoom in", () => zoomBy(drawn, 1.5)),
		button("−", "Zoom out", () => zoomBy(drawn, 1 / 1.5)),
		button("all", "Show all", () => zoomAway(drawn)));
}
