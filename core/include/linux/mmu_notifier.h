/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interface of Linux's mmu notifiers, as of 6.6 to 6.9, and 7.2's two-pass
 * invalidation.
 *
 * Two sides. A driver that mirrors an mm's page tables subscribes: with a
 * struct mmu_notifier it hears of every event, with a struct
 * mmu_interval_notifier only of those that intersect a range. The mm's owner
 * calls the hooks, mmu_notifier_*(), around each change.
 *
 * A caller of the range hooks holds mmap_lock at least for read, from before a
 * range's start until after its end. It excludes the first registration,
 * which takes mmap_lock for write, so no range sees its mm change its mode
 * half way; debug builds WARN where it is not held. The exception is
 * mmu_notifier_release(), for which nobody else uses the mm.
 *
 * Behaviour: mm/mmu_notifier.c and its documentation in Linux.
 */
#ifndef _MN_LINUX_MMU_NOTIFIER_H
#define _MN_LINUX_MMU_NOTIFIER_H

#include <linux/interval_tree.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mm_types.h>
#include <linux/mmap_lock.h>
#include <linux/srcu.h>
#include <linux/types.h>

struct mmu_notifier;
struct mmu_notifier_range;
struct mmu_interval_notifier;

/* Why a range is invalidated. */
enum mmu_notifier_event {
	MMU_NOTIFY_UNMAP = 0,	    /* munmap, or mremap's old place */
	MMU_NOTIFY_CLEAR,	    /* entries cleared: swap, truncation, COW break */
	MMU_NOTIFY_PROTECTION_VMA,  /* mprotect of the whole range, by its vma */
	MMU_NOTIFY_PROTECTION_PAGE, /* some pages' entries, the vma's bits stay */
	MMU_NOTIFY_SOFT_DIRTY,	    /* dirty tracking: write bits go, pages stay */
	MMU_NOTIFY_RELEASE,	    /* the mm dies, interval notifiers only */
	MMU_NOTIFY_MIGRATE,	    /* to device memory; owner says whose */
	MMU_NOTIFY_EXCLUSIVE,	    /* for a device's exclusive access; owner says whose */
};

#define MMU_NOTIFIER_RANGE_BLOCKABLE (1 << 0)

struct mmu_notifier_range {
	struct mm_struct *mm;
	unsigned long start; /* first byte */
	unsigned long end;   /* one past the last byte */
	unsigned int flags;
	enum mmu_notifier_event event;
	void *owner; /* for MIGRATE and EXCLUSIVE: lets a driver know its own */
#ifdef CONFIG_MMU_NOTIFIER_FAIR_READERS
	unsigned long generation; /* the core's, from start to end */
#endif
};

/*
 * What a list notifier does at each event. Every op may be NULL and, but for
 * the last two, runs inside the one SRCU domain of all notifiers: it may
 * sleep, unless its range is not blockable.
 */
struct mmu_notifier_ops {
	/*
	 * The mm dies, or the subscription is unregistered: drop every mapping.
	 * When both happen at once it may run twice, also at the same time.
	 */
	void (*release)(struct mmu_notifier *subscription, struct mm_struct *mm);
	/* Clears the accessed bit of [start, end), with or without a TLB flush; was it set? */
	int (*clear_flush_young)(struct mmu_notifier *subscription, struct mm_struct *mm,
				 unsigned long start, unsigned long end);
	int (*clear_young)(struct mmu_notifier *subscription, struct mm_struct *mm,
			   unsigned long start, unsigned long end);
	/* Was the page at ADDRESS accessed? Clears nothing. */
	int (*test_young)(struct mmu_notifier *subscription, struct mm_struct *mm,
			  unsigned long address);
	/* The entry at ADDRESS becomes PTE, between a range's start and end. */
	void (*change_pte)(struct mmu_notifier *subscription, struct mm_struct *mm,
			   unsigned long address, pte_t pte);
	/*
	 * From start's return until end the driver may not use the range.
	 * Ranges may nest and overlap. Start returns 0, or -EAGAIN where the
	 * range is not blockable; an op table whose start can fail has no end.
	 */
	int (*invalidate_range_start)(struct mmu_notifier *subscription,
				      const struct mmu_notifier_range *range);
	void (*invalidate_range_end)(struct mmu_notifier *subscription,
				     const struct mmu_notifier_range *range);
	/* For a TLB that walks the CPU's own tables; excludes the two above. Must not sleep. */
	void (*arch_invalidate_secondary_tlbs)(struct mmu_notifier *subscription,
					       struct mm_struct *mm, unsigned long start,
					       unsigned long end);
	/* For mmu_notifier_get() and _put(): a new subscription or an ERR_PTR; its end. */
	struct mmu_notifier *(*alloc_notifier)(struct mm_struct *mm);
	void (*free_notifier)(struct mmu_notifier *subscription);
};

