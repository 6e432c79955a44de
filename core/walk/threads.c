/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "threads.h"

#include "log.h"
#include "wraps.h"

#include <linux/kernel.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STALL_SECONDS 20 /* nobody sleeps as long, but who does so for ever */

struct thread {
	pthread_t thread;
	struct walker walker;
	unsigned long steps;
	bool done;
};

static unsigned long seed_used;
static bool stop;

void broken(const char *invariant, const char *fmt, ...)
{
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
	va_list args;

	pthread_mutex_lock(&once); /* for good: one report is enough */
	printf("walk: seed %lu: %s: ", seed_used, invariant);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	_exit(1);
}

static void renew_seldom(struct walker *walker)
{
	if (!pick(walker, 8))
		place_renew(pick(walker, 2));
}

static void synchronize(struct walker *walker)
{
	(void)walker;
	mmu_notifier_synchronize();
}

/* Readers are let in only when no range at all is under way. */
static void rest(struct walker *walker)
{
	(void)walker;
	nanosleep(&(struct timespec){.tv_nsec = 200 * 1000}, NULL);
}

static void step(struct walker *walker)
{
	static void (*const steps[])(struct walker *) = {
		fault_shared,	 fault_shared, fault_shared, change_pages, change_pages,
		come_or_go,	 come_or_go,   come_or_go,   come_or_go,   listen_or_leave,
		listen_or_leave, get_or_put,   get_or_put,   age,	   pass_refused,
		pass_refused,	 synchronize,  renew_seldom, rest,
	};

	steps[pick(walker, ARRAY_SIZE(steps))](walker);
}

static void end_all(struct walker *walker)
{
	if (walker->listening)
		listen_or_leave(walker);
	if (walker->got)
		get_or_put(walker);
	while (walker->mirrored)
		come_or_go(walker);
}

static void *thread_main(void *arg)
{
	struct thread *thread = arg;

	while (!READ_ONCE(stop)) {
		step(&thread->walker);
		WRITE_ONCE(thread->steps, thread->steps + 1);
	}
	end_all(&thread->walker);
	WRITE_ONCE(thread->done, true);
	return NULL;
}

static unsigned long all_steps(const struct thread *threads, unsigned long n)
{
	unsigned long sum = 0;

	for (unsigned long i = 0; i < n; i++)
		sum += READ_ONCE(threads[i].steps) + READ_ONCE(threads[i].done);
	return sum;
}

static bool all_done(const struct thread *threads, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		if (!READ_ONCE(threads[i].done))
			return false;
	return true;
}

/* Also sees that each of them goes on: who sleeps for ever is one that nobody
 * woke. */
static void watch(const struct thread *threads, unsigned long n, unsigned long seconds)
{
	static unsigned long seen[THREADS_MAX], since[THREADS_MAX];
	unsigned long now = 0, steps; /* in ticks */

	while (!all_done(threads, n)) {
		nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
		if (++now == seconds * 10)
			WRITE_ONCE(stop, true);
		for (unsigned long i = 0; i < n; i++) {
			steps = READ_ONCE(threads[i].steps);
			if (steps != seen[i] || READ_ONCE(threads[i].done)) {
				seen[i] = steps;
				since[i] = now;
			}
			if (now - since[i] > STALL_SECONDS * 10)
				broken("asleep", "thread %lu, for %d s, after %lu steps", i,
				       STALL_SECONDS, steps);
		}
	}
}

int threads_walk(unsigned long n, unsigned long seconds, unsigned long seed)
{
	struct thread *threads = calloc(n, sizeof(*threads));
	long kept, left;

	BUG_ON(!threads);
	seed_used = seed;
	log_catch_stderr();
	mmu_notifier_synchronize(); /* what the core allocates once is allocated */
	kept = allocations_left();
	places_open();
	for (unsigned long i = 0; i < n; i++) {
		threads[i].walker.random = (seed + 1) * 0x9e3779b97f4a7c15ull + i;
		if (pthread_create(&threads[i].thread, NULL, thread_main, &threads[i]))
			broken("start", "only %lu threads can be made", i);
	}
	watch(threads, n, seconds);
	for (unsigned long i = 0; i < n; i++)
		pthread_join(threads[i].thread, NULL);
	places_close();
	listeners_close();
	left = allocations_left() - kept;
	if (left)
		broken("left", "%ld allocations of the core that nobody freed", left);
	if (bug_warn_count())
		broken("warned", "%lu times", bug_warn_count());
	printf("%lu threads, %lu s, seed %lu: %lu steps, all invariants hold\n", n, seconds, seed,
	       all_steps(threads, n) - n);
	free(threads);
	return 0;
}
