// SPDX-License-Identifier: GPL-2.0-or-later
// The keyboard on a chart: from point to point, and zooming.

function reachable(chart) {
	return chart.data.datasets.map((set, index) => ({set, index}))
		.filter(({set, index}) => set.main && chart.isDatasetVisible(index) && set.data.length);
}

function goTo(drawn, along, across) {
	const sets = reachable(drawn.chart);
	if (!sets.length)
		return;
	const at = drawn.at ?? {set: 0, point: along < 0 || across < 0 ? 0 : -1};
	at.set = (at.set + across + sets.length) % sets.length;
	const count = sets[at.set].set.data.length;
	at.point = across ? Math.min(Math.max(at.point, 0), count - 1) : (at.point + along + count) % count;
	drawn.at = at;
	const active = [{datasetIndex: sets[at.set].index, index: at.point}];
	const {x, y} = drawn.chart.getDatasetMeta(active[0].datasetIndex).data[at.point];
	drawn.chart.setActiveElements(active);
	drawn.chart.tooltip.setActiveElements(active, {x, y});
	drawn.chart.update("none");
}

function leave(drawn) {
	drawn.at = null;
	drawn.chart?.setActiveElements([]);
	drawn.chart?.tooltip.setActiveElements([], {x: 0, y: 0});
	drawn.chart?.update("none");
	hideTip();
}

function keyed(drawn) {
	const list = drawn.spec.kind === "dots";
	const acts = {
		ArrowRight: () => list ? goTo(drawn, 0, 1) : goTo(drawn, 1, 0),
		ArrowLeft: () => list ? goTo(drawn, 0, -1) : goTo(drawn, -1, 0),
		ArrowDown: () => list ? goTo(drawn, 1, 0) : goTo(drawn, 0, 1),
		ArrowUp: () => list ? goTo(drawn, -1, 0) : goTo(drawn, 0, -1),
		"+": () => zoomBy(drawn, 1.5), "=": () => zoomBy(drawn, 1.5),
		"-": () => zoomBy(drawn, 1 / 1.5), 0: () => zoomAway(drawn), Escape: () => leave(drawn),
	};
	drawn.plot.addEventListener("keydown", event => {
		if (!drawn.chart || !acts[event.key] || event.ctrlKey || event.metaKey || event.altKey)
			return;
		event.preventDefault();
		acts[event.key]();
	});
	drawn.plot.addEventListener("blur", () => leave(drawn));
}