struct mmu_notifier {
	struct hlist_node hlist;
	const struct mmu_notifier_ops *ops; /* set by the driver */
	struct mm_struct *mm;
	struct rcu_head rcu;
	unsigned int users; /* mmu_notifier_get()'s count */
};

/*
 * What invalidate_start() leaves for invalidate_finish(): part of a struct of
 * the driver's, which is its own until then. One for each call: several
 * invalidations of an interval may be under way.
 */
struct mmu_interval_notifier_finish {
	struct llist_node link;			/* the core's */
	struct mmu_interval_notifier *notifier; /* set by the core */
};

/*
 * invalidate() stops the device's use of the range: under the driver's own
 * lock it calls mmu_interval_set_seq(sub, cur_seq) and unmaps. False, only
 * where the range is not blockable: that would have to sleep.
 *
 * With invalidate_start() it is done in two passes instead, so that devices
 * work at the same time: start does all that invalidate() does but waiting for
 * its device, and hands back in *FINISH, NULL when it is called, what
 * invalidate_finish() is to wait for; or waits itself and leaves NULL. Once
 * every interval of the range has had its start, also when one of them has
 * refused, the finishes are called in the order of the starts. invalidate() is
 * not called then, and may be NULL.
 */
struct mmu_interval_notifier_ops {
	bool (*invalidate)(struct mmu_interval_notifier *interval_sub,
			   const struct mmu_notifier_range *range, unsigned long cur_seq);
	bool (*invalidate_start)(struct mmu_interval_notifier *interval_sub,
				 const struct mmu_notifier_range *range, unsigned long cur_seq,
				 struct mmu_interval_notifier_finish **finish);
	void (*invalidate_finish)(struct mmu_interval_notifier_finish *finish);
};

struct mmu_interval_notifier {
	struct interval_tree_node interval_tree;
	const struct mmu_interval_notifier_ops *ops;
	struct mm_struct *mm;
	struct hlist_node deferred_item;
	unsigned long invalidate_seq; /* odd, always */
#ifdef CONFIG_MMU_NOTIFIER_FAIR_READERS
	bool deferred; /* on deferred_list; also read without lock */
#endif
};

/* Subscribing. Each one's contract stands at its definition. */
int mmu_notifier_register(struct mmu_notifier *subscription, struct mm_struct *mm);
int __mmu_notifier_register(struct mmu_notifier *subscription, struct mm_struct *mm);
void mmu_notifier_unregister(struct mmu_notifier *subscription, struct mm_struct *mm);
struct mmu_notifier *mmu_notifier_get_locked(const struct mmu_notifier_ops *ops,
					     struct mm_struct *mm);
void mmu_notifier_put(struct mmu_notifier *subscription);
void mmu_notifier_synchronize(void);

/* As _get_locked(), taking mmap_lock for write. May sleep. */
static inline struct mmu_notifier *mmu_notifier_get(const struct mmu_notifier_ops *ops,
						    struct mm_struct *mm)
{
	struct mmu_notifier *ret;

