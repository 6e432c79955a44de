/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's twin and the userspace benchmark both do, described once: the sizes, the orders
 * and the loops. A loop is written to the kernel's interface, which whoever includes this has
 * included before: the kernel's own headers, or core/include. So the difference between two figures
 * is what is behind the interface, and nothing before it.
 */
#ifndef MNBENCH_SCENARIOS_H
#define MNBENCH_SCENARIOS_H

#include "loops.h"
#include "plan.h"

/* Intervals are this far apart and half as long, so that there are hits and misses. */
#define SCENARIO_STRIDE 0x10000ul
#define SCENARIO_BASE	0x100000000ul

static inline unsigned long scenario_start(size_t i)
{
	return SCENARIO_BASE + i * SCENARIO_STRIDE;
}

/* ---- intervals that go in and out ---- */

/* Sizes of a tree that others go into and out of again: insert, remove. */
#define SCENARIO_STEADY 1, 100, 10000, 100000
/* Sizes of a tree that is filled and emptied: fill, drain. The twin has a larger one, too. */
#define SCENARIO_FILLS	    1, 100, 1000, 10000
#define SCENARIO_FILLS_MORE 100000
/* The same by one who holds mmap_lock all the time. */
#define SCENARIO_FILL_LOCKED 1000

/* In which a tree is filled; overlapping is random too, of intervals that reach over 16 others. */
enum scenario_order {
	SCENARIO_IN_ORDER,
	SCENARIO_REVERSE,
	SCENARIO_RANDOM,
	SCENARIO_OVERLAPPING,
	SCENARIO_ORDERS
};
#define SCENARIO_ORDER_VALUES                                                                      \
	SCENARIO_IN_ORDER, SCENARIO_REVERSE, SCENARIO_RANDOM, SCENARIO_OVERLAPPING
#define SCENARIO_ORDER_NAMES "in_order", "reverse", "random", "overlapping"

/* COUNT intervals of one mm: number I begins at start[I]; number out[I] is the Ith to go out. */
struct scenario_batch {
	struct mm_struct *mm;
	struct mmu_interval_notifier *sub;
	unsigned long *start;
	size_t *out;
	size_t count;
	unsigned long length; /* of each */
};

/* A tree's own: out in the order in which they came in. */
static inline void scenario_plan_fill(struct scenario_batch *b, enum scenario_order order)
{
	b->length = SCENARIO_STRIDE / 2;
	if (order >= SCENARIO_RANDOM)
		shuffle(b->out, b->count);
	if (order == SCENARIO_OVERLAPPING)
		b->length = 16 * SCENARIO_STRIDE;
	for (size_t i = 0; i < b->count; i++) {
		size_t at = order == SCENARIO_REVERSE ? b->count - 1 - i : i;

		b->start[i] = scenario_start(order >= SCENARIO_RANDOM ? b->out[i] : at);
	}
	for (size_t i = 0; i < b->count; i++)
		b->out[i] = i;
}

/* Those that come beside INTERVALS: over gaps all over the tree; out in another order than in. */
static inline void scenario_plan_extras(struct scenario_batch *b, size_t intervals)
{
	size_t apart = intervals / b->count;

	b->length = SCENARIO_STRIDE / 2;
	shuffle(b->out, b->count);
	for (size_t i = 0; i < b->count; i++)
		b->start[i] = scenario_start(b->out[i] * apart) + SCENARIO_STRIDE / 4;
}

/* The first that is not in: TO, or whose insert failed. */
static inline size_t scenario_insert(const struct scenario_batch *b, size_t from, size_t to,
				     const struct mmu_interval_notifier_ops *ops)
{
	for (; from < to; from++)
		if (mmu_interval_notifier_insert(&b->sub[from], b->mm, b->start[from], b->length,
						 ops))
			break;
	return from;
}

/* The same for a caller who holds mmap_lock for write. */
static inline size_t scenario_insert_locked(const struct scenario_batch *b, size_t from, size_t to,
					    const struct mmu_interval_notifier_ops *ops)
{
	for (; from < to; from++)
		if (mmu_interval_notifier_insert_locked(&b->sub[from], b->mm, b->start[from],
							b->length, ops))
			break;
	return from;
}

static inline void scenario_remove(const struct scenario_batch *b, size_t from, size_t to)
{
	for (; from < to; from++)
		mmu_interval_notifier_remove(&b->sub[b->out[from]]);
}

/* ---- readers ---- */

static inline void scenario_read_begin_retry(struct mmu_interval_notifier *sub, uint64_t n)
{
	while (n--) {
		unsigned long seq = mmu_interval_read_begin(sub);

		scenario_use(mmu_interval_read_retry(sub, seq));
	}
}

/* As a driver's fault handler has it: the look again is under the lock of its page tables. */
static inline void scenario_read_begin_retry_locked(struct mmu_interval_notifier *sub,
						    spinlock_t *user, uint64_t n)
{
	while (n--) {
		unsigned long seq = mmu_interval_read_begin(sub);
		bool retry;

		spin_lock(user);
		retry = mmu_interval_read_retry(sub, seq);
		spin_unlock(user);
		scenario_use(retry);
	}
}

static inline void scenario_check_retry(struct mmu_interval_notifier *sub, uint64_t n)
{
	unsigned long seq = mmu_interval_read_begin(sub);

	while (n--)
		scenario_use(mmu_interval_check_retry(sub, seq));
}

/* ---- list notifiers ---- */

/* The first that failed, or 0. */
static inline int scenario_register_pair(struct mmu_notifier *subscription, struct mm_struct *mm,
					 uint64_t n)
{
	while (n--) {
		int ret = mmu_notifier_register(subscription, mm);

		if (ret)
			return ret;
		mmu_notifier_unregister(subscription, mm);
	}
	return 0;
}

/* Each get allocates and registers, each put queues the free. */
static inline int scenario_get_put(const struct mmu_notifier_ops *ops, struct mm_struct *mm,
				   uint64_t n)
{
	while (n--) {
		struct mmu_notifier *subscription = mmu_notifier_get(ops, mm);

		if (IS_ERR(subscription))
			return (int)PTR_ERR(subscription);
		mmu_notifier_put(subscription);
	}
	return 0;
}

#endif
