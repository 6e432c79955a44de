// SPDX-License-Identifier: GPL-2.0-or-later
// The figures of the page, back as a list of benchmarks.

const DATA = JSON.parse(document.getElementById("data").textContent);

function decoded({words, texts, columns}) {
	const names = Object.keys(columns);
	const count = columns[names[0]].length;
	const rows = [];
	for (let i = 0; i < count; i++) {
		const row = {index: i};
		for (const name of names)
			row[name] = columns[name][i];
		for (const name of texts)
			row[name] = words[row[name]];
		rows.push(row);
	}
	return rows;
}

const ROWS = decoded(DATA.rows);
const FAMILIES = [...new Set(ROWS.map(row => row.family))];
