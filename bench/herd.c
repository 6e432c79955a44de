/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "herd.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../platforms/arch.h"
#include "asleep.h"
#include "clock.h"
#include "disturb.h"
#include "pin.h"

#define MIN_ROUNDS  5
#define MAX_ROUNDS  65536
#define PATIENCE_MS 20000

struct herd {
	struct op_run *run;
	const struct herd_ops *ops;
	unsigned int sleepers;
	struct sleeper *sleeper;
	uint64_t patience_ns;
	/* The gate: sleepers wait for the round's number; -1 ends them. */
	_Alignas(ARCH_ALIGN_OWN_LINE) uint32_t gate;
	_Alignas(ARCH_ALIGN_OWN_LINE) uint32_t inside; /* past the gate this round */
	_Alignas(ARCH_ALIGN_OWN_LINE) uint32_t done;   /* back at the gate */
};

struct sleeper {
	_Alignas(ARCH_ALIGN_OWN_LINE) struct herd *herd;
	unsigned int index;
	pthread_t id;
	struct asleep watch;
	int watched; /* 0, or -errno */
	uint64_t awake;
	bool in_place;
};

#define GATE_CLOSED_FOR_GOOD UINT32_MAX

static void futex_wait(uint32_t *word, uint32_t val)
{
	/* Woken, changed already, or interrupted: the caller looks again in each case. */
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, val, NULL, NULL, 0);
}

