/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A repetition of one thread: a run of Google Benchmark's, which says how many operations. Each
 * repetition is one, so that they can be in any order.
 */
#include "case.h"

#include <errno.h>
#include <stdio.h>

#include "baton.h"
#include "disturb.h"
#include "gbench_c.h"
#include "pin.h"
#include "plant.h"
#include "slices.h"
#include "steady.h"
#include "warmup.h"

/* A multiple of every pass of those that are timed in parts: see steady.h. */
#define COUNTED_OPS 4096

/* What Google Benchmark's run of a benchmark of one thread is told, and tells. */
struct alone {
	struct bench_case *c;
	struct measurement *m;
	double warm_ns;	  /* of an operation, by the warm-up; 0: it was not yet */
	double mean_ns;	  /* of an operation, of all of them */
	double median_ns; /* likewise, of the slices */
};

/* The nanoseconds of N operations. */
static uint64_t time_batch(struct op_thread *t, uint64_t n)
{
	const struct bench_op *op = t->run->op;
	uint64_t t0;

	if (op->timed)
		return op->timed(t, n);
	t0 = now_ns();
	op->run(t, n);
	plant_run(t, n);
	return now_ns() - t0;
}

static double warm_up(struct op_thread *t)
{
	struct warmup w = warmup_begin();

	while (warmup_goes_on(&w, time_batch(t, w.batch)))
		;
	return warmup_ns(&w);
}

static void take_counters(struct perfctr_counts *counters, uint64_t n)
{
	perfctr_take(counters);
	for (int i = 0; i < PERFCTR_EVENTS; i++)
		counters->count[i] /= (double)n;
}

/* Counters would be in the way of the clock in each part: some more operations are for them. */
static void count_parts(struct op_thread *t, struct perfctr_counts *counters)
{
	part_hooks = &perfctr_hooks;
	t->run->op->timed(t, COUNTED_OPS);
	part_hooks = NULL;
	take_counters(counters, COUNTED_OPS);
}

/* Between two turns with another program, see baton.h: long against what a change of turns costs.
 */
#define TURN_NS 1000000

/* A repetition of one thread. */
struct lap {
	gb_state *st;
	struct op_thread *t;
	struct baton *baton;
	struct disturb_alone account;
	bool counted; /* by the CPU's counters */
};

static void yield(struct lap *lap)
{
	if (lap->counted)
		perfctr_hooks.end();
	gb_pause(lap->st);
	disturb_alone_pause(&lap->account);
	baton_yield(lap->baton);
	disturb_alone_resume(&lap->account);
	gb_resume(lap->st);
	if (lap->counted)
		perfctr_hooks.begin();
}

static void time_slices(struct lap *lap, struct slices *s)
{
	uint64_t n, ns, turn = 0;

	while ((n = slices_next(s))) {
		if (turn >= TURN_NS && baton_is_shared(lap->baton)) {
			yield(lap);
			turn = 0;
		}
		ns = time_batch(lap->t, n);
		slices_add(s, ns);
		turn += ns;
	}
}

/* Google Benchmark begins and ends its time for less than an operation, so that is counted too. */
static struct slices time_lap(struct lap *lap)
{
	const unsigned int pass = lap->t->run->op->pass;
	struct slices s;

	if (lap->counted)
		perfctr_hooks.begin();
	s = slices_begin(gb_begin(lap->st), pass ? pass : STEADY_OPS);
	time_slices(lap, &s);
	gb_end(lap->st);
	if (lap->counted)
		perfctr_hooks.end();
	return s;
}

/* Its figures, and what counters there are. */
static void run_lap(struct alone *a, gb_state *st, struct op_thread *t)
{
	struct perfctr_counts *counters = &a->m->alone.counters;
	const struct bench_op *op = t->run->op;
	struct lap lap = {.st = st,
			  .t = t,
			  .baton = a->c->context->baton,
			  .counted = perfctr_is_open() && !op->timed};
	struct slices s;

	disturb_alone_begin(t->run->disturb, &lap.account, &t->run->slots[0]);
	s = time_lap(&lap);
	a->m->disturbed = disturb_alone_end(&lap.account);
	a->median_ns = slices_median(&s);
	if (op->timed)
		gb_set_iteration_time(st, s.total_ns * 1e-9);
	if (lap.counted)
		take_counters(counters, s.ops);
	else if (perfctr_is_open())
		count_parts(t, counters);
}

