/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver as one would write it for the kernel: it mirrors a window of an
 * mm's pages for a device, faults them in with the read side, and lets the
 * notifier take them away. It includes the kernel's headers by the kernel's
 * names, and core/include is all it has in its path.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "check.h"

#define WINDOW_PAGES 16
#define MAX_RETRIES  8

/* ---- the driver ---- */

struct window {
	struct mmu_interval_notifier notifier;
	spinlock_t lock; /* device_pte; taken by the fault and the invalidation */
	unsigned long start;
	unsigned long device_pte[WINDOW_PAGES];
	void *owner;
};

static bool window_invalidate(struct mmu_interval_notifier *mni,
			      const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct window *window = container_of(mni, struct window, notifier);

	/* Our own migration: the device's copy is what is wanted. */
	if (range->event == MMU_NOTIFY_MIGRATE && range->owner == window->owner)
		return true;

	if (mmu_notifier_range_blockable(range))
		spin_lock(&window->lock);
	else if (!spin_trylock(&window->lock))
		return false;
	mmu_interval_set_seq(mni, cur_seq);
	for (unsigned long i = 0; i < WINDOW_PAGES; i++) {
		unsigned long address = window->start + i * PAGE_SIZE;

		if (address < range->end && address + PAGE_SIZE > range->start)
			window->device_pte[i] = 0;
	}
	spin_unlock(&window->lock);
	return true;
}

static const struct mmu_interval_notifier_ops window_ops = {
	.invalidate = window_invalidate,
};

static struct window *window_create(struct mm_struct *mm, unsigned long start, void *owner)
{
	struct window *window = kzalloc(sizeof(*window), GFP_KERNEL);
	int ret;

	if (!window)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&window->lock);
	window->start = start;
	window->owner = owner;
	ret = mmu_interval_notifier_insert(&window->notifier, mm, start, WINDOW_PAGES * PAGE_SIZE,
					   &window_ops);
	if (ret) {
		kfree(window);
		return ERR_PTR(ret);
	}
	return window;
}

static void window_destroy(struct window *window)
{
	mmu_interval_notifier_remove(&window->notifier);
	kfree(window);
}

/* The CPU's page tables, as far as a test needs them. */
static unsigned long cpu_pte[WINDOW_PAGES];
static void (*between)(struct window *window); /* what happens while the tables are read */
static bool hint;			       /* ask check_retry first, as a driver may */

static int window_fault(struct window *window, unsigned long i)
{
	unsigned long seq, pte;

	for (int tries = 0; tries < MAX_RETRIES; tries++) {
		seq = mmu_interval_read_begin(&window->notifier);
		pte = READ_ONCE(cpu_pte[i]);
		if (between)
			between(window);
		if (hint && mmu_interval_check_retry(&window->notifier, seq))
			continue;
		spin_lock(&window->lock);
		if (mmu_interval_read_retry(&window->notifier, seq)) {
			spin_unlock(&window->lock);
			continue;
		}
		window->device_pte[i] = pte;
		spin_unlock(&window->lock);
		return 0;
	}
	return -EBUSY;
}

/* One per process, whoever opens it: the context that a list notifier tears down. */
struct context {
	struct mmu_notifier mn;
	bool torn_down;
};

static int contexts;

static struct mmu_notifier *context_alloc(struct mm_struct *mm)
{
	struct context *context = kzalloc(sizeof(*context), GFP_KERNEL);

	(void)mm;
	if (!context)
		return ERR_PTR(-ENOMEM);
	bump(contexts);
	return &context->mn;
}

static void context_free(struct mmu_notifier *mn)
{
	kfree(container_of(mn, struct context, mn));
	__atomic_sub_fetch(&contexts, 1, __ATOMIC_ACQ_REL);
}

static void context_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	(void)mm;
	container_of(mn, struct context, mn)->torn_down = true;
}