	mmap_write_lock(mm);
	ret = mmu_notifier_get_locked(ops, mm);
	mmap_write_unlock(mm);
	return ret;
}

int mmu_interval_notifier_insert(struct mmu_interval_notifier *interval_sub, struct mm_struct *mm,
				 unsigned long start, unsigned long length,
				 const struct mmu_interval_notifier_ops *ops);
int mmu_interval_notifier_insert_locked(struct mmu_interval_notifier *interval_sub,
					struct mm_struct *mm, unsigned long start,
					unsigned long length,
					const struct mmu_interval_notifier_ops *ops);
void mmu_interval_notifier_remove(struct mmu_interval_notifier *interval_sub);
unsigned long mmu_interval_read_begin(struct mmu_interval_notifier *interval_sub);

/*
 * Called from ops->invalidate() under the user lock, with the cur_seq it was
 * given. The store is marked for mmu_interval_check_retry(), which takes no lock.
 */
static inline void mmu_interval_set_seq(struct mmu_interval_notifier *interval_sub,
					unsigned long cur_seq)
{
#if defined(CONFIG_MMU_NOTIFIER_LOCKLESS_READ)
	/* Release: a reader that finds this finds it in the mm's count too. */
	smp_store_release(&interval_sub->invalidate_seq, cur_seq);
#elif defined(CONFIG_MMU_NOTIFIER_FAIR_READERS)
	/* A range of the closed generation may not hide one of the open, which outlives it. */
	if (likely(interval_sub->invalidate_seq != cur_seq + 2))
		WRITE_ONCE(interval_sub->invalidate_seq, cur_seq);
#else
	WRITE_ONCE(interval_sub->invalidate_seq, cur_seq);
#endif
}

/*
 * True: an invalidation came since mmu_interval_read_begin() returned SEQ;
 * what was read since is void. The caller holds the user lock, the only
 * barrier there is: once false, no invalidate() can pass until it unlocks.
 */
static inline bool mmu_interval_read_retry(struct mmu_interval_notifier *interval_sub,
					   unsigned long seq)
{
	return interval_sub->invalidate_seq != seq;
}

/* The same as a hint, with no lock held: only true can be relied on. */
static inline bool mmu_interval_check_retry(struct mmu_interval_notifier *interval_sub,
					    unsigned long seq)
{
	return READ_ONCE(interval_sub->invalidate_seq) != seq;
}

/* The hooks behind the guards below; the mm has subscriptions. */
void __mmu_notifier_subscriptions_destroy(struct mm_struct *mm);
void __mmu_notifier_release(struct mm_struct *mm);
int __mmu_notifier_clear_flush_young(struct mm_struct *mm, unsigned long start, unsigned long end);
int __mmu_notifier_clear_young(struct mm_struct *mm, unsigned long start, unsigned long end);
int __mmu_notifier_test_young(struct mm_struct *mm, unsigned long address);
void __mmu_notifier_change_pte(struct mm_struct *mm, unsigned long address, pte_t pte);
int __mmu_notifier_invalidate_range_start(struct mmu_notifier_range *range);
void __mmu_notifier_invalidate_range_end(struct mmu_notifier_range *range);
void __mmu_notifier_arch_invalidate_secondary_tlbs(struct mm_struct *mm, unsigned long start,
						   unsigned long end);

/* The one pointer test that an mm without subscribers pays. */
static inline int mm_has_notifiers(struct mm_struct *mm)
{
	/*
	 * Set once, with release. A range's caller holds mmap_lock and cannot miss it; the aging
	 * and pte hooks may race with the first registration, and either answer serves them.
	 */
	return unlikely(data_race(mm->notifier_subscriptions) != NULL);
}

