/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is measured, how often and in which order; with benchmarks that are numbers. */
#include "check.h"
#include "baton.h"
#include "schedule.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#define MOST 64

/* What a benchmark gives in repetition REP. */
typedef double (*figure_fn)(unsigned int rep);

struct fake {
	const char *group, *name;
	figure_fn fn[SCHEDULE_FIGURES]; /* NULL in the first: it fails */
	struct schedule_item *item;
	unsigned int measured, ended;
	unsigned int last_rep;
};

static struct schedule *s;
static struct schedule_plan plan;
static struct schedule_outcome outcome;
static char order[100000]; /* NAME@REP and, when it ended, NAME! */
static char why[256];
static unsigned int nap_us;
static int error;

static double same(unsigned int rep)
{
	(void)rep;
	return 100;
}

static double wild(unsigned int rep)
{
	return rep % 2 ? 100 : 200;
}

/* Wild up to the 10th; in the middle of what follows. */
static double calms_down(unsigned int rep)
{
	return rep < 10 ? wild(rep) : 150;
}

static double none(unsigned int rep)
{
	(void)rep;
	return NAN;
}

static double none_at_first(unsigned int rep)
{
	return rep < 8 ? NAN : 100;
}

static struct fake fake(const char *group, const char *name, figure_fn fn)
{
	return (struct fake){.group = group, .name = name, .fn = {fn}};
}

static int measure(void *benchmark, unsigned int rep)
{
	const struct timespec nap = {0, nap_us * 1000};
	struct fake *f = benchmark;
	double figures[SCHEDULE_FIGURES];

	for (int i = 0; i < SCHEDULE_FIGURES && f->fn[i]; i++)
		figures[i] = f->fn[i](rep);
	schedule_note(f->item, rep, f->fn[0] ? figures : NULL);
	f->measured++;
	f->last_rep = rep;
	snprintf(order + strlen(order), sizeof(order) - strlen(order), "%s@%u ", f->name, rep);
	if (nap_us)
		nanosleep(&nap, NULL);
	return error;
}

static void ended(void *benchmark)
{
	struct fake *f = benchmark;

	f->ended++;
	snprintf(order + strlen(order), sizeof(order) - strlen(order), "%s! ", f->name);
}

static void set_plan(unsigned int repetitions, unsigned int max, double target)
{
	plan = (struct schedule_plan){
		.seed = 1, .repetitions = repetitions, .max_repetitions = max, .target = target};
}

static void begin(void)
{
	schedule_free(s);
	s = schedule_new(&plan);
	strcpy(order, " ");
	why[0] = '\0';
	nap_us = 0;
	error = 0;
	CHECK(s);
}

static void add(struct fake *f, const struct schedule_item *twin_of)
{
	unsigned int figures = 0;

	while (figures < SCHEDULE_FIGURES && f->fn[figures])
		figures++;
	f->measured = f->ended = 0;
	f->item = schedule_add(s, f->group, f->name, figures ? figures : 1, twin_of, f);
	CHECK(f->item);
}

static int run(void)
{
	const struct schedule_work work = {measure, ended};

	return schedule_run(s, &work, &outcome, why, sizeof(why));
}

/* Runs one alone; how often it was measured. */
static unsigned int count(struct fake *f)
{
	begin();
	add(f, NULL);
	CHECK(!run());
	CHECK(f->ended == 1 && outcome.benchmarks == 1);
	CHECK(!f->measured || f->last_rep == f->measured - 1);
	return f->measured;
}

/* ---- how often ---- */

