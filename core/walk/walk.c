/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "walk.h"

#include "actors.h"
#include "log.h"
#include "steps.h"
#include "world.h"
#include "wraps.h"

#include <linux/kernel.h>

#define MAX_STEP_KINDS 32

static const struct side_job worker = {callbacks_wanted, callbacks_run};
static const struct side_job rescuer = {range_can_end, range_end_any};

static u64 next(u64 *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 33;
}

/* Each walk does some things often and others never, or what is rare would
 * never meet. */
static unsigned long draw_weights(u64 *state, unsigned long *weights)
{
	unsigned long sum = 0;

	for (unsigned long i = 0; i < step_count(); i++) {
		static const unsigned long factors[] = {0, 1, 2, 2, 6};

		weights[i] = step_usual_weight(i) * factors[next(state) % ARRAY_SIZE(factors)];
		if (!i)
			weights[i] = max(weights[i], step_usual_weight(i));
		sum += weights[i];
	}
	return sum;
}

static unsigned long plan(unsigned long seed, unsigned long steps, const bool *keep,
			  struct job *jobs)
{
	unsigned long weights[MAX_STEP_KINDS], sum, at, which, n = 0;
	u64 state = seed * 2 + 1;

	BUG_ON(step_count() > MAX_STEP_KINDS);
	next(&state);
	sum = draw_weights(&state, weights);
	for (unsigned long i = 0; i < steps; i++) {
		at = next(&state) % sum;
		for (which = 0; at >= weights[which]; which++)
			at -= weights[which];
		if (!i)
			which = 0; /* nothing can be done without a space */
		if (keep[i])
			jobs[n++] = (struct job){step_run, which, i};
	}
	return n;
}

u64 walk(unsigned long seed, unsigned long steps, const bool *keep, bool print)
{
	static struct job jobs[STEPS_MAX];
	struct job ending = {.run = ending_run};
	bool awake;
	long kept = allocations_left();

	log_begin(print);
	actors_begin(seed);
	world_begin();
	callbacks_forget();
	awake = actors_run(jobs, plan(seed, steps, keep, jobs), &worker, &rescuer);
	for (unsigned long i = 0; awake && i < ENDINGS; i++) {
		ending.which = i;
		ending.step = steps + i;
		awake = actors_run(&ending, 1, &worker, &rescuer);
	}
	if (!awake)
		note("everybody sleeps for ever");
	note("%ld allocations are left", allocations_left() - kept);
	return log_end();
}
