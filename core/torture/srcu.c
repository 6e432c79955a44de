/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SRCU of both kinds: what an updater frees after a grace period, no reader
 * that was inside touches any more; and grace periods end while readers come.
 */
#include "torture.h"

#include <linux/srcu.h>
#include <stdlib.h>
#include <time.h>

#define OUTLAST "grace-period-outlasts-readers"

struct object {
	struct torture_life life;
	struct rcu_head rcu;
};

/* A read section that is open, as either kind gives it. */
struct section {
	int idx;
	struct srcu_ctr *ctrp;
	struct object *object; /* what it found inside */
};

static struct srcu_struct domain;
static bool fast;
static struct object *current_object;
static struct section *box; /* a section that is handed on, always open */

static struct section enter(void)
{
	struct section in = {0};

	if (fast)
		in.ctrp = srcu_read_lock_fast(&domain);
	else
		in.idx = srcu_read_lock(&domain);
	in.object = srcu_dereference(current_object, &domain);
	return in;
}

static void leave(struct section in)
{
	if (fast)
		srcu_read_unlock_fast(&domain, in.ctrp);
	else
		srcu_read_unlock(&domain, in.idx);
}

static void look(struct torture_thread *self, const struct section *in, const char *how)
{
	if (!torture_alive(&in->object->life))
		torture_fail(OUTLAST, "%s %u found what it reads freed, %s", self->role->name,
			     self->index, how);
}

static void free_object(struct rcu_head *rcu)
{
	torture_free(&container_of(rcu, struct object, rcu)->life, sizeof(struct object));
}

static struct object *replace(void)
{
	return __atomic_exchange_n(&current_object, torture_alloc(sizeof(struct object)),
				   __ATOMIC_ACQ_REL);
}

/* ---- readers ---- */

static void read_object(struct torture_thread *self)
{
	struct section in, nested;

	torture_at(self, "srcu_read_lock");
	in = enter();
	look(self, &in, "at once");
	torture_pause(self);
	if (!torture_random(self, 4)) {
		nested = enter();
		look(self, &nested, "in a nested section");
		torture_pause(self);
		look(self, &nested, "in a nested section, later");
		leave(nested);
	}
	look(self, &in, "later");
	torture_at(self, "srcu_read_unlock");
	leave(in);
}

static struct section *swap_box(struct section *in)
{
	return __atomic_exchange_n(&box, in, __ATOMIC_ACQ_REL);
}

/* Leaves what another thread has entered. */
static void leave_handed(struct torture_thread *self, struct section *handed)
{
	if (!handed)
		return;
	look(self, handed, "in a section that another thread entered");
	leave(*handed);
	free(handed);
}

/*
 * Enters and leaves as often as can be, so that the storm often stops it
 * between its choice of the rank and its count; and where it was stopped, it
 * stays inside for as long as the next grace periods may take.
 */
static void straggle(struct torture_thread *self)
{
	torture_at(self, "srcu_read_lock");
	for (int i = 0; i < 200; i++) {
		struct section in = enter();

		if (torture_was_stopped()) {
			struct timespec moment = {0, (long)torture_random(self, 400 * 1000)};

			nanosleep(&moment, NULL);
		}
		look(self, &in, "after it was stopped");
		leave(in);
	}
}

/* One grace period after the other. */
static void hurry(struct torture_thread *self)
{
	struct object *old = replace();

	torture_at(self, "synchronize_srcu");
	synchronize_srcu(&domain);
	free_object(&old->rcu);
}

/* There is always an open section in the box: the domain is never without readers. */
static void hand_on(struct torture_thread *self)
{
	struct section *in = malloc(sizeof(*in));

	torture_at(self, "srcu_read_lock");
	*in = enter();
	torture_pause(self);
	leave_handed(self, swap_box(in));
}

static void take_the_last(struct torture_thread *self)
{
	leave_handed(self, swap_box(NULL));
}

/* ---- updaters ---- */

static void update(struct torture_thread *self)
{
	struct object *old = replace();

	torture_at(self, "synchronize_srcu");
	synchronize_srcu(&domain);
	free_object(&old->rcu);
	torture_pause(self);
}

