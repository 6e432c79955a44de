// SPDX-License-Identifier: GPL-2.0-or-later
// Which benchmarks are looked at: charts, tables and counts follow.

const DIMENSIONS = [
	["arch", "Architecture"], ["subject", "Subject"], ["variant", "Variant"],
	["own_threads", "Threads"], ["pin", "Pin"],
];
const chosen = Object.fromEntries(DIMENSIONS.map(([key]) => [key, new Set()]));
let search = "";
let left = ROWS.map(() => true);
const onFilter = [];

function words(row) {
	return [row.family, row.op, row.subject, row.variant, row.pin, row.params, row.flags, row.arch,
		row.error].join(" ").toLowerCase();
}

function refilter() {
	const sought = search.toLowerCase().split(/\s+/).filter(Boolean);
	left = ROWS.map(row => DIMENSIONS.every(([key]) => !chosen[key].size || chosen[key].has(row[key])) &&
		(!sought.length || sought.every(word => words(row).includes(word))));
	onFilter.forEach(act => act());
}

function dimension(key, title) {
	const values = [...new Set(ROWS.map(row => row[key]))];
	values.sort((a, b) => typeof a === "number" ? a - b : String(a).localeCompare(String(b)));
	const summary = make("summary", {}, title);
	const set = make("fieldset", {}, make("legend", {class: "quiet"}, `${title}: none ticked is all`));
	const details = make("details", {"data-filter": key}, summary, set);
	for (const value of values) {
		const box = make("input", {type: "checkbox", value});
		box.addEventListener("change", () => {
			box.checked ? chosen[key].add(value) : chosen[key].delete(value);
			const count = chosen[key].size;
			summary.textContent = count ? `${title}: ${count === 1 ? [...chosen[key]][0] : count}` : title;
			details.classList.toggle("set", count > 0);
			refilter();
		});
		set.append(make("label", {}, box, ` ${value === "" ? "(none)" : value}`));
	}
	details.addEventListener("keydown", event => {
		if (event.key === "Escape" && details.open) {
			details.open = false;
			summary.focus();
		}
	});
	details.addEventListener("focusout", event => {
		if (event.relatedTarget && !details.contains(event.relatedTarget))
			details.open = false;
	});
	return details;
}

function filters() {
	const form = document.getElementById("filters");
	const find = make("input", {type: "search", placeholder: "find", "aria-label": "Find benchmarks"});
	find.addEventListener("input", () => {
		search = find.value;
		refilter();
	});
	const clear = make("button", {type: "reset"}, "Clear");
	form.addEventListener("submit", event => event.preventDefault());
	form.addEventListener("reset", () => {
		DIMENSIONS.forEach(([key]) => chosen[key].clear());
		search = "";
		form.querySelectorAll("details").forEach((one, i) => {
			one.classList.remove("set");
			one.querySelector("summary").textContent = DIMENSIONS[i][1];
		});
		refilter();
	});
	const count = make("output", {"aria-live": "polite"});
	form.append(...DIMENSIONS.map(([key, title]) => dimension(key, title)), find, clear, count);
	document.addEventListener("pointerdown", event => {
		form.querySelectorAll("details[open]").forEach(one => {
			if (!one.contains(event.target))
				one.open = false;
		});
	});
	const tell = () => {
		count.textContent = `${left.filter(Boolean).length} of ${ROWS.length} benchmarks`;
	};
	onFilter.push(tell);
	tell();
}
