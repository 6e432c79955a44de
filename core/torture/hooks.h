/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list notifier that knows when it is alive, and an mm that calls its hooks. */
#ifndef MN_TORTURE_HOOKS_H
#define MN_TORTURE_HOOKS_H

#include "ranges.h"

#define NO_OP_AFTER "no-op-after-the-end"

struct listener {
	struct torture_life life;
	struct mmu_notifier sub;
	unsigned long inside; /* starts without their end yet */
	unsigned long releases;
};

static inline struct listener *to_listener(struct mmu_notifier *sub)
{
	struct listener *listener = container_of(sub, struct listener, sub);

	if (!torture_alive(&listener->life))
		torture_fail(NO_OP_AFTER, "an op found its notifier freed");
	return listener;
}

/* Long enough inside an op for others to free what it works on. */
static inline void stay_inside(struct listener *listener)
{
	for (int i = 0; i < 60; i++)
		cpu_relax();
	if (!torture_alive(&listener->life))
		torture_fail(NO_OP_AFTER, "an op's notifier was freed while it ran");
}

static inline int listener_start(struct mmu_notifier *sub, const struct mmu_notifier_range *range)
{
	struct listener *listener = to_listener(sub);

	(void)range;
	bump(listener->inside);
	stay_inside(listener);
	return 0;
}

/* Whoever registers excludes the ranges that are under way: no end is without its start. */
static inline void listener_end(struct mmu_notifier *sub, const struct mmu_notifier_range *range)
{
	struct listener *listener = to_listener(sub);

	(void)range;
	if (!__atomic_fetch_sub(&listener->inside, 1, __ATOMIC_ACQ_REL))
		torture_fail("every-end-has-its-start", "an end without a start");
	stay_inside(listener);
}

static inline compat_young_t listener_young(struct mmu_notifier *sub, struct mm_struct *mm,
					    unsigned long address)
{
	(void)mm;
	(void)address;
	stay_inside(to_listener(sub));
	return 0;
}

static inline compat_young_t listener_clear(struct mmu_notifier *sub, struct mm_struct *mm,
					    unsigned long start, unsigned long end)
{
	(void)end;
	return listener_young(sub, mm, start);
}

static inline void listener_release(struct mmu_notifier *sub, struct mm_struct *mm)
{
	struct listener *listener = to_listener(sub);

	(void)mm;
	bump(listener->releases);
	stay_inside(listener);
}

static inline __maybe_unused void listener_change(struct mmu_notifier *sub, struct mm_struct *mm,
						  unsigned long address, pte_t pte)
{
	(void)pte;
	listener_young(sub, mm, address);
}

/* Designated initialisers of the ops of a struct mmu_notifier_ops. */
#define LISTENER_OPS                                                                               \
	.release = listener_release, .invalidate_range_start = listener_start,                     \
	.invalidate_range_end = listener_end, .clear_flush_young = listener_clear,                 \
	COMPAT_CHANGE_PTE_OP(listener_change).clear_young = listener_clear,                        \
	.test_young = listener_young

/* alloc_notifier and free_notifier, for mmu_notifier_get() and _put(); how often each was called.
 */
struct listener_counts {
	unsigned long allocated, freed;
};

static __maybe_unused struct listener_counts listeners;

static inline struct mmu_notifier *listener_alloc(struct mm_struct *mm)
{
	struct listener *listener = torture_alloc(sizeof(*listener));

	(void)mm;
	bump(listeners.allocated);
	return &listener->sub;
}

static inline void listener_free(struct mmu_notifier *sub)
{
	bump(listeners.freed);
	torture_free(&to_listener(sub)->life, sizeof(struct listener));
}

/* One of the hooks of an mm that the caller is a user of. */
static inline void call_a_hook(struct torture_thread *self, struct mm_struct *mm)
{
	struct mmu_notifier_range range;

	torture_at(self, "a hook");
	switch (torture_random(self, 6)) {
	case 0:
		mmu_notifier_clear_flush_young(mm, ADDR(1), ADDR(2));
		return;
	case 1:
		mmu_notifier_clear_young(mm, ADDR(1), ADDR(2));
		return;
	case 2:
		mmu_notifier_test_young(mm, ADDR(1));
		return;
	case 3:
		mmu_notifier_change_pte(mm, ADDR(1), __pte(1));
		return;
	default:
		range_start(&range, mm, random_pages(self, PAGES));
		torture_pause(self);
		range_end(&range);
	}
}

#endif
