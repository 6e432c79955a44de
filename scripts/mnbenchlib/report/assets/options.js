// SPDX-License-Identifier: GPL-2.0-or-later
// From a chart's description and the benchmarks that the filters leave, to Chart.js's own.

const ZERO = 0.5; // where 0 stands on a logarithmic axis; its tick says 0
const MOST_SHOWN = 8;

function figureOf(spec, row) {
	return spec.value === "insns_per_op" ? row.insns_per_op : row.median;
}

// A curve of the port and the bare baseline of its variant have one colour and shape: one is solid,
// the other hollow and dashed.
function curvesOf(spec) {
	const kind = curve => (["port", "baseline"].includes(curve.subject) ? "" : curve.subject) +
		` ${curve.variant} ${curve.rest}`;
	const rank = curve => (curve.subject === "baseline" ? 1 : 0) + (curve.first ? 0 : 2);
	const order = [...spec.curves].sort((a, b) => rank(a) - rank(b));
	const kinds = [...new Set(order.map(kind))];
	return order.map(curve => ({name: curve.name, subject: curve.subject, first: curve.first,
		look: look(kinds.indexOf(kind(curve)), curve.subject !== "baseline"),
		points: curve.points.map(([x, index]) => ({x, row: ROWS[index]}))}));
}

// The series of a chart, with a look each that filters do not change.
function seriesOf(spec) {
	if (spec.kind === "curves")
		return curvesOf(spec);
	const rank = name => ["port", "baseline"].indexOf(name) + 1 || 3;
	const names = [...new Set(spec.lines.flatMap(line => line.points.map(point => point[0])))]
		.sort((a, b) => rank(a) - rank(b));
	const place = (name, i) => spec.by !== "subject" ? i : rank(name) < 3 ? rank(name) - 1 : i + 1;
	return names.map((name, i) => ({name, subject: name, first: true,
		look: look(place(name, i), name !== "baseline"),
		points: spec.lines.flatMap((line, y) => line.points.filter(point => point[0] === name)
			.map(point => ({y, label: line.label, row: (spec.rows ?? ROWS)[point[1]]})))}));
}

// Of many curves the first few, which are the kernel's own lock and its limit; the legend brings
// the others. Of those bare baselines tell more than the port with other locks.
function shownFirst(series) {
	if (series.length <= MOST_SHOWN)
		return new Set(series.keys());
	const rank = one => one.first ? 0 : one.subject === "baseline" ? 1 : 2;
	const order = [...series.keys()].sort((a, b) => rank(series[a]) - rank(series[b]) || a - b);
	return new Set(order.slice(0, MOST_SHOWN));
}

function narrow(values) {
	return !values.length || Math.max(...values) < 8 * Math.min(...values);
}

function valueAxis(spec, metric, values) {
	const linear = narrow(values);
	const several = Math.max(...values) / Math.min(...values) > 1000;
	return {
		type: linear ? "linear" : "logarithmic", beginAtZero: linear && metric !== "ratio",
		...(metric === "ratio" ? {suggestedMin: 1, suggestedMax: 1} : {}),
		title: {display: !spec.dense, color: colour("quiet"),
			text: metric === "ratio" ? "NEW / BASE" : isTime(metric) ? "time per operation" :
				"instructions per operation"},
		grid: {color: colour("rule")}, border: {display: false},
		ticks: {color: colour("quiet"), maxRotation: 0, autoSkipPadding: 12,
			callback(value) {
				const lead = Number(String(value.toExponential())[0]);
				if (!linear && !(several ? [1] : [1, 2, 5]).includes(lead))
					return null;
				return tick(value, metric);
			}},
	};
}

function keyAxis(spec, xs) {
	const at = x => x === 0 ? ZERO : x;
	const ticks = [...new Set(xs)].sort((a, b) => a - b);
	return {
		type: "logarithmic", min: at(ticks[0]) * 0.85, max: at(ticks[ticks.length - 1]) * 1.18,
		title: {display: true, text: spec.x, color: colour("quiet")},
		grid: {color: colour("rule")},
		afterBuildTicks(axis) {
			axis.ticks = ticks.map(x => ({value: at(x)}))
				.filter(t => t.value >= axis.min && t.value <= axis.max);
		},
		ticks: {color: colour("quiet"), maxRotation: 0, autoSkip: true,
			callback: value => value === ZERO ? "0" : short(value)},
	};
}

// What the tip says of it is put together when somebody looks.
function point(spec, row, name, x, y) {
	return {x, y, get lines() {
		return tipLines(spec, row, name);
	}};
}

