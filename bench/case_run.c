/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One repetition of one benchmark. */
#include "case.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "disturb.h"
#include "gbench_c.h"
#include "pin.h"
#include "plant.h"
#include "warmup.h"

/* A multiple of every pass of those that are timed in parts: see steady.h. */
#define COUNTED_OPS 4096

/* What Google Benchmark's run of a benchmark of one thread is told, and tells. */
struct alone {
	struct bench_case *c;
	struct measurement *m;
	double warm_ns; /* of an operation, by the warm-up; 0: it was not yet */
};

/* On the PU of the first thread, for the memory that comes from where it is first touched. */
static int set_up(struct bench_case *c)
{
	int ret = pin_bind_self(c->run.topo, &c->run.slots[0]);

	if (!ret && c->run.op->setup)
		ret = c->run.op->setup(&c->run);
	pin_unbind_self(c->run.topo);
	return ret;
}

static void *nothing(void *arg)
{
	return arg;
}

/*
 * The C library takes its own locks without atomics until a process has had a thread. Not to
 * depend on which benchmark was the first to have one, all of them come after one.
 */
static int have_had_thread(void)
{
	static bool had;
	pthread_t thread;
	int ret = had ? 0 : -pthread_create(&thread, NULL, nothing, NULL);

	if (!ret && !had)
		had = !pthread_join(thread, NULL);
	return ret;
}

/* The reason, for the row. */
static const char *reason(const struct bench_case *c, int ret)
{
	return c->run.why ? c->run.why : strerror(-ret);
}

/* ---- one thread, as many operations as Google Benchmark says ---- */

/* The nanoseconds of N operations. */
static uint64_t time_batch(struct op_thread *t, uint64_t n)
{
	const struct bench_op *op = t->run->op;
	uint64_t t0;

	if (op->timed)
		return op->timed(t, n);
	t0 = now_ns();
	op->run(t, n);
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

static void time_parts(gb_state *st, struct op_thread *t)
{
	uint64_t n = gb_begin(st), ns = t->run->op->timed(t, n);

	gb_end(st);
	gb_set_iteration_time(st, (double)ns * 1e-9);
}

/* Counters would be in the way of the clock in each part: some more operations are for them. */
static void count_parts(struct op_thread *t, struct perfctr_counts *counters)
{
	part_hooks = &perfctr_hooks;
	t->run->op->timed(t, COUNTED_OPS);
	part_hooks = NULL;
	take_counters(counters, COUNTED_OPS);
}

/* Counts the timed region, which Google Benchmark begins and ends for less than an operation. */
static void time_run(gb_state *st, struct op_thread *t, struct perfctr_counts *counters)
{
	bool counted = perfctr_is_open();
	uint64_t n;

	if (counted)
		perfctr_hooks.begin();
	n = gb_begin(st);
	t->run->op->run(t, n);
	plant_run(t, n);
	gb_end(st);
	if (counted) {
		perfctr_hooks.end();
		take_counters(counters, n);
	}
}

/* The first of the calls that look for the number of iterations warms up for all of them. */
static void run_alone(gb_state *st, void *user)
{
	struct alone *a = user;
	struct bench_case *c = a->c;
	const struct bench_op *op = c->run.op;
	struct op_thread t = {.run = &c->run};
	struct disturb_alone account;
	int ret = pin_bind_self(c->run.topo, &c->run.slots[0]);

	if (!ret && op->thread_setup)
		ret = op->thread_setup(&t);
	if (ret) {
		gb_skip_with_error(st, reason(c, ret));
	} else {
		if (!a->warm_ns)
			a->warm_ns = warm_up(&t);
		plant_choose(c->name);
		disturb_alone_begin(c->run.disturb, &account, &c->run.slots[0]);
		if (op->timed)
			time_parts(st, &t);
		else
			time_run(st, &t, &a->m->alone.counters);
		a->m->disturbed = disturb_alone_end(&account);
		if (op->timed && perfctr_is_open())
			count_parts(&t, &a->m->alone.counters);
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
	a->m->alone.real_ns = result->real_ns;
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
	return !a->m->error[0] && a->m->alone.real_ns > 2 * a->warm_ns;
}

#define SEARCHES 3 /* at most: what is slow again and again is so */

/* Every repetition is a run of Google Benchmark's, so that they can be in any order. */
static int measure_alone(struct bench_case *c, struct measurement *m)
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

/* ---- several threads: these measure by their own clocks ---- */

static uint64_t window_ns(const struct bench_case *c)
{
	return c->context->options->window_ms * 1000000ull;
}

static int measure_team(struct bench_case *c, struct measurement *m)
{
	int ret = team_measure(&c->run, window_ns(c), &m->team);

	m->misplaced = m->team.misplaced;
	m->disturbed = m->team.disturbed;
	return ret;
}

static int measure_herd(struct bench_case *c, struct measurement *m)
{
	int ret = herd_measure(&c->run, c->sleepers, window_ns(c), &m->herd);

	m->misplaced = m->herd.misplaced;
	m->disturbed = m->herd.disturbed;
	/* Threads still use the shared state: it stays as it is. */
	c->abandoned = ret == -ETIMEDOUT;
	return ret;
}

/* ---- counted ---- */

static int measure_counts(struct bench_case *c, struct measurement *m)
{
	const struct bench_op *op = c->run.op;
	struct op_thread t = {.run = &c->run};
	int ret = pin_bind_self(c->run.topo, &c->run.slots[0]);

	if (!ret && op->thread_setup)
		ret = op->thread_setup(&t);
	if (ret)
		return ret;
	ret = counts_measure(&t, &m->counts);
	m->misplaced = !pin_in_place(&c->run.slots[0]);
	if (op->thread_teardown)
		op->thread_teardown(&t);
	return ret;
}

/* ---- any of them ---- */

static int measure(struct bench_case *c, struct measurement *m)
{
	if (c->context->options->count)
		return measure_counts(c, m);
	if (c->run.op->herd)
		return measure_herd(c, m);
	return case_is_team(c) ? measure_team(c, m) : measure_alone(c, m);
}

/* What a set-up leaves that failed half way is left too: it was out of memory or of its depth. */
void case_measure(struct bench_case *c, struct measurement *m)
{
	int ret = c->why[0] ? -ENOTSUP : 0;

	*m = (struct measurement){0};
	c->run.why = c->why[0] ? c->why : NULL;
	if (!ret)
		ret = have_had_thread();
	if (!ret)
		ret = set_up(c);
	if (!ret) {
		ret = measure(c, m);
		if (c->run.op->teardown && !c->abandoned)
			c->run.op->teardown(&c->run);
	}
	if (ret)
		snprintf(m->error, sizeof(m->error), "%s", reason(c, ret));
}
