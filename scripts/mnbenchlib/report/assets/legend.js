// SPDX-License-Identifier: GPL-2.0-or-later
// A button a series: Chart.js's own legend is out of the keyboard's reach.

function legend(drawn) {
	const list = make("ul", {class: "legend"});
	const late = drawn.hiddenFirst();
	const buttons = drawn.series.map((one, i) => {
		const button = make("button", {type: "button"},
			make("span", {class: "mark", style: `color: ${one.look.variable}`, "aria-hidden": "true"},
				one.look.glyph), one.name);
		button.addEventListener("click", () => {
			drawn.hidden.has(i) ? drawn.hidden.delete(i) : drawn.hidden.add(i);
			drawn.update();
		});
		list.append(make("li", late.has(i) ? {hidden: ""} : {}, button));
		return button;
	});
	if (late.size) {
		const more = make("button", {type: "button", "aria-expanded": "false"}, `${late.size} more …`);
		more.addEventListener("click", () => {
			const open = more.getAttribute("aria-expanded") === "true";
			more.setAttribute("aria-expanded", !open);
			more.textContent = open ? `${late.size} more …` : "fewer";
			[...list.children].slice(0, -1).forEach((item, i) => {
				item.hidden = open && late.has(i) && drawn.hidden.has(i);
			});
		});
		list.append(make("li", {class: "only-screen"}, more));
	}
	drawn.marked = () => {
		buttons.forEach((button, i) => button.setAttribute("aria-pressed", !drawn.hidden.has(i)));
	};
	return list;
}