static inline bool mmu_notifier_range_blockable(const struct mmu_notifier_range *range)
{
	return range->flags & MMU_NOTIFIER_RANGE_BLOCKABLE;
}

static inline void mmu_notifier_range_init(struct mmu_notifier_range *range,
					   enum mmu_notifier_event event, unsigned int flags,
					   struct mm_struct *mm, unsigned long start,
					   unsigned long end)
{
	*range = (struct mmu_notifier_range){
		.mm = mm, .start = start, .end = end, .flags = flags, .event = event};
}

static inline void mmu_notifier_range_init_owner(struct mmu_notifier_range *range,
						 enum mmu_notifier_event event, unsigned int flags,
						 struct mm_struct *mm, unsigned long start,
						 unsigned long end, void *owner)
{
	mmu_notifier_range_init(range, event, flags, mm, start, end);
	range->owner = owner;
}

static inline void mmu_notifier_release(struct mm_struct *mm)
{
	if (mm_has_notifiers(mm))
		__mmu_notifier_release(mm);
}

static inline int mmu_notifier_clear_flush_young(struct mm_struct *mm, unsigned long start,
						 unsigned long end)
{
	return mm_has_notifiers(mm) ? __mmu_notifier_clear_flush_young(mm, start, end) : 0;
}

static inline int mmu_notifier_clear_young(struct mm_struct *mm, unsigned long start,
					   unsigned long end)
{
	return mm_has_notifiers(mm) ? __mmu_notifier_clear_young(mm, start, end) : 0;
}

static inline int mmu_notifier_test_young(struct mm_struct *mm, unsigned long address)
{
	return mm_has_notifiers(mm) ? __mmu_notifier_test_young(mm, address) : 0;
}

static inline void mmu_notifier_change_pte(struct mm_struct *mm, unsigned long address, pte_t pte)
{
	if (mm_has_notifiers(mm))
		__mmu_notifier_change_pte(mm, address, pte);
}

/* May sleep; sets the blockable flag, so nothing can refuse. */
static inline void mmu_notifier_invalidate_range_start(struct mmu_notifier_range *range)
{
	might_sleep();
	mmap_assert_locked(range->mm);
	if (mm_has_notifiers(range->mm)) {
		range->flags |= MMU_NOTIFIER_RANGE_BLOCKABLE;
		__mmu_notifier_invalidate_range_start(range);
	}
}

/*
 * Does not sleep. On an error (-EAGAIN) the caller must not call end. When it
 * was a list notifier that refused, interval notifiers stay invalidated for
 * good: only an mm about to die may be treated so.
 */
static inline int mmu_notifier_invalidate_range_start_nonblock(struct mmu_notifier_range *range)
{
	mmap_assert_locked(range->mm);
	if (!mm_has_notifiers(range->mm))
		return 0;
	range->flags &= ~MMU_NOTIFIER_RANGE_BLOCKABLE;
	return __mmu_notifier_invalidate_range_start(range);
}

static inline void mmu_notifier_invalidate_range_end(struct mmu_notifier_range *range)
{
	mmap_assert_locked(range->mm);
	if (mmu_notifier_range_blockable(range))
		might_sleep();
	if (mm_has_notifiers(range->mm))
		__mmu_notifier_invalidate_range_end(range);
}

static inline void mmu_notifier_arch_invalidate_secondary_tlbs(struct mm_struct *mm,
							       unsigned long start,
							       unsigned long end)
{
	if (mm_has_notifiers(mm))
		__mmu_notifier_arch_invalidate_secondary_tlbs(mm, start, end);
}

/* For mm_alloc() and the last mmdrop(). */
static inline void mmu_notifier_subscriptions_init(struct mm_struct *mm)
{
	mm->notifier_subscriptions = NULL;
}

static inline void mmu_notifier_subscriptions_destroy(struct mm_struct *mm)
{
	if (mm_has_notifiers(mm))
		__mmu_notifier_subscriptions_destroy(mm);
}

#endif
