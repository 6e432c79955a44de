/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run: which benchmarks, in which order, and what is said of them on the way. */
#include "case.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gbench_c.h"

/* ---- which ---- */

static int no_memory(struct case_context *context)
{
	snprintf(context->why, sizeof(context->why), "%s", strerror(ENOMEM));
	return -ENOMEM;
}

static int library_error(struct case_context *context, int ret)
{
	if (ret)
		snprintf(context->why, sizeof(context->why), "%s", gb_last_error());
	return ret;
}

/* Whether the library's name for it, which ends with how the time is taken, is this one's. */
static bool is_listed(const struct bench_case *c, const char *listed)
{
	size_t len = strlen(c->name);

	return !strncmp(listed, c->name, len) && listed[len] == '/';
}

/* What the library lists is in the order of our list. */
static int mark_listed(const char *listed, void *user)
{
	struct bench_case **at = user;

	while (*at && !is_listed(*at, listed))
		*at = (*at)->next;
	if (*at)
		(*at)->wanted = true;
	if (gb_list_requested())
		puts(listed);
	return 0;
}

/* The library takes time by the square of how many are registered. */
#define AT_ONCE 64

/* Marks those that the filter matches, of some from *FIRST on, which is the next one then. */
static int mark_some(struct bench_case **first)
{
	struct bench_case *at = *first, *c = *first;
	int ret = 0;

	for (int n = 0; c && n < AT_ONCE && !ret; n++, c = c->next)
		ret = case_register(c);
	if (!ret)
		ret = gb_list_tests(NULL, mark_listed, &at);
	gb_unregister_all();
	*first = c;
	return ret;
}

static void drop_unwanted(struct case_context *context)
{
	struct bench_case **at = &context->first, *c;

	context->last = NULL;
	while ((c = *at)) {
		if (c->wanted) {
			context->last = c;
			at = &c->next;
			continue;
		}
		*at = c->next;
		case_free(c);
	}
}

int cases_select(struct case_context *context)
{
	struct bench_case *c = context->first;
	int ret;

	do
		ret = mark_some(&c);
	while (c && (!ret || ret == -ENOENT));
	drop_unwanted(context);
	if (ret == -ENOENT && context->first)
		ret = 0;
	return library_error(context, ret);
}

/* ---- twins ---- */

static bool may_have_twin(const struct bench_case *c)
{
	return !c->why[0] && !c->twin_of;
}

static size_t count_cases(const struct case_context *context)
{
	size_t n = 0;

	for (const struct bench_case *c = context->first; c; c = c->next)
		n += may_have_twin(c);
	return n;
}

/* Spread evenly: so many of those up to the Nth of COUNT. */
static size_t twins_up_to(size_t n, size_t count, size_t twins)
{
	return (2 * n * twins + count) / (2 * count);
}

static int add_twins(struct case_context *context)
{
	size_t count = count_cases(context), twins = context->options->twins, n = 0;

	if (strcmp(context->execution, "native"))
		return 0;
	if (twins > count)
		twins = count;
	for (struct bench_case *c = context->first; c; c = c->next) {
		if (!may_have_twin(c))
			continue;
		if (twins_up_to(n + 1, count, twins) > twins_up_to(n, count, twins) &&
		    case_add_twin(c))
			return no_memory(context);
		n++;
	}
	return 0;
}

/* ---- one after the other ---- */

static int measure(void *benchmark, unsigned int rep)
{
	struct bench_case *c = benchmark;
	double figures[SCHEDULE_FIGURES];
	struct measurement m;

	case_measure(c, &m);
	c->counters = m.alone.counters;
	case_take_figures(c, &m, figures);
	schedule_note(c->item, rep, m.error[0] ? NULL : figures);
	return case_append(c, rep, &m);
}

/* Of the last repetition, where something was counted. */
static void say_counters(const struct bench_case *c)
{
	const double *n = c->counters.count;

	if (!perfctr_is_open() || case_is_team(c) || c->run.op->herd || !isfinite(n[USER_INSNS]))
		return;
	printf("  %.4g instructions, %.4g cycles", n[USER_INSNS], n[USER_CYCLES]);
	if (isfinite(n[KERNEL_INSNS]))
		printf("; in the kernel %.4g, %.4g", n[KERNEL_INSNS], n[KERNEL_CYCLES]);
	putchar('\n');
}

/* A herd is told of by its last sleeper. */
static void say_ended(void *benchmark)
{
	const struct bench_case *c = benchmark;
	unsigned int figure = case_figures(c) - 1;
	const struct median m = schedule_median(c->item, figure);

	printf("%s: ", c->name);
	if (!m.n)
		printf("no figures\n");
	else if (m.n < MEDIAN_LEAST)
		printf("%.4g ns of %zu repetitions\n", m.value, m.n);
	else
		printf("%.4g ns +-%.1f %% of %zu repetitions%s\n", m.value, median_spread(&m) * 100,
		       m.n, schedule_unsettled(c->item, figure) ? ", unsettled" : "");
	say_counters(c);
	fflush(stdout);
}

/* ---- a run ---- */

static struct schedule_plan plan_of(const struct case_context *context)
{
	const struct options *o = context->options;
	bool emulated = strcmp(context->execution, "native");

	return (struct schedule_plan){
		.seed = o->seed,
		.repetitions = o->repetitions,
		/* Emulated times say nothing: none is worth waiting for. */
		.max_repetitions = emulated ? o->repetitions : o->max_repetitions,
		.target = emulated ? 0 : o->target,
		.budget = o->budget,
		.baton = context->baton,
	};
}

static void say_outcome(const struct case_context *context, const struct schedule_outcome *outcome)
{
	size_t unsettled = outcome->benchmarks - outcome->settled - outcome->failed;

	printf("%zu benchmarks in %u rounds: ", outcome->benchmarks, outcome->rounds);
	if (plan_of(context).target > 0)
		printf("%zu settled, %zu unsettled, ", outcome->settled, unsettled);
	printf("%zu without figures; budget %s; seed %" PRIu64 "\n", outcome->failed,
	       outcome->budget_spent ? "spent" : "not spent", context->options->seed);
	fflush(stdout);
}

static int fill_schedule(struct case_context *context)
{
	for (struct bench_case *c = context->first; c; c = c->next) {
		c->item = schedule_add(context->schedule, c->group, c->name, case_figures(c),
				       c->twin_of ? c->twin_of->item : NULL, c);
		if (!c->item)
			return no_memory(context);
	}
	return 0;
}

int cases_prepare(struct case_context *context)
{
	const struct schedule_plan plan = plan_of(context);
	int ret;

	context->schedule = schedule_new(&plan);
	ret = context->schedule ? add_twins(context) : no_memory(context);
	if (!ret)
		ret = fill_schedule(context);
	if (!ret && context->options->resume)
		ret = cases_take_done(context);
	return ret;
}

int cases_run(struct case_context *context)
{
	const bool silent = context->baton;
	const struct schedule_work work = {measure, silent ? NULL : say_ended};
	struct schedule_outcome outcome;
	int ret = schedule_run(context->schedule, &work, &outcome, context->why,
			       sizeof(context->why));

	if (!ret && !silent)
		say_outcome(context, &outcome);
	return ret;
}