function curveSets(spec, series, mask, hidden) {
	const sets = [];
	series.forEach((one, i) => {
		const points = one.points.filter(({row}) => mask[row.index] && row.median > 0);
		const at = y => points.map(({x, row}) => point(spec, row, one.name,
			x === 0 ? ZERO : x, y(row)));
		const common = {series: i, hidden: hidden.has(i), pointStyle: one.look.style};
		const edge = {...common, borderWidth: 0, pointRadius: 0, pointHoverRadius: 0, order: 2};
		sets.push({...common, label: one.name, data: at(row => row.median), main: true, order: 1,
			borderColor: one.look.colour, borderWidth: one.look.solid ? 2.2 : 1.4,
			borderDash: one.look.solid ? [] : [5, 4], pointRadius: one.look.solid ? 4.5 : 4,
			pointBorderColor: one.look.colour, pointBorderWidth: 1.5,
			pointBackgroundColor: one.look.solid ? one.look.colour : colour("card"),
			pointHoverRadius: 6.5});
		sets.push({...edge, data: at(row => row.low)});
		sets.push({...edge, data: at(row => row.high), fill: "-1",
			backgroundColor: faded(one.look.colour, 0.2)});
	});
	return sets;
}

function dotSets(spec, series, mask, hidden, lines) {
	const sets = [];
	series.forEach((one, i) => {
		const points = one.points.filter(({row}) => mask[row.index] && figureOf(spec, row) > 0);
		const common = {series: i, hidden: hidden.has(i)};
		const at = x => points.map(({y, label, row}) => point(spec, row, label, x(row),
			String(lines.indexOf(y))));
		sets.push({...common, type: "line", label: one.name, main: true, showLine: false, order: 1,
			data: at(row => figureOf(spec, row)), pointStyle: one.look.style, pointRadius: 5,
			pointBorderColor: one.look.colour, pointBorderWidth: 1.8, pointHoverRadius: 7,
			pointBackgroundColor: one.look.solid ? one.look.colour : colour("card")});
		if (spec.value === "median") {
			sets.push({...common, type: "bar", data: at(row => [row.low, row.high]), order: 2,
				barThickness: 3, grouped: false, minBarLength: 2,
				backgroundColor: one.look.colour});
		}
	});
	return sets;
}

// Names differ at both ends: what goes is the middle.
function shortened(text, most) {
	const tail = Math.floor((most - 1) / 2);
	return `${text.slice(0, most - 1 - tail)}…${text.slice(-tail)}`;
}

function lineAxis(spec, lines) {
	return {
		type: "category", labels: lines.map((_, i) => String(i)), offset: true,
		grid: {display: false},
		ticks: {color: colour("ink"), autoSkip: false,
			callback(_, i) {
				const text = spec.lines[lines[i]].label;
				const most = Math.max(10, Math.floor(this.chart.width / 17));
				return text.length > most ? shortened(text, most) : text;
			}},
	};
}

// What the filters leave of a chart, and how high that is; null: nothing.
function outline(spec, series, mask) {
	const all = series.flatMap(one => one.points).filter(({row}) => mask[row.index]);
	if (!all.length)
		return null;
	const curves = spec.kind === "curves";
	const lines = curves ? [] : [...new Set(all.map(one => one.y))].sort((a, b) => a - b);
	const height = curves ? spec.dense ? 240 : 270 : (spec.dense ? 38 : 62) + (spec.dense ? 16 : 20) * lines.length;
	return {all, lines, height};
}

// Chart.js's configuration.
function configured(spec, series, mask, hidden, {all, lines}) {
	const visible = series.flatMap((one, i) => hidden.has(i) ? [] : one.points)
		.filter(({row}) => mask[row.index] && figureOf(spec, row) > 0);
	const metric = spec.value === "insns_per_op" ? spec.value : all[0].row.metric;
	const values = visible.flatMap(({row}) => spec.value === "median" ?
		[row.low, row.high].filter(v => v > 0) : [figureOf(spec, row)]);
	const curves = spec.kind === "curves";
	const measure = valueAxis(spec, metric, values);
	return {
		type: "line",
		data: {datasets: curves ? curveSets(spec, series, mask, hidden) :
			dotSets(spec, series, mask, hidden, lines)},
		options: {
			animation: false, responsive: true, maintainAspectRatio: false, parsing: true,
			indexAxis: curves ? "x" : "y", layout: {padding: {right: 8}},
			interaction: {mode: "nearest", axis: curves ? "xy" : "y", intersect: false},
			scales: curves ? {x: keyAxis(spec, all.map(one => one.x)), y: measure} :
				{x: measure, y: lineAxis(spec, lines)},
			plugins: {legend: {display: false}, tooltip: {enabled: false, external: tooltip}},
		},
	};
}