static void test_settling(void)
{
	struct fake calm = fake("g", "calm", same), rough = fake("g", "rough", wild);
	struct fake late = fake("g", "late", calms_down), blind = fake("g", "blind", none);
	struct fake gaps = fake("g", "gaps", none_at_first);

	set_plan(10, 30, 0.02);
	CHECK(count(&calm) == 10 && outcome.settled == 1 && outcome.rounds == 10);
	CHECK(!schedule_unsettled(calm.item, 0));
	CHECK(schedule_median(calm.item, 0).value == 100);
	CHECK(count(&rough) == 30 && outcome.settled == 0 && outcome.failed == 0);
	CHECK(schedule_unsettled(rough.item, 0) && schedule_median(rough.item, 0).n == 30);
	/* Of 20 in order the 6th to the 15th: then the five of 100 and the five of 200 are out. */
	CHECK(count(&late) == 20);
	CHECK(count(&blind) == 30 && outcome.settled == 0);
	CHECK(schedule_median(blind.item, 0).n == 0);
	/* Six that may be used, after eight that may not. */
	CHECK(count(&gaps) == 14 && schedule_median(gaps.item, 0).n == 6);

	/* Six are the least that can be settled. */
	set_plan(2, 30, 0.02);
	CHECK(count(&calm) == 6);
	set_plan(2, 4, 0.02);
	CHECK(count(&calm) == 4 && outcome.settled == 0);
	/* No test: what everybody gets. */
	set_plan(3, 30, 0);
	CHECK(count(&rough) == 3 && outcome.settled == 1 && !schedule_unsettled(rough.item, 0));
	/* An interval from 100 to 200 around 150. */
	set_plan(10, 30, 0.34);
	CHECK(count(&rough) == 10);
	set_plan(10, 30, 0.33);
	CHECK(count(&rough) == 30);
}

static void test_several_figures(void)
{
	struct fake f = {.group = "g", .name = "f", .fn = {same, wild, calms_down, same}};

	set_plan(10, 30, 0.02);
	CHECK(count(&f) == 30 && outcome.settled == 0);
	CHECK(!schedule_unsettled(f.item, 0) && schedule_unsettled(f.item, 1));
	CHECK(!schedule_unsettled(f.item, 2) && !schedule_unsettled(f.item, 3));
	CHECK(schedule_median(f.item, 2).value == 150);
	f.fn[1] = same;
	CHECK(count(&f) == 20 && outcome.settled == 1);
}

static void test_failing(void)
{
	struct fake bad = fake("g", "bad", NULL), good = fake("g", "good", same);

	set_plan(10, 30, 0.02);
	begin();
	add(&bad, NULL);
	add(&good, NULL);
	CHECK(!run());
	CHECK(bad.measured == 1 && good.measured == 10);
	CHECK(outcome.benchmarks == 2 && outcome.failed == 1 && outcome.settled == 1);
	/* Told of as soon as it is known. */
	CHECK(strstr(order, "bad! ") < strstr(order, "good@1 "));
	CHECK(strstr(order, "good@9 good! "));
	/* Nor is its twin. */
	begin();
	add(&bad, NULL);
	add(&good, bad.item);
	CHECK(!run());
	CHECK(bad.measured == 1 && good.measured == 1);
	/* What measure() returns ends it all. */
	begin();
	add(&good, NULL);
	error = -ENOSPC;
	CHECK(run() == -ENOSPC && good.measured == 1);
}

static void test_budget(void)
{
	struct fake rough = fake("g", "rough", wild), calm = fake("g", "calm", same);

	set_plan(7, 1000, 0.02);
	plan.budget = 0.001;
	begin();
	add(&rough, NULL);
	add(&calm, NULL);
	nap_us = 500;
	CHECK(!run());
	CHECK(rough.measured == 7 && calm.measured == 7 && outcome.budget_spent);
	CHECK(outcome.settled == 1);
	/* In time for all: not spent. */
	plan.budget = 1000;
	CHECK(count(&calm) == 7 && !outcome.budget_spent);
	plan.budget = 1;
	begin();
	add(&rough, NULL);
	nap_us = 2000;
	CHECK(!run());
	CHECK(rough.measured > 7 && rough.measured <= 501 && outcome.budget_spent);
}

