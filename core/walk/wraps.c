/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the linker's --wrap puts between the subject and the rest of the core.
 * For an actor, all that sleeps gives way to the others, and all that may
 * fail does so when the walk says so; for anybody else, nothing changes.
 */
#include "wraps.h"

#include "actors.h"
#include "log.h"
#include "world.h"

#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/wait.h>

void __real_wait_queue_sleep(wait_queue_head_t *wq, u32 val);
void __wrap_wait_queue_sleep(wait_queue_head_t *wq, u32 val);
void __real_down_read(struct rw_semaphore *sem);
void __wrap_down_read(struct rw_semaphore *sem);
void __real_up_read(struct rw_semaphore *sem);
void __wrap_up_read(struct rw_semaphore *sem);
void __real_down_write(struct rw_semaphore *sem);
void __wrap_down_write(struct rw_semaphore *sem);
void __real_up_write(struct rw_semaphore *sem);
void __wrap_up_write(struct rw_semaphore *sem);
void __real_synchronize_srcu(struct srcu_struct *ssp);
void __wrap_synchronize_srcu(struct srcu_struct *ssp);
void __real_call_srcu(struct srcu_struct *ssp, struct rcu_head *head, rcu_callback_t func);
void __wrap_call_srcu(struct srcu_struct *ssp, struct rcu_head *head, rcu_callback_t func);
void __real_srcu_barrier(struct srcu_struct *ssp);
void __wrap_srcu_barrier(struct srcu_struct *ssp);
void *__real_kzalloc(size_t size, gfp_t flags);
void *__wrap_kzalloc(size_t size, gfp_t flags);
void __real_kfree(const void *ptr);
void __wrap_kfree(const void *ptr);
int __real_mm_take_all_locks(struct mm_struct *mm);
int __wrap_mm_take_all_locks(struct mm_struct *mm);

/* ---- wait queues ---- */

struct sleeper {
	const wait_queue_head_t *wq;
	u32 val;
};

static bool is_woken(const void *arg)
{
	const struct sleeper *sleeper = arg;

	return READ_ONCE(sleeper->wq->word) != sleeper->val;
}

/* As on a futex: until it is woken, or now and then for no reason. */
void __wrap_wait_queue_sleep(wait_queue_head_t *wq, u32 val)
{
	struct sleeper sleeper = {wq, val};

	if (!walking())
		return __real_wait_queue_sleep(wq, val);
	note("sleeps");
	if (one_in(8))
		actor_yield();
	else
		actor_sleep(is_woken, &sleeper);
	note("is awake");
}

/* ---- mmap_lock: the real one too, once it is known to be free ---- */

static struct space *space_locked_by(struct rw_semaphore *sem)
{
	return space_of(container_of(sem, struct mm_struct, mmap_lock));
}

static bool is_not_written(const void *arg)
{
	const struct space *space = arg;

	return !space->writer;
}

static bool is_unlocked(const void *arg)
{
	const struct space *space = arg;

	return !space->writer && !space->readers;
}

void __wrap_down_read(struct rw_semaphore *sem)
{
	struct space *space;

	if (walking()) {
		space = space_locked_by(sem);
		actor_sleep(is_not_written, space);
		space->readers++;
	}
	__real_down_read(sem);
}

void __wrap_up_read(struct rw_semaphore *sem)
{
	if (walking())
		space_locked_by(sem)->readers--;
	__real_up_read(sem);
}

void __wrap_down_write(struct rw_semaphore *sem)
{
	struct space *space;

	if (walking()) {
		space = space_locked_by(sem);
		actor_sleep(is_unlocked, space);
		space->writer = true;
	}
	__real_down_write(sem);
}

void __wrap_up_write(struct rw_semaphore *sem)
{
	if (walking())
		space_locked_by(sem)->writer = false;
	__real_up_write(sem);
}

/* ---- SRCU: a grace period is when no actor is inside an op ---- */

static struct rcu_head *queue, **queue_end = &queue;
static unsigned long queued, called;

static bool grace_period_is_over(const void *arg)
{
	return !actors_are_in_ops() && called >= *(const unsigned long *)arg;
}

/*
 * synchronize_srcu() and srcu_barrier() alike: the kernel's file waits by the
 * first for what the port waits for by the second. In the kernel a grace
 * period that is waited for comes after the callbacks queued before it, if
 * they were queued on the same CPU; all actors are on one.
 */
static void wait_for_grace_period(void)
{
	unsigned long until = queued;

	note("waits for a grace period");
	actor_sleep(grace_period_is_over, &until);
}

void __wrap_synchronize_srcu(struct srcu_struct *ssp)
{
	if (walking())
		wait_for_grace_period();
	__real_synchronize_srcu(ssp);
}

void __wrap_call_srcu(struct srcu_struct *ssp, struct rcu_head *head, rcu_callback_t func)
{
	if (!walking())
		return __real_call_srcu(ssp, head, func);
	note("call_srcu");
	head->func = func;
	head->next = NULL;
	*queue_end = head;
	queue_end = &head->next;
	queued++;
}

void __wrap_srcu_barrier(struct srcu_struct *ssp)
{
	if (walking())
		wait_for_grace_period();
	else
		__real_srcu_barrier(ssp);
}

bool callbacks_wanted(void)
{
	return queue && !actors_are_in_ops();
}

void callbacks_run(unsigned long which)
{
	struct rcu_head *head;

	(void)which;
	while (callbacks_wanted()) {
		head = queue;
		queue = head->next;
		if (!queue)
			queue_end = &queue;
		note("a grace period ends");
		head->func(head); /* frees it */
		called++;
	}
}

void callbacks_forget(void)
{
	queue = NULL;
	queue_end = &queue;
	queued = called = 0;
}

/* ---- what fails, and what is freed ---- */

static long allocations;

long allocations_left(void)
{
	return READ_ONCE(allocations);
}

void *__wrap_kzalloc(size_t size, gfp_t flags)
{
	if (!walking() || !world.allocation_fails) {
		__atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
		return __real_kzalloc(size, flags);
	}
	world.allocation_fails = false;
	note("kzalloc fails");
	return NULL;
}

int __wrap_mm_take_all_locks(struct mm_struct *mm)
{
	if (!walking() || !world.lock_refuses)
		return __real_mm_take_all_locks(mm);
	world.lock_refuses = false;
	note("mm_take_all_locks fails");
	return -EINTR;
}

static void note_free(const void *ptr)
{
	struct space *space = space_of(ptr);

	for (int i = 0; i < MMS; i++) {
		if (!world.spaces[i].mm || world.spaces[i].mm->notifier_subscriptions != ptr)
			continue;
		note("the subscriptions of M%lu are freed", world.spaces[i].name);
		return;
	}
	if (!space)
		return note("memory of nobody is freed");
	note("M%lu is freed", space->name);
	space_freed(space);
}

void __wrap_kfree(const void *ptr)
{
	if (ptr)
		__atomic_fetch_sub(&allocations, 1, __ATOMIC_RELAXED);
	if (ptr && walking())
		note_free(ptr);
	__real_kfree(ptr);
}
