// SPDX-License-Identifier: GPL-2.0-or-later
// Puts the parts into the page, and makes it fit for the printer.

const TABLES = [];

function charts(specs) {
	return make("div", {class: "charts"}, ...specs.map(spec => new Drawn(spec, () => left).figure));
}

function family(name) {
	const section = make("section", {class: "family", id: `family-${name}`}, make("h3", {}, name));
	const specs = DATA.charts.filter(spec => spec.family === name);
	DATA.places.forEach((place, i) => {
		const mine = specs.filter(spec => spec.place === i);
		if (!mine.length)
			return;
		if (place.metric === "emulated_ns") {
			const details = make("details", {}, make("summary", {},
				`EMULATED, says nothing of hardware: ${placeName(place)}`));
			details.addEventListener("toggle", () => {
				if (details.children.length === 1)
					details.append(charts(mine));
			}, {once: true});
			section.append(details);
			return;
		}
		section.append(make("h4", {}, placeName(place)), charts(mine));
	});
	if (DATA.instructions[name].length) {
		section.append(make("h4", {}, "Instructions per operation, across architectures"),
			charts(DATA.instructions[name]));
	}
	const table = new Sortable(COLUMNS, ROWS.filter(row => row.family === name), `Benchmarks of ${name}`,
		{kept: row => left[row.index], detail, rowClass: row => row.subject === "baseline" ? "" : "port"});
	TABLES.push(table);
	onFilter.push(() => table.fill());
	section.append(table.whole);
	return section;
}

onFilter.push(() => DRAWN.forEach(one => one.mask() === left && one.update()));

// Paper is laid out before the charts are drawn for it: they do not stretch.
addEventListener("beforeprint", () => {
	document.documentElement.classList.add("paper");
	document.querySelectorAll("main details:not(#filters details)").forEach(one => {
		one.open = true;
		one.dispatchEvent(new Event("toggle"));
	});
	TABLES.forEach(table => {
		table.most = Infinity;
		table.fill();
	});
	DRAWN.forEach(one => one.print());
});
addEventListener("afterprint", () => {
	document.documentElement.classList.remove("paper");
	DRAWN.forEach(one => {
		one.restyle();
		one.chart?.resize();
	});
});

cards();
diffView();
filters();
document.getElementById("jumps").append(...FAMILIES.map(name => make("a", {href: `#family-${name}`}, name)),
	make("a", {href: "#environment"}, "environment"));
document.getElementById("family-list").append(...FAMILIES.map(family));