static void test_twins(void)
{
	static char name[MOST][16], twin_name[MOST][20];
	static struct fake fakes[MOST], twins[MOST];
	size_t before = 0;

	set_plan(6, 20, 0.02);
	begin();
	for (int i = 0; i < MOST; i++) {
		snprintf(name[i], sizeof(name[i]), "n%d", i);
		snprintf(twin_name[i], sizeof(twin_name[i]), "n%d#", i);
		fakes[i] = fake(name[i], name[i], i ? same : wild);
		twins[i] = fake(name[i], twin_name[i], i == 1 ? wild : same);
		add(&fakes[i], NULL);
		add(&twins[i], fakes[i].item);
	}
	CHECK(!run());
	CHECK(outcome.benchmarks == MOST && outcome.settled == MOST - 1);
	for (int i = 0; i < MOST; i++) {
		char first[40], second[40];

		/* As often as the other, whatever its own figures are. */
		CHECK(fakes[i].measured == (i ? 6 : 20));
		CHECK(twins[i].measured == fakes[i].measured);
		CHECK(fakes[i].ended == 1 && twins[i].ended == 0);
		snprintf(first, sizeof(first), "n%d@0 ", i);
		snprintf(second, sizeof(second), "n%d#@0 ", i);
		before += strstr(order, second) < strstr(order, first);
	}
	/* As often before it as behind it. */
	CHECK(before > MOST / 4 && before < MOST * 3 / 4);
}

static void test_done_before(void)
{
	struct fake a = fake("g", "a", same), b = fake("g", "b", wild), c = fake("g", "c", same);
	double figure = 100;

	set_plan(10, 30, 0.02);
	begin();
	add(&a, NULL);
	add(&b, NULL);
	add(&c, NULL);
	for (unsigned int rep = 0; rep < 10; rep++)
		if (rep != 4)
			schedule_note(a.item, rep, &figure);
	schedule_note(b.item, 0, &figure);
	schedule_note(b.item, 30, &figure); /* beyond the most */
	schedule_note(c.item, 0, NULL);
	CHECK(!run());
	CHECK(a.measured == 1 && a.last_rep == 4);
	CHECK(b.measured == 29 && !strstr(order, "b@0 "));
	CHECK(c.measured == 0 && outcome.failed == 1);
	CHECK(a.ended == 1 && b.ended == 1 && c.ended == 1);

	/* All of it: nothing is left to do. */
	begin();
	add(&a, NULL);
	for (unsigned int rep = 0; rep < 10; rep++)
		schedule_note(a.item, rep, &figure);
	CHECK(!run() && a.measured == 0 && a.ended == 1 && outcome.settled == 1);
}

/* ---- in which order ---- */

static struct fake many[MOST];
static char many_names[MOST][2][8];

/* Every STEPth of 64 benchmarks in 16 groups. */
static const char *order_of(uint64_t seed, unsigned int step)
{
	set_plan(4, 4, 0);
	plan.seed = seed;
	begin();
	for (unsigned int i = 0; i < MOST; i += step) {
		snprintf(many_names[i][0], sizeof(many_names[i][0]), "g%u", i / 4);
		snprintf(many_names[i][1], sizeof(many_names[i][1]), "g%u-%u", i / 4, i % 4);
		many[i] = fake(many_names[i][0], many_names[i][1], same);
		add(&many[i], NULL);
	}
	CHECK(!run());
	return order;
}

/* The place of a benchmark's repetition in an order; a missing one is a failure. */
static size_t place(const char *text, const char *name, unsigned int rep)
{
	char wanted[40];
	const char *found;

	snprintf(wanted, sizeof(wanted), " %s@%u ", name, rep);
	found = strstr(text, wanted);
	CHECK(found);
	return found ? (size_t)(found - text) : 0;
}

static void test_order(void)
{
	static char first[sizeof(order)], half[sizeof(order)];
	unsigned int groups = 0, same_order = 0;
	const char *group = "";

	strcpy(first, order_of(7, 1));
	CHECK_TEXT(order_of(7, 1), first);
	CHECK(strcmp(order_of(8, 1), first));

	/* Each round has all of them, before the next begins, in another order. */
	for (unsigned int i = 0; i < MOST; i++)
		for (unsigned int j = 0; j < MOST; j++)
			for (unsigned int rep = 1; rep < 4; rep++)
				CHECK(place(first, many[i].name, rep - 1) <
				      place(first, many[j].name, rep));
	for (unsigned int i = 1; i < MOST; i++)
		same_order += (place(first, many[0].name, 0) < place(first, many[i].name, 0)) ==
			      (place(first, many[0].name, 1) < place(first, many[i].name, 1));
	CHECK(same_order < MOST - 1);

	/* A group comes in one piece. */
	for (const char *p = first + 1; *p; p = strchr(p, ' ') + 1) {
		if (p[strcspn(p, "@!")] == '!')
			continue;
		if (strcspn(p, "-") != strlen(group) || strncmp(p, group, strlen(group)))
			groups++;
		for (unsigned int i = 0; i < MOST; i++)
			if (!strncmp(p, many[i].name, strlen(many[i].name)) &&
			    p[strlen(many[i].name)] == '@')
				group = many[i].group;
	}
	CHECK(groups >= 4 * 16 - 3 && groups <= 4 * 16); /* two rounds may meet in one */

	/* With every other one of them: those that are there in the same order. */
	strcpy(half, order_of(7, 2));
	for (unsigned int i = 0; i < MOST; i += 2)
		for (unsigned int j = 0; j < MOST; j += 2)
			CHECK((place(first, many[i].name, 2) < place(first, many[j].name, 2)) ==
			      (place(half, many[i].name, 2) < place(half, many[j].name, 2)));
}

