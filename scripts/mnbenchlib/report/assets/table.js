// SPDX-License-Identifier: GPL-2.0-or-later
// Tables that sort, and say everything of a benchmark when asked.

const MANY = 25; // rows that are made at once; the rest on demand, and for the printer

function counted(row) {
	return row.metric === "insns_per_op" && row.median !== null;
}

// A column: title, text of a row, what it sorts by, whether a figure.
const COLUMNS = [
	["Benchmark", row => row.op, row => row.op, false],
	["Where", row => row.arch + (row.metric === "emulated_ns" ? " EMULATED" : ""),
		row => row.arch, false],
	["Subject", row => row.subject, row => row.subject, false],
	["Variant", row => row.variant, row => row.variant, false],
	["Threads", row => String(row.own_threads), row => row.own_threads, true],
	["Pin", row => row.pin, row => row.pin, false],
	["Varied", row => params(row), row => params(row), false],
	["Median", row => said(row.median, row.metric) + (counted(row) ? " insns" : ""),
		row => row.median, true],
	["Interval", row => between(row) + (row.median !== null && !row.sure ? " (all)" : ""),
		row => row.low, true],
	["To its limit", row => said(row.limit, "ratio"), row => row.limit, true],
	["n", row => row.n ? String(row.n) : "", row => row.n, true],
	["Flags", row => row.error || row.flags, row => row.error || row.flags, false],
];

function compared(a, b) {
	if (a === b)
		return 0;
	if (a === null || a === "")
		return 1; // what is not there comes last, whichever way about
	if (b === null || b === "")
		return -1;
	return typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", {numeric: true});
}

// Long names may break after an underscore, and nowhere else.
function breakable(text) {
	const parts = document.createDocumentFragment();
	text.split(/(?<=[_;])/).forEach((part, i) => parts.append(...(i ? [make("wbr")] : []), part));
	return parts;
}

class Sortable {
	constructor(columns, rows, caption, options = {}) {
		this.columns = columns;
		this.rows = rows;
		this.kept = options.kept ?? (() => true);
		this.detail = options.detail;
		this.rowClass = options.rowClass ?? (() => "");
		this.by = null;
		this.down = false;
		this.most = MANY;
		this.body = make("tbody");
		this.caption = make("caption");
		this.title = caption;
		this.heads = columns.map(([title, , , figure], i) => {
			const button = make("button", {type: "button"}, title);
			button.addEventListener("click", () => this.sort(i));
			return make("th", {scope: "col", class: figure ? "n" : null}, button);
		});
		const extra = this.detail ? [make("td")] : [];
		this.more = make("button", {type: "button", class: "only-screen"});
		this.more.addEventListener("click", () => {
			this.most = Infinity;
			this.fill();
		});
		this.table = make("table", {class: "rows"}, this.caption,
			make("thead", {}, make("tr", {}, ...this.heads, ...extra)), this.body);
		this.whole = make("div", {}, this.table, this.more);
		this.fill();
	}

	sort(column) {
		this.down = this.by === column && !this.down;
		this.by = column;
		const value = this.columns[column][2];
		const sign = this.down ? -1 : 1;
		const absent = v => v === null || v === "" || v === undefined;
		this.rows = [...this.rows].sort((a, b) => {
			const [x, y] = [value(a), value(b)];
			return absent(x) || absent(y) ? compared(x, y) : sign * compared(x, y);
		});
		this.heads.forEach((head, i) => i === column ?
			head.setAttribute("aria-sort", this.down ? "descending" : "ascending") : head.removeAttribute("aria-sort"));
		this.fill();
	}

	fill() {
		const rows = this.rows.filter(this.kept);
		this.body.replaceChildren(...rows.slice(0, this.most).map(row => this.line(row)));
		this.caption.textContent = `${this.title}: ${rows.length}`;
		this.more.hidden = rows.length <= this.most;
		this.more.textContent = `Show all ${rows.length} rows`;
		this.whole.hidden = rows.length === 0;
	}

	line(row) {
		const cells = this.columns.map(([title, text, , figure], i) => make("td",
			{class: figure ? "n" : i === 0 ? "op" : null, "data-name": i ? title : null}, breakable(text(row))));
		const line = make("tr", {class: this.rowClass(row)}, ...cells);
		if (this.detail) {
			const button = make("button", {type: "button", "aria-expanded": "false",
				"aria-label": `More of ${row.op} ${row.variant}`, class: "only-screen"}, "⋯");
			button.addEventListener("click", () => this.unfold(row, line, button));
			line.append(make("td", {}, button));
		}
		return line;
	}

	unfold(row, line, button) {
		const open = button.getAttribute("aria-expanded") === "true";
		button.setAttribute("aria-expanded", !open);
		if (open)
			line.nextSibling.remove();
		else
			line.after(make("tr", {class: "more"}, make("td", {colspan: this.columns.length + 1}, this.detail(row))));
	}
}

function detail(row) {
	const figures = [["p50", said(row.p50_ns, "p50_ns")], ["p99", said(row.p99_ns, "p99_ns")],
		["max", said(row.max_ns, "max_ns")], ["operations/s", row.ops_per_s === null ? "" : short(row.ops_per_s)],
		["instructions", said(row.insns_per_op, "insns_per_op")], ["overlap", said(row.overlap, "ratio")],
		["fairness", said(row.fairness, "ratio")],
		["to its limit", row.limit === null ? "" :
			`${said(row.limit, "ratio")} (${said(row.limit_low, "ratio")} .. ${said(row.limit_high, "ratio")})`]];
	const told = figures.filter(([, text]) => text).map(([name, text]) => `${name} ${text}`).join(", ");
	return make("div", {}, told ? make("p", {}, told) : null,
		make("p", {class: "quiet"}, `${placeName(DATA.places[row.place])}. To measure it again:`),
		make("pre", {tabindex: "0"}, again(row)));
}
