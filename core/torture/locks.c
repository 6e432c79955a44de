/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every kind of spin lock excludes; the fair ones serve in the order of arrival. */
#include "torture.h"

#include <linux/spinlock.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "../tests/lock_kinds.h"

/* A lock, and what it guards: the two counts always agree. */
struct guarded {
	union {
		char space[128];
		long align;
	} lock;
	unsigned long one, two;
} __aligned(128);

#define LOCKS 3

static const struct kind *kind;
static struct guarded guarded[LOCKS];
static unsigned long changes[LOCKS];

static void begin(const struct kind *which)
{
	kind = which;
	for (int i = 0; i < LOCKS; i++)
		kind->init(&guarded[i].lock);
}

#define BEGIN(k)                                                                                   \
	static void begin_##k(void)                                                                \
	{                                                                                          \
		begin(&k##_kind);                                                                  \
	}

BEGIN(tas)
BEGIN(ttas)
BEGIN(ticket)
BEGIN(mcs)
BEGIN(queued)
BEGIN(pthread_spin)
BEGIN(pthread_mutex)

/* ---- exclusion ---- */

static void change(struct torture_thread *self, struct guarded *g)
{
	unsigned long one = g->one;

	if (one != g->two)
		torture_fail("mutual-exclusion", "%s: another thread was inside with %s %u",
			     kind->name, self->role->name, self->index);
	g->one = one + 1;
	torture_spin(self);
	g->two = one + 1;
}

/* One to three locks at once, in order; now and then by trylock alone. */
static void contend(struct torture_thread *self)
{
	unsigned long depth = 1 + torture_random(self, LOCKS), held = 0;
	bool try = !torture_random(self, 4);

	torture_at(self, "spin_lock");
	for (; held < depth; held++) {
		if (!try)
			kind->lock(&guarded[held].lock);
		else if (!kind->trylock(&guarded[held].lock))
			break;
		change(self, &guarded[held]);
		__atomic_fetch_add(&changes[held], 1, __ATOMIC_RELAXED);
	}
	torture_at(self, "spin_unlock");
	while (held)
		kind->unlock(&guarded[--held].lock);
	torture_spin(self);
}

/* Comes now and then, so that there is a queue for a while; more would run one after the other. */
static void join_in(struct torture_thread *self)
{
	struct timespec moment = {0, (long)torture_random(self, 300 * 1000)};

	nanosleep(&moment, NULL);
	contend(self);
}

static void nobody_inside(void)
{
	for (int i = 0; i < LOCKS; i++) {
		if (guarded[i].one != changes[i])
			torture_fail("mutual-exclusion", "%s: %lu changes under the lock left %lu",
				     kind->name, changes[i], guarded[i].one);
		if (!kind->trylock(&guarded[i].lock))
			torture_fail("mutual-exclusion", "%s: still taken after the last unlock",
				     kind->name);
		kind->unlock(&guarded[i].lock);
	}
}

/* ---- order ---- */

/*
 * The conductor holds the lock and lets the others come one by one: that a
 * waiter has its place is seen in the lock's own memory, which it alone can
 * have changed. Then he lets go, and late comers press in. Who had a place
 * gets the lock in the order of the places, before any of the late ones.
 */
#define WAITERS 4

static struct {
	bool come[WAITERS];
	bool open; /* the late comers may come */
	unsigned int served[WAITERS + 32];
	unsigned int n_served; /* under the lock */
} queue;

/* A lock's memory as one number that changes with each arrival. */
static unsigned long word_of(struct guarded *g)
{
	return READ_ONCE(*(unsigned long *)g->lock.space);
}

static void spin_until(const bool *flag)
{
	for (unsigned int spins = 1; !get(*flag); spins++) {
		cpu_relax();
		if (spins % 512 == 0)
			sched_yield();
	}
}

static void note_served(unsigned int who)
{
	if (queue.n_served < ARRAY_SIZE(queue.served))
		queue.served[queue.n_served++] = who;
}

static void wait_in_turn(struct torture_thread *self)
{
	torture_meet(self); /* the conductor has the lock */
	spin_until(&queue.come[self->index]);
	torture_at(self, "spin_lock");
	kind->lock(&guarded[0].lock);
	note_served(self->index);
	torture_spin(self);
	kind->unlock(&guarded[0].lock);
	torture_meet(self); /* all are through */
}

static void come_late(struct torture_thread *self)
{
	bool has = false;

	torture_meet(self);
	spin_until(&queue.open);
	torture_at(self, "spin_lock");
	while (!has && torture_random(self, 4)) {
		has = kind->trylock(&guarded[0].lock);
		torture_spin(self);
	}
	if (!has)
		kind->lock(&guarded[0].lock);
	note_served(WAITERS);
	kind->unlock(&guarded[0].lock);
	torture_meet(self);
}

static void shuffle(struct torture_thread *self, unsigned int *order)
{
	for (unsigned int i = 0; i < WAITERS; i++)
		order[i] = i;
	for (unsigned int i = WAITERS - 1; i; i--) {
		unsigned long k = torture_random(self, i + 1);
		unsigned int swapped = order[i];

		order[i] = order[k];
		order[k] = swapped;
	}
}

static void call_one(unsigned int who)
{
	unsigned long before = word_of(&guarded[0]);

	set(queue.come[who], true);
	for (unsigned int spins = 1; word_of(&guarded[0]) == before; spins++) {
		cpu_relax();
		if (spins % 512 == 0)
			sched_yield();
	}
}

static void check_order(const unsigned int *order)
{
	for (unsigned int i = 0; i < WAITERS; i++)
		if (queue.served[i] != order[i])
			torture_fail("served-in-order",
				     "%s: place %u was waiter %u's, and served was %s %u",
				     kind->name, i, order[i],
				     queue.served[i] == WAITERS ? "a late comer, not" : "waiter",
				     queue.served[i]);
}

static void conduct(struct torture_thread *self)
{
	unsigned int order[WAITERS];

	queue.n_served = 0;
	queue.open = false;
	memset(queue.come, 0, sizeof(queue.come));
	kind->lock(&guarded[0].lock);
	torture_meet(self);
	shuffle(self, order);
	torture_at(self, "seeing a waiter arrive");
	for (unsigned int i = 0; i < WAITERS; i++)
		call_one(order[i]);
	set(queue.open, true);
	torture_pause(self);
	kind->unlock(&guarded[0].lock);
	torture_meet(self);
	check_order(order);
}

#define EXCLUSION(kind)                                                                            \
	{                                                                                          \
		.name = "lock_" #kind, .invariant = "mutual-exclusion", .flags = TORTURE_STORM,    \
		.begin = begin_##kind, .end = nobody_inside,                                       \
		.roles = {                                                                         \
			{.name = "locker", .step = contend, .threads = 2},                         \
			{.name = "visitor", .step = join_in, .threads = 3},                        \
		},                                                                                 \
	}
#define ORDER(kind)                                                                                \
	{                                                                                          \
		.name = "order_" #kind, .invariant = "served-in-order", .flags = TORTURE_ROUNDS,   \
		.begin = begin_##kind,                                                             \
		.roles = {                                                                         \
			{.name = "conductor", .step = conduct, .threads = 1},                      \
			{.name = "waiter", .step = wait_in_turn, .threads = WAITERS},              \
			{.name = "late comer", .step = come_late, .threads = 2},                   \
		},                                                                                 \
	}

const struct torture_test torture_locks[] = {
	EXCLUSION(tas),	   EXCLUSION(ttas),	    EXCLUSION(ticket),	      EXCLUSION(mcs),
	EXCLUSION(queued), EXCLUSION(pthread_spin), EXCLUSION(pthread_mutex), ORDER(ticket),
	ORDER(mcs),	   ORDER(queued),	    {.name = NULL},
};