static void update_later(struct torture_thread *self)
{
	torture_at(self, "call_srcu");
	call_srcu(&domain, &replace()->rcu, free_object);
	torture_pause(self);
	if (!torture_random(self, 16)) {
		torture_at(self, "srcu_barrier");
		srcu_barrier(&domain);
	}
}

/* ---- both kinds ---- */

static void begin(bool fast_kind)
{
	fast = fast_kind;
	if (fast ? init_srcu_struct_fast(&domain) : init_srcu_struct(&domain))
		torture_fail("no-crash", "out of memory");
	current_object = torture_alloc(sizeof(struct object));
}

static void begin_plain(void)
{
	begin(false);
}

static void begin_fast(void)
{
	begin(true);
}

static void end(void)
{
	srcu_barrier(&domain);
	synchronize_srcu(&domain);
	free_object(&current_object->rcu);
	cleanup_srcu_struct(&domain);
}

/* ---- an entry against a removal, as close in time as can be ---- */

/*
 *	reader				updater
 *	enter				removed = 1
 *	saw = removed			synchronize
 *	...inside...			freed = 1
 *	leave
 *
 * Never: saw 0, and freed while inside. The stores to lines that the other
 * has just written keep the entry in the store buffer, where no barrier is.
 */
struct place {
	unsigned long value;
} __aligned(256);

static struct place removed, freed, delay[32];

static void write_delay(unsigned long value)
{
	for (size_t i = 0; i < ARRAY_SIZE(delay); i++)
		WRITE_ONCE(delay[i].value, value);
}

static void enter_once(struct torture_thread *self)
{
	struct section in;

	WRITE_ONCE(removed.value, 0);
	WRITE_ONCE(freed.value, 0);
	torture_meet(self);
	write_delay(self->operations);
	in = enter();
	if (!READ_ONCE(removed.value)) {
		for (int i = 0; i < 60; i++) {
			if (READ_ONCE(freed.value))
				torture_fail(OUTLAST, "freed while a reader that had not seen the "
						      "removal was inside");
			cpu_relax();
		}
	}
	torture_at(self, "srcu_read_unlock");
	leave(in);
}

static void remove_once(struct torture_thread *self)
{
	write_delay(self->operations);
	torture_meet(self);
	for (unsigned long i = self->operations % 32; i; i--)
		cpu_relax();
	WRITE_ONCE(removed.value, 1);
	torture_at(self, "synchronize_srcu");
	synchronize_srcu(&domain);
	WRITE_ONCE(freed.value, 1);
}

#define KIND(kind)                                                                                 \
	{                                                                                          \
		.name = "srcu_" #kind,                                                             \
		.invariant = OUTLAST,                                                              \
		.flags = TORTURE_STORM,                                                            \
		.begin = begin_##kind,                                                             \
		.end = end,                                                                        \
		.roles =                                                                           \
			{                                                                          \
				{.name = "reader", .step = read_object},                           \
				{.name = "hander",                                                 \
				 .step = hand_on,                                                  \
				 .last = take_the_last,                                            \
				 .threads = 2},                                                    \
				{.name = "updater", .step = update, .threads = 2},                 \
				{.name = "caller", .step = update_later, .threads = 1},            \
			},                                                                         \
	},                                                                                         \
		{                                                                                  \
			.name = "srcu_stragglers_" #kind,                                          \
			.invariant = OUTLAST,                                                      \
			.flags = TORTURE_STORM,                                                    \
			.begin = begin_##kind,                                                     \
			.end = end,                                                                \
			.roles =                                                                   \
				{                                                                  \
					{.name = "reader", .step = straggle, .threads = 2},        \
					{.name = "updater", .step = hurry, .threads = 1},          \
				},                                                                 \
		},                                                                                 \
	{                                                                                          \
		.name = "srcu_entry_" #kind, .invariant = OUTLAST, .flags = TORTURE_ROUNDS,        \
		.begin = begin_##kind, .end = end,                                                 \
		.roles = {                                                                         \
			{.name = "reader", .step = enter_once, .threads = 1},                      \
			{.name = "updater", .step = remove_once, .threads = 1},                    \
		},                                                                                 \
	}

const struct torture_test torture_srcu[] = {
	KIND(plain),
	KIND(fast),
	{.name = NULL},
};
