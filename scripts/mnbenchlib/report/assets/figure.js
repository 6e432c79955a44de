// SPDX-License-Identifier: GPL-2.0-or-later
// One chart on the page: made when it comes into sight, made again when something changes.

const DRAWN = [];
const seen = new IntersectionObserver(entries => {
	for (const entry of entries) {
		entry.target.drawn.come(entry.isIntersecting);
	}
}, {rootMargin: "400px"});

function summary(spec, series) {
	const count = series.reduce((sum, one) => sum + one.points.length, 0);
	return `${spec.title}${spec.note ? `, ${spec.note}` : ""}: ${series.length} series, ${count} points`;
}

// `mask` says of each benchmark whether the filters leave it; `heading` is the level of the title.
class Drawn {
	constructor(spec, mask, heading = "h4") {
		this.spec = spec;
		this.mask = mask;
		this.series = seriesOf(spec);
		this.hidden = this.hiddenFirst();
		this.zoomed = {};
		this.chart = null;
		this.stale = true;
		this.near = false;
		this.at = null;
		this.plot = make("div", {class: "plot", tabindex: "0", role: "group",
			"aria-label": summary(spec, this.series), "aria-describedby": "chart-help"},
		make("canvas", {"aria-hidden": "true"}));
		const emulated = spec.place !== undefined && DATA.places[spec.place].metric === "emulated_ns";
		this.figure = make("figure", emulated ? {class: "emulated"} : {},
			make("figcaption", {}, heading ? make(heading, {}, spec.title) : null,
				make("span", {class: "note"}, emulated ? make("b", {}, "EMULATED ") : null,
					spec.note ?? ""), zoomTools(this)),
			this.plot, legend(this));
		this.figure.drawn = this;
		keyed(this);
		draggable(this);
		this.size();
		DRAWN.push(this);
		seen.observe(this.figure);
	}

	hiddenFirst() {
		const shown = shownFirst(this.series);
		return new Set([...this.series.keys()].filter(i => !shown.has(i)));
	}

	size() {
		const left = outline(this.spec, this.series, this.mask());
		this.figure.hidden = left === null;
		if (left)
			this.plot.style.height = `${left.height}px`;
		this.marked();
		return left;
	}

	// Drawn in sight only; what is out of it waits until it comes.
	come(near) {
		this.near = near;
		if (near && this.stale)
			this.draw();
	}

	update() {
		this.stale = true;
		if (this.near)
			this.draw();
		else
			this.size();
	}

	// The looks hold colours, which have changed.
	restyle() {
		this.series = seriesOf(this.spec);
		this.update();
	}

	// Drawn at once, in the width that it has now.
	print() {
		this.series = seriesOf(this.spec);
		if (this.figure.offsetParent === null)
			return;
		this.chart?.resize(this.plot.clientWidth, this.plot.clientHeight);
		this.draw();
	}

	draw() {
		this.stale = false;
		const left = this.size();
		if (!left) {
			this.chart?.destroy();
			this.chart = null;
			return;
		}
		const made = configured(this.spec, this.series, this.mask(), this.hidden, left);
		for (const [axis, [min, max]] of Object.entries(this.zoomed))
			Object.assign(made.options.scales[axis], {min, max, beginAtZero: false});
		if (this.chart) {
			this.chart.options = made.options;
			this.chart.data = made.data;
			this.chart.update("none");
			return;
		}
		this.chart = new Chart(this.plot.firstChild, made);
	}
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
	DRAWN.forEach(one => one.restyle());
});
