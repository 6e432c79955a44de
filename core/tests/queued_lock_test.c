/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queued lock's word, step by step: who comes finds states that a race
 * would have to make, put there by hand.
 */
#include <linux/kernel.h>
#include <linux/spinlock.h>

#include "check.h"

static struct queued_spinlock lock;

struct waiter {
	struct task task;
	u32 token; /* the word as it claims to have found it */
	unsigned int cpu, used;
	bool nested, has, go;
	struct mcs_node *stale; /* what its node's link is left at by an earlier wait */
};

static void wait_for_lock(void *arg)
{
	struct mcs_spinlock outer = MCS_SPINLOCK_INIT;
	struct waiter *self = arg;

	set(self->cpu, smp_processor_id());
	if (self->nested)
		mcs_spin_lock(&outer);
	this_cpu_ptr(mcs_cpus)->node[self->nested].next = self->stale;
	queued_spin_lock_slowpath(&lock, self->token);
	set(self->has, true);
	self->used = this_cpu_ptr(mcs_cpus)->used;
	while (!get(self->go))
		sleep_ms(1);
	queued_spin_unlock(&lock);
	if (self->nested)
		mcs_spin_unlock(&outer);
}

static void come(struct waiter *waiter, u32 token, bool nested)
{
	*waiter = (struct waiter){.token = token, .nested = nested};
	task_start(&waiter->task, wait_for_lock, waiter);
}

static void takes_it_and_goes(struct waiter *waiter)
{
	CHECK(EVENTUALLY(get(waiter->has)));
	CHECK_EQ(get(lock.locked), QUEUED_LOCKED);
	set(waiter->go, true);
	task_join(&waiter->task);
}

static u32 tail_of(const struct waiter *waiter)
{
	return waiter->cpu * MCS_NODES + waiter->nested + 1;
}

/* It found only the owner; when it sets the pending bit that is somebody's already. */
static void somebody_else_is_pending(void)
{
	struct waiter late, later;

	set(lock.val, QUEUED_LOCKED | QUEUED_PENDING);
	come(&late, QUEUED_LOCKED, false);
	CHECK(EVENTUALLY(get(lock.tail)));
	CHECK_EQ(get(lock.tail), tail_of(&late));
	CHECK_EQ(get(lock.locked_pending), QUEUED_LOCKED | QUEUED_PENDING); /* not its to clear */

	/* The pending one took the lock; the next to come sets the bit before a queue, in error. */
	set(lock.locked_pending, QUEUED_LOCKED);
	come(&later, QUEUED_LOCKED, true);
	CHECK(EVENTUALLY(get(lock.tail) != tail_of(&late)));
	CHECK_EQ(get(lock.tail), tail_of(&later));
	CHECK(EVENTUALLY(get(lock.locked_pending) == QUEUED_LOCKED)); /* and gives it back */
	sleep_ms(2);
	CHECK(!get(late.has) && !get(later.has));

	queued_spin_unlock(&lock);
	takes_it_and_goes(&late);
	CHECK_EQ(late.used, 0);
	takes_it_and_goes(&later);
	CHECK_EQ(later.used, 1); /* the outer lock's node */
	CHECK_EQ(get(lock.val), 0);
}

/* The owner is gone when the pending bit is set: nothing to wait for. */
static void owner_left(void)
{
	struct waiter waiter;

	set(lock.val, 0);
	come(&waiter, QUEUED_LOCKED, false);
	CHECK(EVENTUALLY(get(waiter.has)));
	CHECK_EQ(get(lock.val), QUEUED_LOCKED);
	takes_it_and_goes(&waiter);
	CHECK_EQ(get(lock.val), 0);
}

/* From pending to locked: it waits for the moment to pass, and is pending itself. */
static void passing_moment(void)
{
	struct waiter waiter;

	set(lock.val, QUEUED_LOCKED);
	come(&waiter, QUEUED_PENDING, false);
	CHECK(EVENTUALLY(get(lock.val) != QUEUED_LOCKED));
	CHECK_EQ(get(lock.val), QUEUED_LOCKED | QUEUED_PENDING);
	sleep_ms(2);
	CHECK(!get(waiter.has));
	queued_spin_unlock(&lock);
	takes_it_and_goes(&waiter);
	CHECK_EQ(get(lock.val), 0);
}

