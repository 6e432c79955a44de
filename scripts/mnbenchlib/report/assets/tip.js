// SPDX-License-Identifier: GPL-2.0-or-later
// What hovering, or the keyboard, shows of a point.

const TIP = document.getElementById("tip");

function tipLines(spec, row, name) {
	if (spec.tip)
		return spec.tip(row);
	const metric = spec.value === "insns_per_op" ? "insns_per_op" : row.metric;
	const value = spec.value === "insns_per_op" ? row.insns_per_op : row.median;
	const lines = [`${said(value, metric)}${metric === "insns_per_op" ? " instructions" : ""}`];
	if (spec.value === "median")
		lines.push(`${row.sure ? "95 % interval" : "least and greatest"} ${between(row)}`);
	const setup = [`${row.own_threads} thread${row.own_threads > 1 ? "s" : ""}`];
	if (row.pin && row.pin !== "none")
		setup.push(`pin ${row.pin}`);
	if (row.params)
		setup.push(params(row));
	lines.push(setup.join(", "), `${row.n} repetitions`);
	if (row.flags)
		lines.push(row.flags);
	if (row.metric === "emulated_ns")
		lines.push("EMULATED: says nothing of hardware");
	return [`${name} (${row.subject}, ${row.arch})`, ...lines];
}

function showTip(lines, x, y) {
	TIP.replaceChildren(make("b", {}, lines[0]), ...lines.slice(1).map(line => make("div", {}, line)));
	TIP.hidden = false;
	const box = TIP.getBoundingClientRect();
	const left = Math.min(Math.max(4, x + 14), innerWidth - box.width - 4);
	const top = y + 14 + box.height > innerHeight ? y - box.height - 14 : y + 14;
	TIP.style.left = `${left}px`;
	TIP.style.top = `${Math.max(4, top)}px`;
}

function hideTip() {
	TIP.hidden = true;
}

// Chart.js calls this instead of drawing a tip of its own.
function tooltip({chart, tooltip: shown}) {
	const point = shown.dataPoints && shown.dataPoints[0];
	if (!shown.opacity || !point || !point.raw.lines) {
		hideTip();
		return;
	}
	const box = chart.canvas.getBoundingClientRect();
	showTip(point.raw.lines, box.left + shown.caretX, box.top + shown.caretY);
}