/* ---- the baton ---- */

static struct baton baton;
static char *turns;
static size_t turns_size;

/* The run that follows is given these answers; what it writes is in `turns`. */
static void answer(const char *answers)
{
	free(turns);
	turns = NULL;
	baton = (struct baton){.in = fmemopen((char *)answers, strlen(answers), "r"),
			       .out = open_memstream(&turns, &turns_size)};
	CHECK(baton.in && baton.out);
	plan.baton = &baton;
}

static int finish(int ret)
{
	fclose(baton.in);
	fclose(baton.out);
	plan.baton = NULL;
	return ret;
}

static unsigned int count_lines(const char *start)
{
	unsigned int n = 0;

	for (const char *p = turns; *p; p = strchr(p, '\n') + 1)
		n += !strncmp(p, start, strlen(start));
	return n;
}

static void test_baton(void)
{
	struct fake a = fake("g", "a", same), b = fake("g", "b", wild), c = fake("h", "c", same);
	unsigned int round;
	unsigned long long hash, next;
	const char *second;
	char state[16], name[16];

	/* Two rounds of two groups, all of which are measured. */
	set_plan(2, 2, 0);
	answer("go\ngo\ngo\ngo\n");
	begin();
	add(&a, NULL);
	add(&b, NULL);
	add(&c, NULL);
	CHECK(!finish(run()));
	CHECK(a.measured == 2 && b.measured == 2 && c.measured == 2);
	CHECK(count_lines("turn 0 ") == 2 && count_lines("turn 1 ") == 2);
	CHECK(count_lines("done") == 4 && count_lines("end") == 1);
	CHECK(sscanf(turns, "turn %u %16llx %15s %15s\n", &round, &hash, state, name) == 4);
	CHECK(round == 0 && !strcmp(state, "open") && (!strcmp(name, "g") || !strcmp(name, "h")));

	/* In the order of the hashes. */
	second = strstr(turns + 1, "turn");
	CHECK(second && sscanf(second, "turn 0 %16llx", &next) == 1 && next > hash);

	/* A skipped group is not measured, and says nothing more. */
	answer("skip\ngo\nskip\nskip\n");
	begin();
	add(&a, NULL);
	add(&c, NULL);
	CHECK(!finish(run()));
	CHECK(a.measured + c.measured == 1 && count_lines("done") == 1);
	CHECK(count_lines("end") == 1);
}

/* One that needs no more goes on for as long as the other one does, and says so. */
static void test_baton_settled(void)
{
	struct fake a = fake("g", "a", same), b = fake("g", "b", same);

	set_plan(6, 30, 0.02);
	answer("go\ngo\ngo\ngo\ngo\ngo\ngo\ngo\nskip\n");
	begin();
	add(&a, NULL);
	add(&b, NULL);
	CHECK(!finish(run()));
	CHECK(a.measured == 8 && b.measured == 8);
	CHECK(count_lines("turn") == 9 && count_lines("end") == 1);
	CHECK(strstr(turns, "turn 5") && strstr(strstr(turns, "turn 5"), " open "));
	CHECK(strstr(strstr(turns, "turn 5"), " open ") < strstr(turns, "turn 6"));
	CHECK(strstr(strstr(turns, "turn 6"), " settled g\n"));
}

