/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "team.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "../platforms/arch.h"
#include "clock.h"
#include "pin.h"

#define DEFAULT_BATCH 64
/* With a PU for everybody the barrier is passed long before; without, somebody must yield. */
#define SPINS_BEFORE_YIELD 10000

enum phase { GATHER, GO, STOP };

/* What all look at, each on a line of its own: a store to one must not disturb the others. */
struct team_shared {
	_Alignas(ARCH_ALIGN_OWN_LINE) unsigned int ready; /* members at the barrier */
	_Alignas(ARCH_ALIGN_OWN_LINE) int phase;
	_Alignas(ARCH_ALIGN_OWN_LINE) unsigned int running; /* measured members not done yet */
	_Alignas(ARCH_ALIGN_OWN_LINE) int failed;	    /* first -errno of a thread_setup() */
};

struct member {
	_Alignas(ARCH_ALIGN_OWN_LINE) struct op_thread t;
	struct team_shared *shared;
	const struct pin_slot *slot;
	bool measured;
	pthread_t id;
	uint64_t ops, start, stop, cpu;
	bool in_place;
};

static int phase_of(const struct team_shared *shared)
{
	return __atomic_load_n(&shared->phase, __ATOMIC_ACQUIRE);
}

static void set_phase(struct team_shared *shared, enum phase phase)
{
	__atomic_store_n(&shared->phase, phase, __ATOMIC_RELEASE);
}

static bool has_failed(const struct team_shared *shared)
{
	return __atomic_load_n(&shared->failed, __ATOMIC_RELAXED);
}

/* Lets those that have started go, without anything measured. */
static void fail(struct team_shared *shared, int ret)
{
	__atomic_store_n(&shared->failed, ret, __ATOMIC_RELAXED);
	set_phase(shared, STOP);
}

static void wait_for_start(struct team_shared *shared)
{
	unsigned int spins = 0;

	__atomic_fetch_add(&shared->ready, 1, __ATOMIC_ACQ_REL);
	while (phase_of(shared) == GATHER) {
		arch_cpu_relax();
		if (++spins % SPINS_BEFORE_YIELD == 0)
			sched_yield();
	}
}

static void measured_loop(struct member *m)
{
	const struct bench_op *op = m->t.run->op;
	uint64_t batch = op->batch ? op->batch : DEFAULT_BATCH, ops = 0, cpu;

	cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	m->start = now_ns();
	while (phase_of(m->shared) == GO) {
		op->run(&m->t, batch);
		ops += batch;
	}
	m->stop = now_ns();
	m->cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	m->ops = ops;
	__atomic_fetch_sub(&m->shared->running, 1, __ATOMIC_RELEASE);
}

/* To the end of the last measured thread, which may depend on what this one does. */
static void background_loop(struct member *m)
{
	while (!has_failed(m->shared) && __atomic_load_n(&m->shared->running, __ATOMIC_ACQUIRE))
		m->t.run->op->background_run(&m->t);
}

static void *member_main(void *arg)
{
	struct member *m = arg;
	const struct bench_op *op = m->t.run->op;
	int ret = pin_bind_self(m->t.run->topo, m->slot);

	if (!ret && op->thread_setup)
		ret = op->thread_setup(&m->t);
	if (ret)
		__atomic_store_n(&m->shared->failed, ret, __ATOMIC_RELAXED);
	wait_for_start(m->shared);
	if (m->measured)
		measured_loop(m);
	else
		background_loop(m);
	m->in_place = pin_in_place(m->slot);
	if (!ret && op->thread_teardown)
		op->thread_teardown(&m->t);
	return NULL;
}

static struct member *member_new(struct op_run *run, struct team_shared *shared, unsigned int i)
{
	struct member *m = pin_alloc(run->topo, sizeof(*m), &run->slots[i]);

	if (!m)
		return NULL;
	m->t = (struct op_thread){.run = run, .index = i};
	m->shared = shared;
	m->slot = &run->slots[i];
	m->measured = i < run->threads;
	return m;
}

