/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our ticket lock with two threads and what Concurrency Kit's throughput
 * benchmark does besides: the flag that ends it, and where the counts are, lie
 * on the lock's own line; each holder counts, and unlocks by a locked increment.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "locks/ticket.h"

unsigned int mnbench_nap(unsigned int seconds);

#define THREADS 2

struct count {
	uint64_t value __attribute__((__aligned__(64)));
};

static struct {
	struct ticket_spinlock lock __attribute__((__aligned__(64)));
	struct count *counts;
	unsigned int ready;
	unsigned int inside;
} line;

static struct count counts[THREADS];

struct place {
	unsigned int index;
	int pu;
};

static void *work(void *arg)
{
	const struct place *place = arg;
	cpu_set_t pu;

	CPU_ZERO(&pu);
	CPU_SET(place->pu, &pu);
	sched_setaffinity(0, sizeof(pu), &pu);
	while (!__atomic_load_n(&line.ready, __ATOMIC_RELAXED))
		;
	__atomic_fetch_add(&line.inside, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&line.inside, __ATOMIC_RELAXED) != THREADS)
		;
	while (__atomic_load_n(&line.ready, __ATOMIC_RELAXED)) {
		ticket_spin_lock(&line.lock);
		__atomic_load_n(&line.counts, __ATOMIC_RELAXED)[place->index].value++;
		__atomic_fetch_add(&line.lock.serving, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Arguments: the PUs. */
int main(int argc, char **argv)
{
	struct place places[THREADS];
	pthread_t threads[THREADS];

	if (argc != 1 + THREADS)
		return 2;
	line.counts = counts;
	for (unsigned int i = 0; i < THREADS; i++) {
		places[i] = (struct place){i, atoi(argv[1 + i])};
		if (pthread_create(&threads[i], NULL, work, &places[i]))
			return 1;
	}
	__atomic_store_n(&line.ready, 1, __ATOMIC_RELAXED);
	mnbench_nap(10);
	__atomic_store_n(&line.ready, 0, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%.4f ns\n", THREADS * 0.1e9 / (double)(counts[0].value + counts[1].value));
	return 0;
}
