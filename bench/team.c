/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "team.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "../platforms/arch.h"
#include "clock.h"
#include "disturb.h"
#include "pin.h"

#define DEFAULT_BATCH 64
/* With a PU for everybody the barrier is passed long before; without, somebody must yield. */
#define SPINS_BEFORE_YIELD 10000

#define MS	     1000000u
#define WARM_SLICE   MS
#define WARM_LEAST   (2 * MS) /* of the cap; four slices fit in, two likenesses need three */
#define WARM_LIKE    0.05     /* rates of two slices that differ by less are alike */
#define WARM_IN_TURN 2

/*
 * A sample's price in looks at the clock: two, what the CPU cannot do meanwhile, another call of
 * the operation, the histogram. And what it may be of an operation's time.
 */
#define SAMPLE_LOOKS 4
#define SAMPLE_SHARE 0.01

enum phase { GATHER, WARM, MEASURE, STOP };

/* What all look at, each on a line of its own: a store to one must not disturb the others. */
struct team_shared {
	_Alignas(ARCH_ALIGN_OWN_LINE) unsigned int ready; /* members at the barrier */
	_Alignas(ARCH_ALIGN_OWN_LINE) int phase;
	_Alignas(ARCH_ALIGN_OWN_LINE) unsigned int started; /* measured members on the clock */
	_Alignas(ARCH_ALIGN_OWN_LINE) unsigned int running; /* measured members not done yet */
	_Alignas(ARCH_ALIGN_OWN_LINE) int failed;	    /* first -errno of a thread_setup() */
	/* Written before MEASURE, then only read. */
	_Alignas(ARCH_ALIGN_OWN_LINE) const struct clock_facts *clock;
	uint64_t sample_after; /* so many batches; 0: never */
};

