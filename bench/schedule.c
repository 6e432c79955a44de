/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "schedule.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "baton.h"
#include "clock.h"
#include "text.h"

struct schedule_item {
	struct schedule *schedule;
	const char *group, *name;
	const struct schedule_item *primary; /* of a twin; else itself */
	void *benchmark;
	unsigned int figures;
	bool failed, ended;
	bool chosen; /* to be measured in this round */
	bool unsettled[SCHEDULE_FIGURES];
	bool *done;	/* by repetition */
	double *figure; /* likewise, one list for each figure */
	uint64_t place; /* in this round */
};

struct group {
	const char *name;
	struct schedule_item **items;
	size_t count;
	uint64_t place;
};

struct schedule {
	struct schedule_plan plan;
	struct schedule_item **items;
	size_t count;
	struct group *groups;
	size_t group_count;
	double *scratch;
	uint64_t begun;
	bool budget_spent;
};

/* ---- what there is ---- */

struct schedule *schedule_new(const struct schedule_plan *plan)
{
	struct schedule *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->plan = *plan;
	s->scratch = calloc(plan->max_repetitions, sizeof(*s->scratch));
	if (s->scratch)
		return s;
	free(s);
	return NULL;
}

static void free_item(struct schedule_item *item)
{
	free(item->done);
	free(item->figure);
	free(item);
}

void schedule_free(struct schedule *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		free_item(s->items[i]);
	free(s->items);
	free(s->groups);
	free(s->scratch);
	free(s);
}

struct schedule_item *schedule_add(struct schedule *s, const char *group, const char *name,
				   unsigned int figures, const struct schedule_item *twin_of,
				   void *benchmark)
{
	struct schedule_item **more = realloc(s->items, (s->count + 1) * sizeof(*more));
	struct schedule_item *item = calloc(1, sizeof(*item));

	if (more)
		s->items = more;
	if (!more || !item)
		goto fail;
	*item = (struct schedule_item){
		.schedule = s,
		.group = group,
		.name = name,
		.primary = twin_of ? twin_of : item,
		.benchmark = benchmark,
		.figures = figures,
		.done = calloc(s->plan.max_repetitions, sizeof(*item->done)),
		.figure = calloc((size_t)s->plan.max_repetitions * figures, sizeof(*item->figure)),
	};
	if (!item->done || !item->figure)
		goto fail_item;
	for (unsigned int f = 0; f < figures; f++)
		item->unsettled[f] = s->plan.target > 0;
	s->items[s->count++] = item;
	return item;
fail_item:
	free_item(item);
	return NULL;
fail:
	free(item);
	return NULL;
}

/* ---- what is settled ---- */

static double *figures_of(const struct schedule_item *item, unsigned int figure)
{
	return &item->figure[(size_t)item->schedule->plan.max_repetitions * figure];
}

struct median schedule_median(const struct schedule_item *item, unsigned int figure)
{
	const double *values = figures_of(item, figure);
	double *usable = item->schedule->scratch;
	size_t n = 0;

	for (unsigned int rep = 0; rep < item->schedule->plan.max_repetitions; rep++)
		if (item->done[rep] && !isnan(values[rep]))
			usable[n++] = values[rep];
	return median_of(usable, n);
}

static void judge(struct schedule_item *item)
{
	for (unsigned int f = 0; f < item->figures; f++) {
		const struct median m = schedule_median(item, f);

		/* Not so either while there is no interval. */
		item->unsettled[f] = !(median_spread(&m) <= item->schedule->plan.target);
	}
}

void schedule_note(struct schedule_item *item, unsigned int rep, const double *figures)
{
	const struct schedule_plan *plan = &item->schedule->plan;

	if (!figures)
		item->failed = true;
	if (!figures || rep >= plan->max_repetitions)
		return;
	item->done[rep] = true;
	for (unsigned int f = 0; f < item->figures; f++)
		figures_of(item, f)[rep] = figures[f];
	if (plan->target > 0)
		judge(item);
}

bool schedule_unsettled(const struct schedule_item *item, unsigned int figure)
{
	return item->unsettled[figure];
}

static bool any_unsettled(const struct schedule_item *item)
{
	for (unsigned int f = 0; f < item->figures; f++)
		if (item->unsettled[f])
			return true;
	return false;
}

/* ---- who needs more ---- */

static bool budget_left(struct schedule *s)
{
	if (s->plan.budget > 0 && (double)(now_ns() - s->begun) > s->plan.budget * 1e9)
		s->budget_spent = true;
	return !s->budget_spent;
}

/* Whether it wants repetition REP, wherever from. */
static bool wants(struct schedule *s, const struct schedule_item *item, unsigned int rep)
{
	if (item->failed || item->primary->failed || rep >= s->plan.max_repetitions)
		return false;
	return rep < s->plan.repetitions || (any_unsettled(item->primary) && budget_left(s));
}

static bool anyone_wants(struct schedule *s, unsigned int rep)
{
	for (size_t i = 0; i < s->count; i++)
		if (wants(s, s->items[i], rep))
			return true;
	return false;
}

static void end(const struct schedule_work *work, struct schedule_item *item)
{
	if (item->ended || item->primary != item)
		return;
	item->ended = true;
	if (work->ended)
		work->ended(item->benchmark);
}

/* ---- the order ---- */