static const struct mmu_notifier_ops context_ops = {
	.release = context_release,
	.alloc_notifier = context_alloc,
	.free_notifier = context_free,
};

static struct context *context_open(struct mm_struct *mm)
{
	struct mmu_notifier *mn = mmu_notifier_get(&context_ops, mm);

	return IS_ERR(mn) ? ERR_CAST(mn) : container_of(mn, struct context, mn);
}

/* ---- its user ---- */

static struct mm_struct *mm;
static int invalidations;

static void mm_changes(enum mmu_notifier_event event, unsigned long i, unsigned long pte,
		       void *owner)
{
	struct mmu_notifier_range range;

	mmu_notifier_range_init_owner(&range, event, 0, mm, 0x10000 + i * PAGE_SIZE,
				      0x10000 + (i + 1) * PAGE_SIZE, owner);
	mmap_read_lock(mm);
	mmu_notifier_invalidate_range_start(&range);
	WRITE_ONCE(cpu_pte[i], pte);
	mmu_notifier_invalidate_range_end(&range);
	mmap_read_unlock(mm);
}

static void change_page_3_twice(struct window *window)
{
	(void)window;
	if (invalidations++ < 2)
		mm_changes(MMU_NOTIFY_CLEAR, 3, 300 + (unsigned long)invalidations, NULL);
}

static void change_page_3_always(struct window *window)
{
	(void)window;
	mm_changes(MMU_NOTIFY_CLEAR, 3, 1, NULL);
}

static void faults_and_invalidations(void)
{
	struct window *window;
	int me;

	mm = mm_alloc();
	window = window_create(mm, 0x10000, &me);
	if (!CHECK(!IS_ERR(window)))
		return;
	for (unsigned long i = 0; i < WINDOW_PAGES; i++) {
		cpu_pte[i] = 100 + i;
		CHECK_EQ(window_fault(window, i), 0);
		CHECK_EQ(window->device_pte[i], 100 + i);
	}
	mm_changes(MMU_NOTIFY_UNMAP, 5, 0, NULL);
	CHECK_EQ(window->device_pte[5], 0);
	CHECK_EQ(window->device_pte[4], 104);
	CHECK_EQ(window->device_pte[6], 106);
	mm_changes(MMU_NOTIFY_MIGRATE, 6, 7, &me);
	CHECK_EQ(window->device_pte[6], 106); /* kept */
	mm_changes(MMU_NOTIFY_MIGRATE, 6, 7, NULL);
	CHECK_EQ(window->device_pte[6], 0);

	/* What changes while the tables are read is read again. */
	between = change_page_3_twice;
	CHECK_EQ(window_fault(window, 3), 0);
	CHECK_EQ(invalidations, 3);
	CHECK_EQ(window->device_pte[3], 302);
	between = change_page_3_always;
	CHECK_EQ(window_fault(window, 3), -EBUSY);
	hint = true;
	CHECK_EQ(window_fault(window, 3), -EBUSY);
	invalidations = 0;
	between = change_page_3_twice;
	CHECK_EQ(window_fault(window, 3), 0);
	CHECK_EQ(invalidations, 3);
	between = NULL;
	window_destroy(window);
	CHECK(PTR_ERR_OR_ZERO(window_create(mm, ULONG_MAX - 1, &me)) == -EOVERFLOW);
	mmput(mm);
}

static void context_per_process(void)
{
	struct context *context;

	mm = mm_alloc();
	context = context_open(mm);
	if (!CHECK(!IS_ERR(context)))
		return;
	CHECK(context_open(mm) == context);
	CHECK_EQ(get(contexts), 1);
	mmu_notifier_put(&context->mn);
	CHECK(!context->torn_down);
	mmput(mm);
	CHECK(context->torn_down);
	mmu_notifier_put(&context->mn);
	mmu_notifier_synchronize();
	CHECK_EQ(get(contexts), 0);
}

int main(void)
{
	RUN(faults_and_invalidations);
	RUN(context_per_process);
	return check_exit();
}