/* The first of the calls that look for the number of iterations warms up for all of them. */
static void run_alone(gb_state *st, void *user)
{
	struct alone *a = user;
	struct bench_case *c = a->c;
	const struct bench_op *op = c->run.op;
	struct op_thread t = {.run = &c->run};
	int ret = pin_bind_self(c->run.topo, &c->run.slots[0]);

	if (!ret && op->thread_setup)
		ret = op->thread_setup(&t);
	if (ret) {
		gb_skip_with_error(st, case_reason(c, ret));
	} else {
		plant_choose(c->name);
		if (!a->warm_ns)
			a->warm_ns = warm_up(&t);
		run_lap(a, st, &t);
		a->m->misplaced |= !pin_in_place(&c->run.slots[0]);
		if (op->thread_teardown)
			op->thread_teardown(&t);
	}
	/* A pin outlives its benchmark otherwise. */
	pin_unbind_self(c->run.topo);
}

static int take_result(const struct gb_result *result, void *user)
{
	struct alone *a = user;

	if (result->status != GB_OK)
		snprintf(a->m->error, sizeof(a->m->error), "%s",
			 result->message[0] ? result->message : "failed");
	a->m->alone.iterations = (double)result->iterations;
	a->m->alone.real_ns = a->median_ns;
	a->mean_ns = result->real_ns;
	a->m->alone.cpu_ns = result->cpu_ns;
	return 0;
}

static int register_as(const struct bench_case *c, void *user, gb_benchmark **registered)
{
	gb_benchmark *b = gb_register(c->name, run_alone, user);
	bool own_time = c->run.op->timed || c->run.op->herd || case_is_team(c);
	int ret = own_time ? gb_use_manual_time(b) : gb_use_real_time(b);

	/* These two run by time themselves. */
	if (!ret && (c->run.op->herd || case_is_team(c)))
		ret = gb_iterations(b, 1);
	*registered = b;
	return ret;
}

int case_register(const struct bench_case *c)
{
	gb_benchmark *b;

	return register_as(c, NULL, &b);
}

/* A run of Google Benchmark's; it looks for a number of iterations where none is known. */
static int run_once(struct alone *a)
{
	struct bench_case *c = a->c;
	const struct gb_run_options how = {.filter = "",
					   .flags = GB_RUN_NO_DISPLAY | GB_RUN_NO_FILE,
					   .on_result = take_result,
					   .user = a};
	gb_benchmark *b;
	int ret = register_as(c, a, &b);

	/* Whatever the environment says. */
	if (!ret)
		ret = gb_repetitions(b, 1);
	if (!ret && c->iterations)
		ret = gb_iterations(b, c->iterations);
	if (!ret)
		ret = gb_run(&how);
	if (ret)
		c->run.why = gb_last_error();
	gb_unregister_all();
	return ret;
}

/*
 * The search for a number of iterations ends with the first run that is long enough. A pause in
 * one of its first runs is that, and all repetitions would do a handful of operations each.
 */
static bool paused(const struct alone *a)
{
	return !a->m->error[0] && a->mean_ns > 2 * a->warm_ns;
}

#define SEARCHES 3 /* at most: what is slow again and again is so */

int case_measure_alone(struct bench_case *c, struct measurement *m)
{
	struct alone a = {.c = c, .m = m};
	int ret = run_once(&a);

	for (int i = 1; i < SEARCHES && !ret && !c->iterations && paused(&a); i++)
		ret = run_once(&a);
	if (!ret && !m->error[0])
		c->iterations = (int64_t)m->alone.iterations;
	if (ret || !(m->disturbed & DISTURB_CLOCK))
		return ret;
	c->run.why = clock_stepped;
	return -ERANGE;
}