static void let_run(struct team_shared *shared, unsigned int members, uint64_t window_ns)
{
	struct timespec nap = {0, 100 * 1000};
	struct timespec window = {(time_t)(window_ns / 1000000000u),
				  (long)(window_ns % 1000000000u)};

	/* Asleep, not spinning: the members may need this PU. */
	while (__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE) < members)
		nanosleep(&nap, NULL);
	if (has_failed(shared)) {
		set_phase(shared, STOP);
		return;
	}
	set_phase(shared, GO);
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &window, &window) == EINTR)
		;
	set_phase(shared, STOP);
}

static bool any_ops(struct member *const *m, unsigned int threads)
{
	uint64_t ops = 0;

	for (unsigned int i = 0; i < threads; i++)
		ops += m[i]->ops;
	return ops;
}

/* A thread that came too late to do anything has a rate of 0, not of 0/0. */
static double rate_of(const struct member *m)
{
	return m->ops ? (double)m->ops * 1e9 / (double)(m->stop - m->start) : 0;
}

static void sum_up(struct member *const *m, unsigned int threads, struct team_result *r)
{
	uint64_t first_start = UINT64_MAX, last_start = 0, first_stop = UINT64_MAX, last_stop = 0;
	double elapsed = 0, cpu = 0, rates = 0, squares = 0, rate;

	for (unsigned int i = 0; i < threads; i++) {
		first_start = m[i]->start < first_start ? m[i]->start : first_start;
		last_start = m[i]->start > last_start ? m[i]->start : last_start;
		first_stop = m[i]->stop < first_stop ? m[i]->stop : first_stop;
		last_stop = m[i]->stop > last_stop ? m[i]->stop : last_stop;
		elapsed += (double)(m[i]->stop - m[i]->start);
		cpu += (double)m[i]->cpu;
		rate = rate_of(m[i]);
		rates += rate;
		squares += rate * rate;
		r->ops += m[i]->ops;
		r->misplaced |= !m[i]->in_place;
	}
	r->real_ns_per_op = elapsed / (double)r->ops;
	r->cpu_ns_per_op = cpu / (double)r->ops;
	r->ops_per_s = rates;
	r->fairness = rates * rates / (threads * squares);
	if (first_stop > last_start)
		r->overlap = (double)(first_stop - last_start) / (double)(last_stop - first_start);
}

/* Starts members until one cannot be; those that run are let go again by the caller. */
static int start_members(struct op_run *run, struct team_shared *shared, struct member **m,
			 unsigned int members, unsigned int *started)
{
	int ret;

	for (*started = 0; *started < members; ++*started) {
		m[*started] = member_new(run, shared, *started);
		if (!m[*started])
			return -ENOMEM;
		ret = pthread_create(&m[*started]->id, NULL, member_main, m[*started]);
		if (ret) {
			pin_free(m[*started], sizeof(**m));
			return -ret;
		}
	}
	return 0;
}

int team_measure(struct op_run *run, uint64_t window_ns, struct team_result *result)
{
	unsigned int members = run->threads + run->op->background, started;
	struct team_shared *shared = pin_alloc(run->topo, sizeof(*shared), &run->slots[0]);
	struct member **m = calloc(members, sizeof(*m));
	int ret = -ENOMEM;

	*result = (struct team_result){0};
	if (!shared || !m)
		goto out;
	shared->running = run->threads;
	ret = start_members(run, shared, m, members, &started);
	if (ret)
		fail(shared, ret);
	else
		let_run(shared, members, window_ns);
	for (unsigned int i = 0; i < started; i++)
		pthread_join(m[i]->id, NULL);
	if (!ret)
		ret = shared->failed;
	if (!ret && !any_ops(m, run->threads)) {
		run->why = "not one operation was done in the time; make it longer with --window";
		ret = -EAGAIN;
	}
	if (!ret)
		sum_up(m, run->threads, result);
	for (unsigned int i = 0; i < started; i++)
		pin_free(m[i], sizeof(*m[i]));
out:
	if (ret && !run->why)
		run->why = strerror(-ret);
	free(m);
	pin_free(shared, sizeof(*shared));
	return ret;
}
