// SPDX-License-Identifier: GPL-2.0-or-later
// Figures and names for reading.

function digits(value, count) {
	if (value >= 1000)
		return value.toFixed(0);
	return value === 0 ? "0" : value.toPrecision(count);
}

function time(ns, count = 4) {
	for (const [scale, unit] of [[1e9, "s"], [1e6, "ms"], [1e3, "us"]]) {
		if (ns >= scale)
			return `${digits(ns / scale, count)} ${unit}`;
	}
	return `${digits(ns, count)} ns`;
}

function isTime(metric) {
	return metric !== "insns_per_op" && metric !== "ratio" && metric !== "ops_per_s";
}

function said(value, metric, count = 4) {
	if (value === null || value === undefined)
		return "";
	if (isTime(metric))
		return time(value, count);
	return value >= 1e6 ? value.toExponential(2) : digits(value, count);
}

// 1000000 as 1M.
function short(value) {
	for (const [scale, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
		if (value >= scale)
			return `${+(value / scale).toPrecision(3)}${unit}`;
	}
	return `${+value.toPrecision(3)}`;
}

function tick(value, metric) {
	if (!isTime(metric))
		return short(value);
	for (const [scale, unit] of [[1e9, "s"], [1e6, "ms"], [1e3, "us"]]) {
		if (value >= scale)
			return `${+(value / scale).toPrecision(3)} ${unit}`;
	}
	return `${+value.toPrecision(3)} ns`;
}

function between(row) {
	if (row.low === null)
		return "";
	const [low, high] = [said(row.low, row.metric), said(row.high, row.metric)];
	const unit = high.split(" ")[1];
	return `${unit && low.endsWith(` ${unit}`) ? low.slice(0, -unit.length - 1) : low} .. ${high}`;
}

function params(row) {
	return row.params.replaceAll(":", "=").replaceAll(";", " ");
}

function placeName(place) {
	const several = DATA.runs.length > 1 ? `, ${place.run_id}` : "";
	return `${place.arch}, ${place.execution}, on ${place.host}${several}`;
}

// The binary's names end in what Google Benchmark adds, and those of herds leave the threads out.
function again(row) {
	const escape = text => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
	const sleepers = /(^|;)sleepers:[1-9]/.test(row.params);
	const op = sleepers ? row.op.replace(/_(waker|first|median|last)$/, "") : row.op;
	const parts = [row.family, op, row.subject];
	if (row.variant)
		parts.push(`variant:${row.variant}`);
	if (row.params)
		parts.push(...row.params.split(";"));
	if (!sleepers)
		parts.push(`threads:${row.threads}`);
	if (row.pin)
		parts.push(`pin:${row.pin}`);
	const quoted = `^${parts.map(escape).join("/")}(/|$)`.replaceAll("'", "'\\''");
	return `scripts/mnbench run --arch ${row.arch} --profile full --filter '${quoted}'`;
}

function make(tag, attributes = {}, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (value !== null && value !== undefined)
			element.setAttribute(name, value);
	}
	element.append(...children.filter(child => child !== null && child !== undefined));
	return element;
}