struct member {
	_Alignas(ARCH_ALIGN_OWN_LINE) struct op_thread t;
	struct team_shared *shared;
	const struct pin_slot *slot;
	bool measured;
	pthread_t id;
	uint64_t ops, start, stop, cpu;
	bool in_place, clock_back;
	struct disturb_thread account;
	unsigned int disturbed;
	/* Operations of the warm-up so far; the one thing here that is read while it runs. */
	_Alignas(ARCH_ALIGN_OWN_LINE) uint64_t progress;
	_Alignas(ARCH_ALIGN_OWN_LINE) struct histogram latency; /* in the clock's ticks */
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

static uint64_t batch_of(const struct bench_op *op)
{
	return op->batch ? op->batch : DEFAULT_BATCH;
}

/* Untimed, until somebody else finds that it goes steadily. */
static void warm_up(struct member *m)
{
	const struct bench_op *op = m->t.run->op;
	uint64_t batch = batch_of(op);

	while (phase_of(m->shared) == WARM) {
		op->run(&m->t, batch);
		__atomic_store_n(&m->progress, m->progress + batch, __ATOMIC_RELAXED);
	}
}

/* One operation alone. */
static uint64_t sample(struct member *m)
{
	const struct clock_facts *clock = m->shared->clock;
	uint64_t start = clock_ticks(clock), stop;

	m->t.run->op->run(&m->t, 1);
	stop = clock_ticks(clock);
	m->clock_back |= stop < start;
	histogram_add(&m->latency, stop - start);
	return 1;
}

/* Nobody stops before all have started, so there is a batch for everyone. */
static void measured_loop(struct member *m)
{
	const struct bench_op *op = m->t.run->op;
	uint64_t batch = batch_of(op), ops = 0, cpu, after = m->shared->sample_after, left = after;

	disturb_thread_begin(&m->account);
	cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	m->start = now_ns();
	__atomic_fetch_add(&m->shared->started, 1, __ATOMIC_RELAXED);
	do {
		op->run(&m->t, batch);
		ops += batch;
		if (--left == 0) {
			ops += sample(m);
			left = after;
		}
	} while (phase_of(m->shared) == MEASURE);
	m->stop = now_ns();
	m->cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	m->clock_back |= m->stop < m->start;
	m->disturbed = disturb_thread_end(&m->account, m->stop - m->start);
	m->ops = ops;
}

static void measured_main(struct member *m)
{
	warm_up(m);
	if (!has_failed(m->shared))
		measured_loop(m);
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
	disturb_thread_open(m->t.run->disturb, &m->account);
	wait_for_start(m->shared);
	if (m->measured)
		measured_main(m);
	else
		background_loop(m);
	m->in_place = pin_in_place(m->slot);
	disturb_thread_close(&m->account);
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

/* ---- the thread that waits: asleep, not spinning, for the members may need its PU ---- */

static void nap(uint64_t ns)
{
	struct timespec left = {0, (long)ns};

	nanosleep(&left, NULL);
}

static void sleep_for(uint64_t ns)
{
	struct timespec left = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
}

static void wait_for_count(const unsigned int *count, unsigned int wanted)
{
	while (__atomic_load_n(count, __ATOMIC_ACQUIRE) < wanted)
		nap(MS / 10);
}

/* What is known of a warm-up up to its last slice. */
struct pace {
	uint64_t time, ops;
	double rate;	    /* of the slice */
	unsigned int alike; /* so many slices went as the one before */
};

/* A slice ends: all have done OPS so far. Whether the team goes steadily. */
static bool is_steady(struct pace *pace, uint64_t time, uint64_t ops)
{
	double rate = (double)(ops - pace->ops) / (double)(time - pace->time);
	bool alike = rate > 0 && fabs(rate - pace->rate) < WARM_LIKE * pace->rate;

	*pace = (struct pace){time, ops, rate, alike ? pace->alike + 1 : 0};
	return pace->alike == WARM_IN_TURN;
}

/* Of all together; 0 while one of them has done nothing. */
static uint64_t progress_of(struct member *const *m, unsigned int threads)
{
	uint64_t all = 0, one;

	for (unsigned int i = 0; i < threads; i++) {
		one = __atomic_load_n(&m[i]->progress, __ATOMIC_RELAXED);
		if (!one)
			return 0;
		all += one;
	}
	return all;
}

/* The rate of the last slice, operations of all a ns. */
static double wait_until_steady(struct member *const *m, unsigned int threads, uint64_t window_ns,
				struct team_result *result)
{
	uint64_t cap = window_ns / 5 > WARM_LEAST ? window_ns / 5 : WARM_LEAST, start = now_ns();
	uint64_t slice = cap / 4 < WARM_SLICE ? cap / 4 : WARM_SLICE;
	struct pace pace = {.time = start};

	do {
		nap(slice);
		result->steady = is_steady(&pace, now_ns(), progress_of(m, threads));
	} while (!result->steady && pace.time - start < cap);
	result->warm_ns = pace.time - start;
	return pace.rate;
}

/* How many batches before a sample. Threads without a PU of their own take from each other's. */
static uint64_t sample_after(const struct op_run *run, const struct clock_facts *clock, double rate)
{
	unsigned int pus = pin_pu_count(run->topo),
		     at_once = run->threads < pus ? run->threads : pus;
	double apart = SAMPLE_LOOKS * clock->cost_ns / SAMPLE_SHARE;

	if (run->op->flags & (OP_NOT_SAMPLED | OP_BY_TIME))
		return 0;
	return (uint64_t)fmax(1, ceil(apart * rate / at_once / (double)batch_of(run->op)));
}

static void let_run(struct team_shared *shared, struct member *const *m, const struct op_run *run,
		    uint64_t window_ns, struct team_result *result)
{
	double rate;

	wait_for_count(&shared->ready, run->threads + run->op->background);
	if (has_failed(shared)) {
		set_phase(shared, STOP);
		return;
	}
	set_phase(shared, WARM);
	rate = wait_until_steady(m, run->threads, window_ns, result);
	shared->sample_after = sample_after(run, shared->clock, rate);
	disturb_begin(run->disturb, run->slots, run->threads);
	set_phase(shared, MEASURE);
	wait_for_count(&shared->started, run->threads);
	sleep_for(window_ns);
	set_phase(shared, STOP);
}

static double rate_of(const struct member *m)
{
	return (double)m->ops * 1e9 / (double)(m->stop - m->start);
}

static void add_up(struct member *const *m, unsigned int threads, struct team_result *r)
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
		r->disturbed |= m[i]->disturbed | (m[i]->clock_back ? DISTURB_CLOCK : 0);
	}
	r->real_ns_per_op = elapsed / (double)r->ops;
	r->cpu_ns_per_op = cpu / (double)r->ops;
	r->ops_per_s = rates;
	r->fairness = rates * rates / (threads * squares);
	if (first_stop > last_start)
		r->overlap = (double)(first_stop - last_start) / (double)(last_stop - first_start);
}

/* Into the first one's histogram. */
static struct percentiles latency_of(struct member *const *m, unsigned int threads,
				     const struct clock_facts *clock)
{
	for (unsigned int i = 1; i < threads; i++)
		histogram_merge(&m[0]->latency, &m[i]->latency);
	return histogram_percentiles(&m[0]->latency, clock->ns_per_tick);
}

/* -ERANGE: the clock was not to be trusted. */
static int sum_up(struct member *const *m, struct op_run *run, const struct clock_facts *clock,
		  struct team_result *result)
{
	result->disturbed = disturb_end(run->disturb);
	add_up(m, run->threads, result);
	result->latency = latency_of(m, run->threads, clock);
	if (!(result->disturbed & DISTURB_CLOCK))
		return 0;
	run->why = clock_stepped;
	return -ERANGE;
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
	shared->clock = clock_survey();
	ret = start_members(run, shared, m, members, &started);
	if (ret)
		fail(shared, ret);
	else
		let_run(shared, m, run, window_ns, result);
	for (unsigned int i = 0; i < started; i++)
		pthread_join(m[i]->id, NULL);
	if (!ret)
		ret = shared->failed;
	if (!ret)
		ret = sum_up(m, run, shared->clock, result);
	for (unsigned int i = 0; i < started; i++)
		pin_free(m[i], sizeof(*m[i]));
out:
	if (ret && !run->why)
		run->why = strerror(-ret);
	free(m);
	pin_free(shared, sizeof(*shared));
	return ret;
}