/* Every bit of X has a say in every bit of the result. */
static uint64_t scramble(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint64_t place_of(const struct schedule *s, unsigned int round, const char *name)
{
	uint64_t hash = scramble(scramble(s->plan.seed) + round);

	for (; *name; name++)
		hash = scramble(hash + (unsigned char)*name);
	return hash;
}

static int by_group_name(const void *a, const void *b)
{
	const struct schedule_item *const *x = a, *const *y = b;

	return strcmp((*x)->group, (*y)->group);
}

static int by_place(const void *a, const void *b)
{
	const struct schedule_item *x = *(struct schedule_item *const *)a;
	const struct schedule_item *y = *(struct schedule_item *const *)b;

	return x->place != y->place ? (x->place > y->place) - (x->place < y->place)
				    : strcmp(x->name, y->name);
}

static int by_group_place(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->place != y->place ? (x->place > y->place) - (x->place < y->place)
				    : strcmp(x->name, y->name);
}

static int make_groups(struct schedule *s)
{
	s->groups = calloc(s->count + 1, sizeof(*s->groups));
	if (!s->groups)
		return -ENOMEM;
	qsort(s->items, s->count, sizeof(*s->items), by_group_name);
	for (size_t i = 0; i < s->count; i++) {
		struct group *g = &s->groups[s->group_count];

		if (!i || strcmp(s->items[i]->group, s->items[i - 1]->group))
			*(g = &s->groups[s->group_count++]) =
				(struct group){.name = s->items[i]->group, .items = &s->items[i]};
		else
			g--;
		g->count++;
	}
	return 0;
}

static void put_in_order(struct schedule *s, unsigned int round)
{
	for (size_t i = 0; i < s->count; i++)
		s->items[i]->place = place_of(s, round, s->items[i]->name);
	for (size_t i = 0; i < s->group_count; i++) {
		struct group *g = &s->groups[i];

		g->place = place_of(s, round, g->name);
		qsort(g->items, g->count, sizeof(*g->items), by_place);
	}
	qsort(s->groups, s->group_count, sizeof(*s->groups), by_group_place);
}

/* ---- a run ---- */

/*
 * Those that want more; with a baton all, so that each has as many repetitions here as there.
 * Chosen before the first of them is measured: their order must not have a say in it.
 */
static bool choose(struct schedule *s, const struct group *g, unsigned int round, bool all)
{
	bool any = false;

	for (size_t i = 0; i < g->count; i++) {
		struct schedule_item *item = g->items[i];

		item->chosen =
			!item->done[round] && !item->failed && (all || wants(s, item, round));
		any |= item->chosen;
	}
	return any;
}

static int run_group(struct schedule *s, const struct group *g, unsigned int round,
		     const struct schedule_work *work)
{
	for (size_t i = 0; i < g->count; i++) {
		struct schedule_item *item = g->items[i];
		int ret;

		if (!item->chosen)
			continue;
		baton_next(s->plan.baton, item->place);
		ret = work->measure(item->benchmark, round);
		if (ret)
			return ret;
		if (!wants(s, item, round + 1))
			end(work, item);
	}
	baton_tell(s->plan.baton, "done\n");
	return 0;
}

/* Whether an earlier run has done any of this round. */
static bool any_done(const struct schedule *s, unsigned int round)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i]->done[round])
			return true;
	return false;
}

/* 1: it is our turn; 0: not this time, or never again; -EPROTO. */
static int take_turn(struct schedule *s, const struct group *g, unsigned int round, bool open,
		     char *why, size_t len)
{
	baton_tell(s->plan.baton, "turn %u %016" PRIx64 " %s %s\n", round, g->place,
		   open ? "open" : "settled", g->name);
	return baton_ask(s->plan.baton, why, len);
}

static bool stopped(const struct schedule *s)
{
	return s->plan.baton && s->plan.baton->gone;
}

/* *BUSY: it was not empty, so that the other end of the baton may want another one. */
static int run_round(struct schedule *s, unsigned int round, const struct schedule_work *work,
		     bool *busy, char *why, size_t len)
{
	int ret = 0;

	*busy = any_done(s, round);
	put_in_order(s, round);
	for (size_t i = 0; i < s->group_count && !ret; i++) {
		const struct group *g = &s->groups[i];
		int turn = choose(s, g, round, false);

		if (s->plan.baton) {
			turn = take_turn(s, g, round, turn, why, len);
			choose(s, g, round, true);
		}
		if (turn < 0 || stopped(s))
			return turn;
		if (turn)
			ret = run_group(s, g, round, work);
		*busy |= turn;
	}
	return ret;
}

static void sum_up(struct schedule *s, const struct schedule_work *work,
		   struct schedule_outcome *outcome)
{
	for (size_t i = 0; i < s->count; i++) {
		struct schedule_item *item = s->items[i];

		if (item->primary != item)
			continue;
		end(work, item);
		outcome->benchmarks++;
		outcome->failed += item->failed;
		outcome->settled += !item->failed && !any_unsettled(item);
	}
	outcome->budget_spent = s->budget_spent;
}

int schedule_run(struct schedule *s, const struct schedule_work *work,
		 struct schedule_outcome *outcome, char *why, size_t len)
{
	bool busy = false;
	int ret = make_groups(s);

	*outcome = (struct schedule_outcome){0};
	s->begun = now_ns();
	while (!ret && !stopped(s) && outcome->rounds < s->plan.max_repetitions &&
	       (anyone_wants(s, outcome->rounds) || (s->plan.baton && busy)))
		ret = run_round(s, outcome->rounds++, work, &busy, why, len);
	if (ret)
		return ret;
	sum_up(s, work, outcome);
	if (!stopped(s))
		baton_tell(s->plan.baton, "end\n");
	return 0;
}
