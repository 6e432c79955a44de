/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actors.h"

#include "fiber.h"

#include <linux/bug.h>
#include <linux/kernel.h>

enum { WORKER = 4, RESCUER, ACTORS }; /* before these, those who take the walk's steps */

struct actor {
	struct fiber fiber;
	bool busy;
	bool (*ready)(const void *arg); /* what it sleeps for; NULL: nothing */
	const void *arg;
	struct job job;
	u64 random;
	unsigned int ops; /* of list notifiers, on its stack */
};

static struct actor actors[ACTORS];
static const char *const names[ACTORS] = {"a", "b", "c", "d", "srcu", "rescue"};
static struct actor *self;
static struct fiber scheduler;
static u64 walk_seed, turns;
static unsigned long last_step;

/* ---- the seed ---- */

static u64 scramble(u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static unsigned long draw_from(u64 *state, unsigned long n)
{
	*state += 0x9e3779b97f4a7c15ull;
	return (scramble(*state) >> 32) * n >> 32;
}

/* So that a step means the same when others of the walk are left out. */
static u64 stream(unsigned long step, u64 purpose)
{
	return scramble(scramble(walk_seed + 1) ^ scramble(step * 4 + purpose + 1));
}

unsigned long draw(unsigned long n)
{
	return draw_from(&self->random, n);
}

/* ---- who runs ---- */

bool walking(void)
{
	return self;
}

const char *actor_name(void)
{
	return self ? names[self - actors] : "-";
}

unsigned long actor_step(void)
{
	return self ? self->job.step : last_step;
}

static void go_to(struct actor *actor)
{
	self = actor;
	fiber_switch(&scheduler, &actor->fiber);
	self = NULL;
}

static void go_back(void)
{
	struct actor *me = self;

	fiber_switch(&me->fiber, &scheduler);
}

static void actor_main(void)
{
	for (;;) {
		self->job.run(self->job.which);
		self->busy = false;
		go_back();
	}
}

void actor_yield(void)
{
	self->ready = NULL;
	go_back();
}

void actor_sleep(bool (*ready)(const void *arg), const void *arg)
{
	while (!ready(arg)) {
		self->ready = ready;
		self->arg = arg;
		go_back();
	}
	self->ready = NULL;
}

void actor_enters_op(void)
{
	self->ops++;
}

void actor_leaves_op(void)
{
	self->ops--;
}

bool actors_are_in_ops(void)
{
	for (int i = 0; i < ACTORS; i++)
		if (actors[i].ops)
			return true;
	return false;
}

/* ---- who is next ---- */

void actors_begin(unsigned long seed)
{
	walk_seed = seed;
	last_step = 0;
	if (!scheduler.size) {
		fiber_main(&scheduler);
		scheduler.size = 1; /* learnt, where it matters, by the first switch */
	}
	for (int i = 0; i < ACTORS; i++) {
		struct actor *actor = &actors[i];

		/* One that sleeps for ever in a failed walk keeps its stack. */
		if (!actor->fiber.stack || actor->busy)
			fiber_make(&actor->fiber, actor_main);
		actor->busy = false;
		actor->ops = 0;
	}
}

static void give(struct actor *actor, const struct job *job)
{
	actor->job = *job;
	actor->busy = true;
	actor->ready = NULL;
	actor->random = stream(job->step, 0);
	last_step = job->step;
}

static struct actor *idle_actor(void)
{
	for (int i = 0; i < WORKER; i++)
		if (!actors[i].busy)
			return &actors[i];
	return NULL;
}

static unsigned long find_runnable(struct actor **found)
{
	unsigned long n = 0;

	for (int i = 0; i < ACTORS; i++)
		if (actors[i].busy && (!actors[i].ready || actors[i].ready(actors[i].arg)))
			found[n++] = &actors[i];
	return n;
}

static bool all_idle(void)
{
	for (int i = 0; i < ACTORS; i++)
		if (actors[i].busy)
			return false;
	return true;
}

static bool wanted(const struct side_job *side, int by)
{
	return !actors[by].busy && side->wanted();
}

static struct actor *give_side(const struct side_job *side, int by)
{
	give(&actors[by], &(struct job){.run = side->run, .step = last_step});
	actors[by].random = stream(last_step, 1);
	return &actors[by];
}

bool actors_run(const struct job *jobs, unsigned long n, const struct side_job *worker,
		const struct side_job *rescuer)
{
	struct actor *next[ACTORS + 2], *idle;
	unsigned long done = 0, choices, choice;

	turns = stream(n ? jobs->step : 0, 2);
	for (;;) {
		choices = find_runnable(next);
		idle = done < n ? idle_actor() : NULL;
		if (idle)
			next[choices++] = idle;
		if (wanted(worker, WORKER))
			next[choices++] = &actors[WORKER];
		if (!choices) {
			if (all_idle())
				return true;
			if (!wanted(rescuer, RESCUER))
				return false;
			go_to(give_side(rescuer, RESCUER));
			continue;
		}
		choice = draw_from(&turns, choices);
		if (next[choice] == idle) {
			turns = stream(jobs[done].step, 2);
			give(idle, &jobs[done++]);
		} else if (next[choice] == &actors[WORKER] && !actors[WORKER].busy) {
			give_side(worker, WORKER);
		}
		go_to(next[choice]);
	}
}
