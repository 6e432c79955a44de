/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks and queues that are slept on: exclusion, and that no wake-up is lost. */
#include "torture.h"

#include <linux/rwsem.h>
#include <linux/wait.h>

/* ---- the semaphore ---- */

static struct rw_semaphore sem;
static unsigned long one, two, readers_inside;

static void sem_begin(void)
{
	init_rwsem(&sem);
}

static void read_both(struct torture_thread *self)
{
	torture_at(self, "down_read");
	down_read(&sem);
	bump(readers_inside);
	if (READ_ONCE(one) != READ_ONCE(two))
		torture_fail("writers-exclude", "reader %u: a writer was inside", self->index);
	torture_pause(self);
	__atomic_sub_fetch(&readers_inside, 1, __ATOMIC_ACQ_REL);
	up_read(&sem);
	/* The C library lets readers pass a waiting writer: leave gaps. */
	torture_pause(self);
	torture_pause(self);
}

static void write_both(struct torture_thread *self)
{
	unsigned long value;

	torture_at(self, "down_write");
	down_write(&sem);
	value = one;
	if (value != two || get(readers_inside))
		torture_fail("writers-exclude", "writer %u: another was inside", self->index);
	WRITE_ONCE(one, value + 1);
	torture_pause(self);
	WRITE_ONCE(two, value + 1);
	up_write(&sem);
	torture_pause(self);
}

/* ---- wait queues ---- */

#define SLEEPERS 4

/*
 * In each round every sleeper waits for a condition of its own, and each
 * becomes true once: who misses that wake-up is helped by nobody.
 */
static wait_queue_head_t queue;
static unsigned long served[SLEEPERS];

/* A condition is evaluated by the sleeper: so a delay fits between its steps. */
static bool looks(struct torture_thread *self, unsigned long want)
{
	bool is_served = get(served[self->index]) == want;

	torture_pause(self);
	return is_served;
}

static void sleep_once(struct torture_thread *self)
{
	unsigned long want = self->operations + 1;

	torture_at(self, "wait_event");
	wait_event(queue, looks(self, want));
	if (get(served[self->index]) != want)
		torture_fail("woken-by-its-condition", "sleeper %u: let go before it was served",
			     self->index);
}

/* Two wakers share the sleepers: what one of them wakes, the other may announce again. */
static void serve_half(struct torture_thread *self)
{
	for (unsigned long i = self->index; i < SLEEPERS; i += 2) {
		torture_pause(self);
		set(served[i], self->operations + 1);
		wake_up_all(&queue);
	}
}

/* Ball in turns, each side on a queue of its own: a wake-up for every sleep. */
static wait_queue_head_t sides[2];
static unsigned long ball;

static void play(struct torture_thread *self)
{
	unsigned long mine = 2 * self->operations + self->index;

	torture_at(self, "wait_event");
	wait_event(sides[self->index], get(ball) == mine);
	torture_spin(self);
	set(ball, mine + 1);
	wake_up_all(&sides[!self->index]);
}

const struct torture_test torture_waits[] = {
	{
		.name = "rwsem",
		.invariant = "writers-exclude",
		.flags = TORTURE_STORM,
		.begin = sem_begin,
		.roles = {{.name = "reader", .step = read_both},
			  {.name = "writer", .step = write_both, .threads = 2}},
	},
	{
		.name = "wait",
		.invariant = "no-sleeper-for-ever",
		.flags = TORTURE_ROUNDS,
		.roles = {{.name = "sleeper", .step = sleep_once, .threads = SLEEPERS},
			  {.name = "waker", .step = serve_half, .threads = 2}},
	},
	{
		.name = "wait_signals",
		.invariant = "no-sleeper-for-ever",
		.flags = TORTURE_ROUNDS | TORTURE_STORM,
		.roles = {{.name = "sleeper", .step = sleep_once, .threads = SLEEPERS},
			  {.name = "waker", .step = serve_half, .threads = 2}},
	},
	{
		.name = "wait_in_turns",
		.invariant = "no-sleeper-for-ever",
		.flags = TORTURE_ROUNDS,
		.roles = {{.name = "player", .step = play, .threads = 2}},
	},
	{.name = NULL},
};
