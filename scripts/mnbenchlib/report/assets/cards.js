// SPDX-License-Identifier: GPL-2.0-or-later
// The three questions of each machine, answered.

function answer(one) {
	const line = make("p", {class: "answer"});
	if (one.figure)
		line.append(make("span", {class: "figure"}, one.figure), make("span", {class: "cost"}, `${one.what}: `));
	line.append(make("span", {class: "ratio"}, `${one.ratio} ×`), ` ${one.against}; `,
		make("span", {class: "judged"}, `${one.verdict} (${one.interval})`));
	if (one.open)
		line.append(", unsettled");
	return line;
}

function card(one) {
	const made = make("article", {class: "card"}, make("h3", {}, one.question), ...one.answers.map(answer));
	if (!one.answers.length)
		made.append(make("p", {class: "quiet"}, "Not measured in this run."));
	if (one.chart)
		made.append(new Drawn(one.chart, () => ALL, null).figure);
	made.append(make("p", {class: "what"}, one.what));
	return made;
}

const ALL = ROWS.map(() => true);

function cards() {
	const found = document.getElementById("found");
	const answered = DATA.cards.filter(({cards: three}) => three.some(one => one.answers.length));
	answered.forEach(({place, cards: three}, i) => {
		const where = make("span", {class: "where"}, placeName(DATA.places[place]));
		const made = make("div", {class: "cards"}, ...three.map(card));
		if (i === 0)
			found.append(make("h2", {}, "What was found ", where), made);
		else
			found.append(make("details", {}, make("summary", {}, "What was found ", where), made));
	});
	for (const {place, emulated} of DATA.cards) {
		if (!emulated.length)
			continue;
		const list = emulated.map(one => `${one.what} ${one.figure}`).join("; ");
		found.append(make("p", {class: "quiet"}, "EMULATED, says nothing of hardware: " +
			`${placeName(DATA.places[place])}: ${list}`));
	}
}