/* A moment that does not pass: it queues, and the pending one is before it. */
static void long_moment(void)
{
	struct waiter waiter;

	set(lock.val, QUEUED_PENDING);
	come(&waiter, QUEUED_PENDING, false);
	CHECK(EVENTUALLY(get(lock.tail)));
	CHECK_EQ(get(lock.val), tail_of(&waiter) << QUEUED_TAIL_SHIFT | QUEUED_PENDING);
	sleep_ms(2);
	CHECK(!get(waiter.has));
	set(lock.locked_pending, 0);
	takes_it_and_goes(&waiter);
	CHECK_EQ(get(lock.val), 0);
}

/* The last in the queue leaves none behind; who is followed hands over and leaves the tail. */
static void tail_after_taking(void)
{
	struct waiter first, second;

	set(lock.val, QUEUED_LOCKED | QUEUED_PENDING);
	come(&first, QUEUED_LOCKED | QUEUED_PENDING, false);
	CHECK(EVENTUALLY(get(lock.tail)));
	come(&second, QUEUED_LOCKED | QUEUED_PENDING, false);
	CHECK(EVENTUALLY(get(lock.tail) != tail_of(&first)));
	CHECK_EQ(get(lock.tail), tail_of(&second));
	set(lock.locked_pending, 0);
	CHECK(EVENTUALLY(get(first.has)));
	CHECK_EQ(get(lock.val), tail_of(&second) << QUEUED_TAIL_SHIFT | QUEUED_LOCKED);
	takes_it_and_goes(&first);
	CHECK(EVENTUALLY(get(second.has)));
	CHECK_EQ(get(lock.val), QUEUED_LOCKED);
	takes_it_and_goes(&second);
	CHECK_EQ(get(lock.val), 0);
}

/*
 * Somebody has taken the tail, and is not linked yet: the link that the node
 * was left with may not be taken for that one's.
 */
static void successor_not_linked_yet(void)
{
	struct mcs_node successor = {0}, stranger = {0};
	struct waiter waiter = {.token = QUEUED_LOCKED | QUEUED_PENDING, .stale = &stranger};

	set(lock.val, QUEUED_LOCKED | QUEUED_PENDING);
	task_start(&waiter.task, wait_for_lock, &waiter);
	CHECK(EVENTUALLY(get(lock.tail)));
	set(lock.tail, 0xffff);
	set(lock.locked_pending, 0);
	CHECK(EVENTUALLY(get(lock.locked)));
	sleep_ms(2);
	CHECK(!get(waiter.has)); /* the lock is its, but the queue is not handed on */
	set(per_cpu_ptr(mcs_cpus, waiter.cpu)->node[0].next, &successor);
	CHECK(EVENTUALLY(get(waiter.has)));
	CHECK_EQ(get(successor.locked), 1);
	CHECK_EQ(stranger.locked, 0);
	set(lock.tail, 0);
	takes_it_and_goes(&waiter);
	CHECK_EQ(get(lock.val), 0);
}

/* Free means free: no owner, nobody pending, no queue. */
static void trylock(void)
{
	set(lock.val, 0);
	CHECK(queued_spin_trylock(&lock));
	CHECK_EQ(lock.val, QUEUED_LOCKED);
	CHECK(!queued_spin_trylock(&lock));
	queued_spin_unlock(&lock);
	set(lock.val, QUEUED_PENDING);
	CHECK(!queued_spin_trylock(&lock));
	set(lock.val, 1u << QUEUED_TAIL_SHIFT);
	CHECK(!queued_spin_trylock(&lock));
	set(lock.val, 0);
}

static void yielding_starts_anew(void)
{
	struct spin_wait wait = {SPIN_WAIT_BOUND};

	spin_wait_yield(&wait);
	CHECK_EQ(wait.spins, 0);
	spin_wait_relax(&wait);
	CHECK_EQ(wait.spins, 1);
	wait.spins = SPIN_WAIT_BOUND - 1;
	spin_wait_relax(&wait);
	CHECK_EQ(wait.spins, 0);
}

int main(void)
{
	CHECK_EQ(smp_processor_id(), 0); /* so that no waiter's tail is the smallest */
	RUN(somebody_else_is_pending);
	RUN(owner_left);
	RUN(passing_moment);
	RUN(long_moment);
	RUN(tail_after_taking);
	RUN(successor_not_linked_yet);
	RUN(trylock);
	RUN(yielding_starts_anew);
	return check_exit();
}