static void futex_wake_all(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* ---- a sleeper ---- */

static uint32_t wait_at_gate(struct herd *h, uint32_t last)
{
	uint32_t round;

	while ((round = __atomic_load_n(&h->gate, __ATOMIC_ACQUIRE)) == last)
		futex_wait(&h->gate, last);
	return round;
}

static void come_back(struct herd *h)
{
	if (__atomic_add_fetch(&h->done, 1, __ATOMIC_ACQ_REL) == h->sleepers)
		futex_wake_all(&h->done);
}

static void *sleeper_main(void *arg)
{
	struct sleeper *s = arg;
	struct herd *h = s->herd;
	const struct pin_slot *slot = &h->run->slots[1 + s->index];
	uint32_t round = 0;

	s->watched = asleep_open(&s->watch);
	s->in_place = !pin_bind_self(h->run->topo, slot);
	come_back(h);
	while ((round = wait_at_gate(h, round)) != GATE_CLOSED_FOR_GOOD) {
		__atomic_fetch_add(&h->inside, 1, __ATOMIC_ACQ_REL);
		h->ops->sleep(h->run->shared, s->index, round);
		s->awake = now_ns();
		s->in_place &= pin_in_place(slot);
		if (h->ops->again)
			h->ops->again(h->run->shared, s->index);
		come_back(h);
	}
	return NULL;
}

/* ---- the waker ---- */

static bool all_back(struct herd *h, uint64_t deadline)
{
	struct timespec tick = {0, 100 * 1000 * 1000};
	uint32_t done;

	while ((done = __atomic_load_n(&h->done, __ATOMIC_ACQUIRE)) != h->sleepers) {
		if (now_ns() > deadline)
			return false;
		syscall(SYS_futex, &h->done, FUTEX_WAIT_PRIVATE, done, &tick, NULL, 0);
	}
	return true;
}

static const struct timespec short_nap = {0, 20 * 1000};

static bool all_inside(struct herd *h, uint64_t deadline)
{
	while (__atomic_load_n(&h->inside, __ATOMIC_ACQUIRE) != h->sleepers) {
		if (now_ns() > deadline)
			return false;
		nanosleep(&short_nap, NULL);
	}
	return true;
}

static bool each_asleep(struct herd *h, uint64_t deadline)
{
	for (unsigned int i = 0; i < h->sleepers; i++) {
		while (!asleep_now(&h->sleeper[i].watch)) {
			if (now_ns() > deadline)
				return false;
			nanosleep(&short_nap, NULL);
		}
	}
	return true;
}

/* Since each was: so there was a moment, between the two looks, when all were. */
static bool each_still_asleep(struct herd *h)
{
	for (unsigned int i = 0; i < h->sleepers; i++)
		if (!asleep_still(&h->sleeper[i].watch))
			return false;
	return true;
}

static bool all_asleep(struct herd *h, uint64_t deadline)
{
	if (!all_inside(h, deadline))
		return false;
	if (h->ops->spins)
		return true;
	do {
		if (now_ns() > deadline || !each_asleep(h, deadline))
			return false;
	} while (!each_still_asleep(h));
	return true;
}

static void open_gate(struct herd *h, uint32_t round)
{
	__atomic_store_n(&h->inside, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&h->done, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&h->gate, round, __ATOMIC_RELEASE);
	futex_wake_all(&h->gate);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int clock_broken(struct herd *h)
{
	h->run->why = clock_stepped;
	return -ERANGE;
}

static int one_round(struct herd *h, uint32_t round, double *figure, double *latency)
{
	uint64_t deadline = now_ns() + h->patience_ns, t0, t1;

	if (h->ops->arm)
		h->ops->arm(h->run->shared);
	open_gate(h, round);
	if (!all_asleep(h, deadline)) {
		h->run->why = "a sleeper did not fall asleep";
		return -ETIMEDOUT;
	}
	t0 = now_ns();
	h->ops->wake(h->run->shared, h->sleepers, round);
	t1 = now_ns();
	if (!all_back(h, deadline)) {
		h->run->why = "a sleeper was not woken";
		return -ETIMEDOUT;
	}
	if (t1 < t0)
		return clock_broken(h);
	for (unsigned int i = 0; i < h->sleepers; i++) {
		if (h->sleeper[i].awake < t0)
			return clock_broken(h);
		latency[i] = (double)(h->sleeper[i].awake - t0);
	}
	qsort(latency, h->sleepers, sizeof(*latency), by_value);
	figure[HERD_WAKER] = (double)(t1 - t0);
	figure[HERD_FIRST] = latency[0];
	figure[HERD_MEDIAN] = latency[h->sleepers / 2];
	figure[HERD_LAST] = latency[h->sleepers - 1];
	return 0;
}

/* ---- a measurement ---- */

static void summarise(double (*samples)[MAX_ROUNDS], uint64_t rounds, struct herd_result *result)
{
	for (int f = 0; f < HERD_FIGURES; f++) {
		qsort(samples[f], rounds, sizeof(double), by_value);
		result->figure[f] = (struct herd_stat){
			.median = samples[f][(rounds - 1) / 2],
			.all = percentiles_of(samples[f], rounds),
		};
	}
	result->rounds = rounds;
}

static int run_rounds(struct herd *h, uint64_t window_ns, struct herd_result *result)
{
	double(*samples)[MAX_ROUNDS] = malloc(HERD_FIGURES * sizeof(*samples));
	double *latency = malloc(h->sleepers * sizeof(*latency));
	double figure[HERD_FIGURES];
	uint64_t end, rounds = 0;
	int ret = samples && latency ? 0 : -ENOMEM;

	/* The first round warms up: stacks, the kernel's queues, where the threads are. */
	if (!ret)
		ret = one_round(h, 1, figure, latency);
	disturb_begin(h->run->disturb, h->run->slots, 1 + h->sleepers);
	end = now_ns() + window_ns;
	while (!ret && rounds < MAX_ROUNDS && (rounds < MIN_ROUNDS || now_ns() < end)) {
		ret = one_round(h, (uint32_t)rounds + 2, figure, latency);
		if (ret)
			break;
		for (int f = 0; f < HERD_FIGURES; f++)
			samples[f][rounds] = figure[f];
		rounds++;
	}
	if (!ret) {
		result->disturbed = disturb_end(h->run->disturb);
		summarise(samples, rounds, result);
		if (result->disturbed & DISTURB_CLOCK)
			ret = clock_broken(h);
	}
	free(samples);
	free(latency);
	return ret;
}

static unsigned int start_sleepers(struct herd *h, int *ret)
{
	pthread_attr_t attr;
	unsigned int i;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024); /* hundreds of them */
	for (i = 0; i < h->sleepers; i++) {
		h->sleeper[i] = (struct sleeper){.herd = h, .index = i, .watched = -ENOENT};
		*ret = -pthread_create(&h->sleeper[i].id, &attr, sleeper_main, &h->sleeper[i]);
		if (*ret)
			break;
	}
	pthread_attr_destroy(&attr);
	return i;
}

/* All at the gate, each with what it is watched by. */
static int check_sleepers(struct herd *h)
{
	if (!all_back(h, now_ns() + h->patience_ns)) {
		h->run->why = "a sleeper did not start";
		return -ETIMEDOUT;
	}
	for (unsigned int i = 0; i < h->sleepers; i++)
		if (h->sleeper[i].watched)
			return h->sleeper[i].watched;
	return 0;
}

static void end_sleepers(struct herd *h, unsigned int started, struct herd_result *result)
{
	open_gate(h, GATE_CLOSED_FOR_GOOD);
	for (unsigned int i = 0; i < started; i++) {
		pthread_join(h->sleeper[i].id, NULL);
		asleep_close(&h->sleeper[i].watch);
		result->misplaced |= !h->sleeper[i].in_place;
	}
}

static uint64_t patience_ns(const struct herd_ops *ops)
{
	return (ops->patience_ms ? ops->patience_ms : PATIENCE_MS) * 1000000ull;
}

static int check_places(struct herd *h)
{
	if (!h->ops->spins || h->sleepers < pin_pu_count(h->run->topo))
		return 0;
	h->run->why = "spinning sleepers need a PU each beside the waker's";
	return -ENOTSUP;
}

int herd_measure(struct op_run *run, unsigned int sleepers, uint64_t window_ns,
		 struct herd_result *result)
{
	struct herd *h = pin_alloc(run->topo, sizeof(*h), &run->slots[0]);
	struct sleeper *s = pin_alloc(run->topo, sleepers * sizeof(*s), &run->slots[0]);
	unsigned int started = 0;
	int ret = h && s ? 0 : -ENOMEM;

	*result = (struct herd_result){0};
	if (ret)
		goto out;
	*h = (struct herd){.run = run,
			   .ops = run->op->herd,
			   .sleepers = sleepers,
			   .sleeper = s,
			   .patience_ns = patience_ns(run->op->herd)};
	ret = check_places(h);
	if (ret)
		goto out;
	started = start_sleepers(h, &ret);
	if (!ret)
		ret = check_sleepers(h);
	if (!ret)
		ret = pin_bind_self(run->topo, &run->slots[0]);
	if (!ret)
		ret = run_rounds(h, window_ns, result);
	result->misplaced |= !pin_in_place(&run->slots[0]);
	pin_unbind_self(run->topo);
	if (ret == -ETIMEDOUT)
		return ret; /* threads still use what would be freed */
	end_sleepers(h, started, result);
out:
	if (ret && !run->why)
		run->why = strerror(-ret);
	pin_free(s, sleepers * sizeof(*s));
	pin_free(h, sizeof(*h));
	return ret;
}
