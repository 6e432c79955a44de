/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who walks: actors, each with a stack of its own, in one thread. One runs
 * until it sleeps or yields; then the seed says who goes on. All that sleeps
 * in the core comes here instead, by the linker's --wrap (wraps.c), so that
 * the same seed gives the same order of events, whatever the subject.
 */
#ifndef MN_WALK_ACTORS_H
#define MN_WALK_ACTORS_H

#include <linux/types.h>

/** walking - whether the caller is an actor; the threads of the other form are
 * not */
bool walking(void);

/* The caller's name, and the number of its step; the scheduler's: "-", and the
 * last step. */
const char *actor_name(void);
unsigned long actor_step(void);

/** draw - a number below N; what a step draws hangs on the seed and the step's
 * number alone */
unsigned long draw(unsigned long n);

static inline bool one_in(unsigned long n)
{
	return !draw(n);
}

/** actor_yield - lets others go first, perhaps */
void actor_yield(void);

/** actor_sleep - lets others go first until ready(arg) */
void actor_sleep(bool (*ready)(const void *arg), const void *arg);

/* Around an op of a list notifier: what runs inside a section of the notifiers'
 * SRCU domain. */
void actor_enters_op(void);
void actor_leaves_op(void);
bool actors_are_in_ops(void);

struct job {
	void (*run)(unsigned long which);
	unsigned long which;
	unsigned long step;
};

/* What is done when the seed comes to it, or must be, beside the jobs. */
struct side_job {
	bool (*wanted)(void);
	void (*run)(unsigned long which);
};

/** actors_begin - the walk of SEED begins: everybody is idle */
void actors_begin(unsigned long seed);

/**
 * actors_run - JOBS in their order, each by whoever is idle when the seed comes
 * to it
 *
 * WORKER may run at any time that it is wanted, RESCUER only once nobody else
 * can go on. True: all is done. False: they sleep for ever.
 */
bool actors_run(const struct job *jobs, unsigned long n, const struct side_job *worker,
		const struct side_job *rescuer);

#endif
