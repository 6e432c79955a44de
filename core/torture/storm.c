/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A storm of signals, without SA_RESTART: their handler stops the thread at
 * whatever instruction it was, for a random while, as preemption does, and
 * ends system calls early. It touches nothing of the core.
 */
#include "torture.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

static struct torture_thread *targets;
static unsigned int n_targets;
static struct torture_thread sender;
static pthread_t storm;
static bool calm;
static __thread struct torture_thread stopped = {.random = 1};
static __thread bool was_stopped;

bool torture_was_stopped(void)
{
	bool was = READ_ONCE(was_stopped);

	WRITE_ONCE(was_stopped, false);
	return was;
}

static void stop_for_a_while(int signal)
{
	struct timespec moment = {0, 0};
	int saved = errno;

	(void)signal;
	switch (torture_random(&stopped, 4)) {
	case 0:
		moment.tv_nsec = (long)torture_random(&stopped, 500 * 1000);
		nanosleep(&moment, NULL);
		break;
	case 1:
		sched_yield();
		break;
	default:
		for (unsigned long i = torture_random(&stopped, 2000); i; i--)
			cpu_relax();
	}
	WRITE_ONCE(was_stopped, true);
	errno = saved;
}

/*
 * A thread that has not moved since its last signal gets no other: a lost
 * wake-up must not be made good by a signal.
 */
static void *send(void *arg)
{
	unsigned long *seen = arg;
	struct timespec moment = {0, 0};
	unsigned int sent = 0, longest = 1;

	while (!get(calm)) {
		unsigned long i = torture_random(&sender, n_targets);
		unsigned long beats = READ_ONCE(targets[i].beats);

		if (beats != seen[i] && READ_ONCE(targets[i].place)) {
			seen[i] = beats;
			pthread_kill(targets[i].pthread, SIGUSR1);
		}
		/* Squalls and lulls: some bugs need many stops, others much work between two. */
		if (sent++ % 64 == 0)
			longest = 10000u << torture_random(&sender, 8);
		moment.tv_nsec = (long)torture_random(&sender, longest);
		nanosleep(&moment, NULL);
	}
	return NULL;
}

void torture_storm(struct torture_thread *threads, unsigned int n, u64 seed)
{
	static unsigned long seen[512];
	struct sigaction action = {.sa_handler = stop_for_a_while};

	sigaction(SIGUSR1, &action, NULL);
	targets = threads;
	n_targets = n;
	sender.random = seed;
	if (pthread_create(&storm, NULL, send, seen))
		torture_fail("no-crash", "the storm's thread cannot be made");
}

/* Before the threads are joined: a pthread_t may not be used afterwards. */
void torture_calm(void)
{
	set(calm, true);
	pthread_join(storm, NULL);
}
