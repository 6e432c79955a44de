// SPDX-License-Identifier: GPL-2.0-or-later
// Two runs: every pair's ratio, as `mnbench compare` judges it.

const MOST_DRAWN = 30;
const VERDICTS = {worse: "▲ worse", slower: "△ slower, within the limit", "~": "~ undecided",
	faster: "▽ faster, within the limit", better: "▼ better"};

function pairName(pair) {
	const who = [pair.op, pair.subject === "port" ? "" : pair.subject, pair.variant];
	const setup = [pair.threads > 1 && !pair.params.includes("sleepers") ? `${pair.threads}thr` : "",
		pair.pin === "none" ? "" : pair.pin, params(pair)];
	return [...who, ...setup].filter(Boolean).join(" ");
}

const PAIR_COLUMNS = [
	["Benchmark", pair => pairName(pair), pair => pairName(pair), false],
	["Family", pair => pair.family, pair => pair.family, false],
	["Base", pair => said(pair.base_median, pair.metric), pair => pair.base_median, true],
	["New", pair => said(pair.new_median, pair.metric), pair => pair.new_median, true],
	["Ratio", pair => said(pair.ratio, "ratio"), pair => pair.ratio, true],
	["Interval", pair => pair.low === null ? "" :
		`${said(pair.low, "ratio")} .. ${said(pair.high, "ratio")}`, pair => pair.low, true],
	["p adj.", pair => pair.p_adjusted === null ? "" : pair.p_adjusted < 0.001 ? "< 0.001" :
		pair.p_adjusted.toFixed(3), pair => pair.p_adjusted, true],
	["Verdict", pair => VERDICTS[pair.verdict], pair => Object.keys(VERDICTS).indexOf(pair.verdict), false],
];

function verdictButtons(pairs, changed) {
	const asked = new Set();
	const buttons = Object.keys(VERDICTS).map(verdict => {
		const count = pairs.filter(pair => pair.verdict === verdict).length;
		const button = make("button", {type: "button", "aria-pressed": "false", "data-verdict": verdict},
			`${VERDICTS[verdict]}: ${count}`);
		button.addEventListener("click", () => {
			asked.has(verdict) ? asked.delete(verdict) : asked.add(verdict);
			button.setAttribute("aria-pressed", asked.has(verdict));
			changed();
		});
		return button;
	});
	return {asked, row: make("p", {class: "only-screen", role: "group",
		"aria-label": "Only these verdicts"}, ...buttons)};
}

// The greatest changes that are decided, as intervals around their ratios.
function moved(pairs) {
	const decided = pairs.filter(pair => pair.verdict !== "~" && pair.ratio > 0)
		.sort((a, b) => b.ratio - a.ratio);
	const ends = decided.filter((_, i) => i < MOST_DRAWN / 2 || i >= decided.length - MOST_DRAWN / 2);
	const rows = ends.map((pair, index) => ({...pair, index, median: pair.ratio, metric: "ratio",
			low: pair.low ?? pair.ratio, high: pair.high ?? pair.ratio}));
	if (!rows.length)
		return null;
	const lines = rows.map((row, i) => ({label: pairName(row), points: [[VERDICTS[row.verdict], i]]}));
	const spec = {kind: "dots", title: "What moved most", value: "median", by: "verdict", lines, rows,
		note: `${rows.length} of ${decided.length} that moved`,
		tip: row => [pairName(row), ...PAIR_COLUMNS.slice(1)
			.map(([title, text]) => `${title} ${text(DATA.diff.pairs[row.at])}`)]};
	return new Drawn(spec, () => rows.map(() => true)).figure;
}

function diffView() {
	const view = document.getElementById("diff-view");
	if (!view || !DATA.diff.pairs.length)
		return;
	const rank = pair => Object.keys(VERDICTS).indexOf(pair.verdict);
	DATA.diff.pairs.forEach((pair, at) => {
		pair.at = at;
	});
	const size = pair => Math.abs(Math.log(pair.ratio));
	const pairs = [...DATA.diff.pairs].sort((a, b) => rank(a) - rank(b) || size(b) - size(a));
	const kept = pair => !buttons.asked.size || buttons.asked.has(pair.verdict);
	const buttons = verdictButtons(pairs, () => table.fill());
	const table = new Sortable(PAIR_COLUMNS, pairs, "Pairs", {kept, rowClass: pair => pair.verdict});
	TABLES.push(table);
	const chart = moved(pairs);
	if (chart)
		view.append(chart);
	view.append(buttons.row, table.whole);
}