static void test_baton_ends(void)
{
	struct fake a = fake("g", "a", same);

	/* The other end has gone: nothing more is measured. */
	set_plan(10, 30, 0.02);
	answer("go\ngo\n");
	begin();
	add(&a, NULL);
	CHECK(!finish(run()));
	CHECK(a.measured == 2 && count_lines("turn") == 3 && count_lines("end") == 0);

	answer("go\nstop\n");
	begin();
	add(&a, NULL);
	CHECK(finish(run()) == -EPROTO && a.measured == 1);
	CHECK_HAS(why, "'stop'");
	/* A line that was cut off is not an answer. */
	answer("go\ngo");
	begin();
	add(&a, NULL);
	CHECK(finish(run()) == -EPROTO && a.measured == 1);
}

/* A shared group waits before each of its benchmarks, and wherever one of them yields. */
static void test_baton_shared(void)
{
	struct fake a = fake("g", "a", same), b = fake("g", "b", same);
	unsigned long long first, second;

	set_plan(2, 2, 0);
	answer("share\ngo\ngo\n");
	begin();
	add(&a, NULL);
	add(&b, NULL);
	CHECK(!finish(run()));
	CHECK(a.measured == 1 && b.measured == 1 && count_lines("turn") == 2);
	CHECK(sscanf(strchr(turns, '\n'), "\nnext %16llx\nnext %16llx\ndone\n", &first, &second) ==
	      2);
	CHECK(first < second);

	/* What is in the middle of a group is measured to the end of it, whatever comes. */
	answer("share\nrubbish\n");
	begin();
	add(&a, NULL);
	add(&b, NULL);
	CHECK(finish(run()) == -EPROTO && a.measured == 1 && b.measured == 1);
	CHECK_HAS(why, "'rubbish'");
	answer("share\n");
	begin();
	add(&a, NULL);
	add(&b, NULL);
	CHECK(!finish(run()) && a.measured == 1 && b.measured == 1 && count_lines("end") == 0);
}

static void test_baton_yields(void)
{
	answer("share\ngo\n");
	CHECK(!baton_is_shared(NULL) && !baton_is_shared(&baton));
	CHECK(baton_ask(&baton, why, sizeof(why)) == 1 && baton_is_shared(&baton));
	baton_yield(&baton);
	CHECK(baton_is_shared(&baton) && count_lines("yield") == 1);
	baton_yield(&baton);
	CHECK(!baton_is_shared(&baton) && baton.gone);
	finish(0);
}

/* Repetitions of an earlier run are offered as needing nothing; later rounds come all the same. */
static void test_baton_resumed(void)
{
	struct fake a = fake("g", "a", same);
	double figure = 100;

	set_plan(6, 30, 0.02);
	answer("skip\nskip\ngo\ngo\ngo\ngo\nskip\n");
	begin();
	add(&a, NULL);
	schedule_note(a.item, 0, &figure);
	schedule_note(a.item, 1, &figure);
	CHECK(!finish(run()));
	CHECK(a.measured == 4 && count_lines("turn 1") == 1);
	CHECK(strstr(turns, " settled g\n") < strstr(turns, " open g\n"));
	/* Not a second time, whatever the answer. */
	answer("go\ngo\nskip\nskip\nskip\nskip\nskip\n");
	begin();
	add(&a, NULL);
	schedule_note(a.item, 0, &figure);
	schedule_note(a.item, 1, &figure);
	CHECK(!finish(run()));
	CHECK(a.measured == 0);
	/* One that had all it needs goes on with an other end that has not. */
	answer("skip\nskip\nskip\nskip\nskip\nskip\ngo\nskip\n");
	begin();
	add(&a, NULL);
	for (unsigned int rep = 0; rep < 6; rep++)
		schedule_note(a.item, rep, &figure);
	CHECK(!finish(run()));
	CHECK(a.measured == 1 && a.last_rep == 6 && count_lines("end") == 1);
}

int main(void)
{
	test_settling();
	test_several_figures();
	test_failing();
	test_budget();
	test_twins();
	test_done_before();
	test_order();
	test_baton();
	test_baton_settled();
	test_baton_ends();
	test_baton_shared();
	test_baton_yields();
	test_baton_resumed();
	schedule_free(s);
	free(turns);
	return check_result();
}
