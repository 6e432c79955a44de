/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One repetition of one benchmark. */
#include "case.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "disturb.h"
#include "pin.h"
#include "plant.h"

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
	plant_choose(c->name);
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
	return case_is_team(c) ? measure_team(c, m) : case_measure_alone(c, m);
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
		snprintf(m->error, sizeof(m->error), "%s", case_reason(c, ret));
}
