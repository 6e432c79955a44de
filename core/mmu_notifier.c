/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The port of the notifier core: subscriptions of an mm, and the two paths by
 * which an invalidation reaches them.
 *
 * Interval side: a sequence count under a spinlock. active_invalidate_ranges
 * counts the ranges between their start and end; invalidate_seq is odd while
 * at least one interval was hit since active was last 0. While it is odd the
 * tree is frozen, so the walk over it needs no lock, and changes wait on
 * deferred_list until active falls to 0.
 *
 *	active	seq	meaning
 *	0	even	idle
 *	> 0	even	invalidations that hit nothing; the tree may change
 *	> 0	odd	an interval was hit; the tree is frozen
 *
 * A subscription's own seq is odd for ever: it is set to the odd count of the
 * invalidation that hit it. So "my seq is the current seq" means "I am being
 * invalidated", and once idle the current seq is even and cannot be mine,
 * however far the count has run.
 *
 * List side: an hlist walked under one SRCU domain, for all mms.
 */
#include <linux/export.h>
#include <linux/interval_tree.h>
#include <linux/kernel.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/poison.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/wait.h>

DEFINE_STATIC_SRCU(srcu);

struct mmu_notifier_subscriptions {
	struct hlist_head list; /* read under srcu, changed under lock */
	bool has_itree;		/* set once, before anything is in itree */
	spinlock_t lock;	/* all that follows; invalidate_seq is also read without */
	unsigned long invalidate_seq;
	unsigned long active_invalidate_ranges;
	struct rb_root_cached itree;
	wait_queue_head_t wq;
	struct hlist_head deferred_list;
#ifdef CONFIG_MMU_NOTIFIER_FAIR_READERS
	unsigned long closed_seq;    /* also read without lock */
	unsigned long closed_ranges; /* of those active, how many are of closed_seq */
	bool readers_wait;	     /* for those of invalidate_seq */
#endif
};

#include "remedies.h"

static inline bool seq_is_odd(const struct mmu_notifier_subscriptions *subscriptions)
{
	lockdep_assert_held(&subscriptions->lock);
	return subscriptions->invalidate_seq & 1;
}

/* ---- interval side: a range's start and end ---- */

static inline struct mmu_interval_notifier *to_interval(struct interval_tree_node *node)
{
	return node ? container_of(node, struct mmu_interval_notifier, interval_tree) : NULL;
}

/* Range is half open, the tree's intervals are closed. */
static inline struct mmu_interval_notifier *
first_hit(struct mmu_notifier_subscriptions *subscriptions, const struct mmu_notifier_range *range)
{
	return to_interval(
		interval_tree_iter_first(&subscriptions->itree, range->start, range->end - 1));
}

static inline struct mmu_interval_notifier *next_hit(struct mmu_interval_notifier *interval_sub,
						     const struct mmu_notifier_range *range)
{
	return to_interval(interval_tree_iter_next(&interval_sub->interval_tree, range->start,
						   range->end - 1));
}

/*
 * Raises active, and freezes the tree if the range hits an interval. Returns
 * the first one hit, and in *SEQ the count that its invalidate() is to set.
 */
static struct mmu_interval_notifier *inv_start(struct mmu_notifier_subscriptions *subscriptions,
					       struct mmu_notifier_range *range, unsigned long *seq)
{
	struct mmu_interval_notifier *interval_sub;

	spin_lock(&subscriptions->lock);
	generation_join(subscriptions, range);
	subscriptions->active_invalidate_ranges++;
	interval_sub = first_hit(subscriptions, range);
	if (interval_sub)
		count_write(subscriptions, subscriptions->invalidate_seq | 1);
	*seq = subscriptions->invalidate_seq;
	spin_unlock(&subscriptions->lock);
	return interval_sub;
}

/*
 * Applies what waited for the tree: a subscription that is in it wanted out,
 * one that is not wanted in. Newest first, which no one can observe but by
 * the order of equal starts.
 */
static void drain_deferred(struct mmu_notifier_subscriptions *subscriptions)
{
	struct mmu_interval_notifier *interval_sub;
	struct hlist_node *next;

	lockdep_assert_held(&subscriptions->lock);
	hlist_for_each_entry_safe(interval_sub, next, &subscriptions->deferred_list,
				  deferred_item) {
		hlist_del(&interval_sub->deferred_item);
		if (RB_EMPTY_NODE(&interval_sub->interval_tree.rb))
			interval_tree_insert(&interval_sub->interval_tree, &subscriptions->itree);
		else
			interval_tree_remove(&interval_sub->interval_tree, &subscriptions->itree);
		deferred_set(interval_sub, false);
	}
}

/* Lowers active. The last one out of a frozen tree thaws it and wakes who waits for that. */
static void inv_end(struct mmu_notifier_subscriptions *subscriptions,
		    const struct mmu_notifier_range *range)
{
	spin_lock(&subscriptions->lock);
	if (--subscriptions->active_invalidate_ranges || !seq_is_odd(subscriptions)) {
		generation_leave(subscriptions, range);
		return;
	}
	count_write(subscriptions, subscriptions->invalidate_seq + 1);
	generations_end(subscriptions);
	drain_deferred(subscriptions);
	spin_unlock(&subscriptions->lock);

	wake_up_all(&subscriptions->wq);
}

/* The first of two passes; false: it refused. Apart, so that who has one pass pays a test. */
static noinline bool call_first_pass(struct mmu_interval_notifier *interval_sub,
				     const struct mmu_notifier_range *range, unsigned long cur_seq,
				     struct llist_head *unfinished)
{
	struct mmu_interval_notifier_finish *finish = NULL;

	if (!interval_sub->ops->invalidate_start(interval_sub, range, cur_seq, &finish))
		return false;
	if (finish) {
		finish->notifier = interval_sub;
		__llist_add(&finish->link, unfinished);
	}
	return true;
}

/* The first of two passes where the subscription has two, else the only one; false: it refused. */
static __always_inline bool call_invalidate(struct mmu_interval_notifier *interval_sub,
					    const struct mmu_notifier_range *range,
					    unsigned long cur_seq, struct llist_head *unfinished)
{
	if (likely(!interval_sub->ops->invalidate_start))
		return interval_sub->ops->invalidate(interval_sub, range, cur_seq);
	return call_first_pass(interval_sub, range, cur_seq, unfinished);
}

/* The second pass: whoever began something in the first one ends it, in the same order. */
static noinline void call_finishes(struct llist_head *unfinished)
{
	struct llist_node *oldest = llist_reverse_order(__llist_del_all(unfinished));
	struct mmu_interval_notifier_finish *finish, *next;

	llist_for_each_entry_safe(finish, next, oldest, link)
		finish->notifier->ops->invalidate_finish(finish);
}

/*
 * The tree is frozen by inv_start(): it is walked without the lock. All devices
 * are at work before the first one is waited for.
 */
static int itree_invalidate(struct mmu_notifier_subscriptions *subscriptions,
			    struct mmu_notifier_range *range)
{
	struct mmu_interval_notifier *interval_sub;
	LLIST_HEAD(unfinished);
	unsigned long cur_seq;
	int ret = 0;

	for (interval_sub = inv_start(subscriptions, range, &cur_seq); interval_sub;
	     interval_sub = next_hit(interval_sub, range)) {
		if (likely(call_invalidate(interval_sub, range, cur_seq, &unfinished)))
			continue;
		/* A refusal is for those who may not sleep. */
		if (WARN_ON(mmu_notifier_range_blockable(range)))
			continue;
		ret = -EAGAIN;
		break;
	}
	if (unlikely(!llist_empty(&unfinished)))
		call_finishes(&unfinished);
	if (unlikely(ret))
		inv_end(subscriptions, range);
	return ret;
}

/* The owners still remove their intervals; until then these stay in the tree. */
static void itree_release(struct mmu_notifier_subscriptions *subscriptions, struct mm_struct *mm)
{
	struct mmu_notifier_range range = {
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
		.event = MMU_NOTIFY_RELEASE,
		.mm = mm,
		.start = 0,
		.end = ULONG_MAX,
	};

	itree_invalidate(subscriptions, &range);
	inv_end(subscriptions, &range);
}

/*
 * Sleeps until the count is no longer SEQ, and returns SEQ. Any change serves:
 * the count is even when idle and SEQ is odd, so a sleeper that misses one
 * idle state is let go by the next.
 */
static noinline unsigned long wait_out(struct mmu_notifier_subscriptions *subscriptions,
				       unsigned long seq)
{
	wait_event(subscriptions->wq, READ_ONCE(subscriptions->invalidate_seq) != seq);
	return seq;
}

/* What a reader does with the lock, which it gives back. */
static __always_inline unsigned long
read_begin_locked(struct mmu_notifier_subscriptions *subscriptions,
		  struct mmu_interval_notifier *interval_sub)
{
	/* Written under the user lock, not under this one. */
	unsigned long seq = READ_ONCE(interval_sub->invalidate_seq);
	bool colliding = FAIR_READERS ? is_colliding(subscriptions, interval_sub, seq)
				      : seq == subscriptions->invalidate_seq;

	spin_unlock(&subscriptions->lock);
	if (FAIR_READERS && unlikely(colliding))
		return wait_fairly(subscriptions, interval_sub, seq);
	return unlikely(colliding) ? wait_out(subscriptions, seq) : seq;
}

static noinline unsigned long read_begin_contended(struct mmu_notifier_subscriptions *subscriptions,
						   struct mmu_interval_notifier *interval_sub,
						   unsigned long token)
{
	spin_lock_wait(&subscriptions->lock, token);
	return read_begin_locked(subscriptions, interval_sub);
}

/**
 * mmu_interval_read_begin - starts a read of the page tables under an interval
 * @interval_sub: inserted, and not being removed
 *
 * Returns the count to hand to mmu_interval_read_retry(), after any
 * invalidation of the interval that was under way has ended. May sleep. A
 * retry may be certain already when it returns, so the caller bounds its loop.
 *
 *	reader                            invalidation
 *	seq = read_begin()                start: seq |= 1
 *	...walk the page tables...          invalidate(): lock user lock;
 *	lock user lock                        set_seq(); unlock
 *	if read_retry(seq): again         ...change the page tables...
 *	install; unlock                   end: seq++, wake
 *
 * Taking the lock orders the reads of the two counts against both transitions:
 * either this reader sees the invalidation's odd count, or the invalidation's
 * set_seq() comes after the read of the subscription's, and the retry sees it.
 * The page tables themselves are read and changed under a lock of their own:
 * nothing here orders the walk against the change of an invalidation that has
 * ended.
 */
unsigned long mmu_interval_read_begin(struct mmu_interval_notifier *interval_sub)
{
	struct mmu_notifier_subscriptions *subscriptions = interval_sub->mm->notifier_subscriptions;
	unsigned long seq, token;

	might_sleep();
	if (read_begin_at_once(subscriptions, interval_sub, &seq))
		return seq;
	/* A leaf where nobody contends or collides: both of those are tail calls. */
	if (unlikely(!spin_lock_fast(&subscriptions->lock, &token)))
		return read_begin_contended(subscriptions, interval_sub, token);
	/* Else the lock's address is kept up to the unlock, in a register that was to save. */
	OPTIMIZER_HIDE_VAR(subscriptions);
	return read_begin_locked(subscriptions, interval_sub);
}
EXPORT_SYMBOL_GPL(mmu_interval_read_begin);

/* ---- list side ---- */

/*
 * Each op under SRCU, then all off the list, then a grace period: whoever
 * unregisters at the same time finds itself unhashed, and must not free
 * itself while its release() still runs here.
 */
static void list_release(struct mmu_notifier_subscriptions *subscriptions, struct mm_struct *mm)
{
	struct mmu_notifier *subscription;
	int idx = srcu_read_lock(&srcu);

	hlist_for_each_entry_srcu(subscription, &subscriptions->list, hlist,
				  srcu_read_lock_held(&srcu)) {
		if (subscription->ops->release)
			subscription->ops->release(subscription, mm);
	}

	spin_lock(&subscriptions->lock);
	while (!hlist_empty(&subscriptions->list)) {
		subscription = hlist_entry(subscriptions->list.first, struct mmu_notifier, hlist);
		hlist_del_init_rcu(&subscription->hlist);
	}
	spin_unlock(&subscriptions->lock);
	srcu_read_unlock(&srcu, idx);

	synchronize_srcu(&srcu);
}

/**
 * __mmu_notifier_release - tells every subscriber that the mm dies
 * @mm: has no users left; nobody else calls its hooks. May sleep.
 */
void __mmu_notifier_release(struct mm_struct *mm)
{
	struct mmu_notifier_subscriptions *subscriptions = mm->notifier_subscriptions;

	if (subscriptions->has_itree)
		itree_release(subscriptions, mm);
	if (!hlist_empty(&subscriptions->list))
		list_release(subscriptions, mm);
}

/* The walk of every hook below; SUBSCRIPTION is each in turn, newest first. */
#define for_each_subscription(subscription, mm)                                                    \
	hlist_for_each_entry_srcu(subscription, &(mm)->notifier_subscriptions->list, hlist,        \
				  srcu_read_lock_held(&srcu))

/**
 * __mmu_notifier_clear_flush_young - asks every notifier to clear and flush; OR of the answers
 * The aging and pte hooks may sleep, and need no lock of the mm: what excludes them from a first
 * registration is that its pointer is published whole.
 */
int __mmu_notifier_clear_flush_young(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct mmu_notifier *subscription;
	int young = 0, idx = srcu_read_lock(&srcu);

	for_each_subscription(subscription, mm) {
		if (subscription->ops->clear_flush_young)
			young |= subscription->ops->clear_flush_young(subscription, mm, start, end);
	}
	srcu_read_unlock(&srcu, idx);
	return young;
}

/** __mmu_notifier_clear_young - the same without the flush */
int __mmu_notifier_clear_young(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct mmu_notifier *subscription;
	int young = 0, idx = srcu_read_lock(&srcu);

	for_each_subscription(subscription, mm) {
		if (subscription->ops->clear_young)
			young |= subscription->ops->clear_young(subscription, mm, start, end);
	}
	srcu_read_unlock(&srcu, idx);
	return young;
}

/** __mmu_notifier_test_young - the first non-zero answer ends it */
int __mmu_notifier_test_young(struct mm_struct *mm, unsigned long address)
{
	struct mmu_notifier *subscription;
	int young = 0, idx = srcu_read_lock(&srcu);

	for_each_subscription(subscription, mm) {
		if (subscription->ops->test_young)
			young = subscription->ops->test_young(subscription, mm, address);
		if (young)
			break;
	}
	srcu_read_unlock(&srcu, idx);
	return young;
}

/** __mmu_notifier_change_pte - tells every notifier of the new entry at ADDRESS */
void __mmu_notifier_change_pte(struct mm_struct *mm, unsigned long address, pte_t pte)
{
	struct mmu_notifier *subscription;
	int idx = srcu_read_lock(&srcu);

	for_each_subscription(subscription, mm) {
		if (subscription->ops->change_pte)
			subscription->ops->change_pte(subscription, mm, address, pte);
	}
	srcu_read_unlock(&srcu, idx);
}

/**
 * __mmu_notifier_arch_invalidate_secondary_tlbs - flushes TLBs that walk the CPU's tables
 * May be called under a page-table lock: the ops do not sleep.
 */
void __mmu_notifier_arch_invalidate_secondary_tlbs(struct mm_struct *mm, unsigned long start,
						   unsigned long end)
{
	struct mmu_notifier *subscription;
	int idx = srcu_read_lock(&srcu);

	for_each_subscription(subscription, mm) {
		if (subscription->ops->arch_invalidate_secondary_tlbs)
			subscription->ops->arch_invalidate_secondary_tlbs(subscription, mm, start,
									  end);
	}
	srcu_read_unlock(&srcu, idx);
}

/* One start op, in the context that its range promises. */
static int call_start(struct mmu_notifier *subscription, const struct mmu_notifier_range *range)
{
	const struct mmu_notifier_ops *ops = subscription->ops;
	bool blockable = mmu_notifier_range_blockable(range);
	int ret;

	if (!blockable)
		non_block_start();
	ret = ops->invalidate_range_start(subscription, range);
	if (!blockable)
		non_block_end();
	if (likely(!ret))
		return 0;

	pr_info("mmu_notifier: invalidate_range_start op at %p failed with %d in %sblockable "
		"context\n",
		(void *)(unsigned long)ops->invalidate_range_start, ret, blockable ? "" : "non-");
	WARN_ON(blockable || ret != -EAGAIN);
	/* It will not see this range's end, though others will: it must not count on one. */
	WARN_ON(ops->invalidate_range_end);
	return ret;
}

static void call_ends(struct mm_struct *mm, struct mmu_notifier_range *range)
{
	struct mmu_notifier *subscription;
	bool blockable = mmu_notifier_range_blockable(range);

	for_each_subscription(subscription, mm) {
		if (!subscription->ops->invalidate_range_end)
			continue;
		if (!blockable)
			non_block_start();
		subscription->ops->invalidate_range_end(subscription, range);
		if (!blockable)
			non_block_end();
	}
}

/* Everybody hears of the start even after a refusal, so those who took it hear of the end too. */
static int list_range_start(struct mmu_notifier_range *range)
{
	struct mmu_notifier *subscription;
	int failed, ret = 0, idx = srcu_read_lock(&srcu);

	for_each_subscription(subscription, range->mm) {
		if (!subscription->ops->invalidate_range_start)
			continue;
		failed = call_start(subscription, range);
		if (unlikely(failed))
			ret = failed;
	}
	if (unlikely(ret))
		call_ends(range->mm, range);
	srcu_read_unlock(&srcu, idx);
	return ret;
}

static void list_range_end(struct mmu_notifier_range *range)
{
	int idx = srcu_read_lock(&srcu);

	call_ends(range->mm, range);
	srcu_read_unlock(&srcu, idx);
}

/**
 * __mmu_notifier_invalidate_range_start - a range is about to change
 * @range: start < end; may sleep only if blockable
 *
 * 0: the caller changes the range, then calls end. -errno: end must not be
 * called. Interval side first; where that refuses the list is not walked.
 * Where the list refuses after the interval side accepted, the interval side
 * is left started for good, as in the kernel.
 */
int __mmu_notifier_invalidate_range_start(struct mmu_notifier_range *range)
{
	struct mmu_notifier_subscriptions *subscriptions = range->mm->notifier_subscriptions;
	int ret;

	if (subscriptions->has_itree) {
		ret = itree_invalidate(subscriptions, range);
		if (ret)
			return ret;
	}
	return hlist_empty(&subscriptions->list) ? 0 : list_range_start(range);
}

/** __mmu_notifier_invalidate_range_end - the range has changed; pairs with a start that gave 0 */
void __mmu_notifier_invalidate_range_end(struct mmu_notifier_range *range)
{
	struct mmu_notifier_subscriptions *subscriptions = range->mm->notifier_subscriptions;

	if (subscriptions->has_itree)
		inv_end(subscriptions, range);
	if (!hlist_empty(&subscriptions->list))
		list_range_end(range);
}

/* ---- registration ---- */

static struct mmu_notifier_subscriptions *subscriptions_alloc(void)
{
	struct mmu_notifier_subscriptions *subscriptions =
		kzalloc(sizeof(*subscriptions), GFP_KERNEL_ACCOUNT);

	if (!subscriptions)
		return NULL;
	INIT_HLIST_HEAD(&subscriptions->list);
	spin_lock_init(&subscriptions->lock);
	subscriptions->invalidate_seq = 2;
	subscriptions->itree = RB_ROOT_CACHED;
	init_waitqueue_head(&subscriptions->wq);
	INIT_HLIST_HEAD(&subscriptions->deferred_list);
	return subscriptions;
}

/* SUBSCRIPTION's part of a registration, all invalidations excluded. */
static void add_to_list(struct mmu_notifier_subscriptions *subscriptions,
			struct mmu_notifier *subscription, struct mm_struct *mm)
{
	mmgrab(mm);
	subscription->mm = mm;
	subscription->users = 1;
	/* The aging hooks do not need mmap_lock, hence lock and publication. */
	spin_lock(&subscriptions->lock);
	hlist_add_head_rcu(&subscription->hlist, &subscriptions->list);
	spin_unlock(&subscriptions->lock);
}

/**
 * __mmu_notifier_register - subscribes to all events of an mm
 * @subscription: ops set; or NULL: only turns interval mode on
 * @mm: mmap_lock held for write, mm_users > 0 (BUG otherwise)
 *
 * 0, -ENOMEM, -EINVAL for an op table that mixes the secondary-TLB op with
 * the range ops, or what mm_take_all_locks() gave. May sleep.
 */
int __mmu_notifier_register(struct mmu_notifier *subscription, struct mm_struct *mm)
{
	struct mmu_notifier_subscriptions *fresh = NULL, *subscriptions;
	int ret;

	mmap_assert_write_locked(mm);
	BUG_ON(atomic_read(&mm->mm_users) <= 0);

	if (subscription && WARN_ON_ONCE(subscription->ops->arch_invalidate_secondary_tlbs &&
					 (subscription->ops->invalidate_range_start ||
					  subscription->ops->invalidate_range_end)))
		return -EINVAL;

	if (!mm->notifier_subscriptions) {
		fresh = subscriptions_alloc();
		if (!fresh)
			return -ENOMEM;
	}

	ret = mm_take_all_locks(mm);
	if (unlikely(ret)) {
		kfree(fresh);
		return ret;
	}

	subscriptions = fresh ? fresh : mm->notifier_subscriptions;
	if (!subscription)
		WRITE_ONCE(subscriptions->has_itree, true);
	/*
	 * Pairs with the acquire in insert and the dependency in the guards:
	 * who sees the pointer sees the lock, the lists and has_itree behind it.
	 */
	if (fresh)
		smp_store_release(&mm->notifier_subscriptions, fresh);
	if (subscription)
		add_to_list(subscriptions, subscription, mm);

	mm_drop_all_locks(mm);
	BUG_ON(atomic_read(&mm->mm_users) <= 0);
	return 0;
}
EXPORT_SYMBOL_GPL(__mmu_notifier_register);

/**
 * mmu_notifier_register - the same for a caller without mmap_lock, which it takes
 *
 * The mm's struct stays until mmu_notifier_unregister(), but not its users.
 */
int mmu_notifier_register(struct mmu_notifier *subscription, struct mm_struct *mm)
{
	int ret;

	mmap_write_lock(mm);
	ret = __mmu_notifier_register(subscription, mm);
	mmap_write_unlock(mm);
	return ret;
}
EXPORT_SYMBOL_GPL(mmu_notifier_register);

/* The mm's subscription with these ops, one user more; NULL when there is none. */
static struct mmu_notifier *find_get(struct mm_struct *mm, const struct mmu_notifier_ops *ops)
{
	struct mmu_notifier *subscription, *found = NULL;
	struct mmu_notifier_subscriptions *subscriptions = mm->notifier_subscriptions;

	spin_lock(&subscriptions->lock);
	hlist_for_each_entry(subscription, &subscriptions->list, hlist) {
		if (subscription->ops != ops)
			continue;
		if (likely(subscription->users != UINT_MAX)) {
			subscription->users++;
			found = subscription;
		} else {
			found = ERR_PTR(-EOVERFLOW);
		}
		break;
	}
	spin_unlock(&subscriptions->lock);
	return found;
}

/**
 * mmu_notifier_get_locked - the one subscription of this mm with these ops
 * @ops: with alloc_notifier and free_notifier
 * @mm: mmap_lock held for write
 *
 * One that exists gets a user more, else ops->alloc_notifier() makes one and
 * it is registered. Or an ERR_PTR: -EOVERFLOW, what alloc_notifier() gave, or
 * what registration gave. Each success is paid back with mmu_notifier_put().
 */
struct mmu_notifier *mmu_notifier_get_locked(const struct mmu_notifier_ops *ops,
					     struct mm_struct *mm)
{
	struct mmu_notifier *subscription;
	int ret;

	mmap_assert_write_locked(mm);
	if (mm->notifier_subscriptions) {
		subscription = find_get(mm, ops);
		if (subscription)
			return subscription;
	}

	subscription = ops->alloc_notifier(mm);
	if (IS_ERR(subscription))
		return subscription;
	subscription->ops = ops;
	ret = __mmu_notifier_register(subscription, mm);
	if (ret) {
		ops->free_notifier(subscription);
		return ERR_PTR(ret);
	}
	return subscription;
}
EXPORT_SYMBOL_GPL(mmu_notifier_get_locked);

/**
 * mmu_notifier_unregister - ends a subscription made by mmu_notifier_register()
 *
 * Calls release() unless the mm's death has done so; afterwards no op runs or
 * will run, and the caller may free. May sleep; no lock that an op takes is
 * held, and no SRCU section of the notifiers (so not from an op).
 */
void mmu_notifier_unregister(struct mmu_notifier *subscription, struct mm_struct *mm)
{
	BUG_ON(atomic_read(&mm->mm_count) <= 0);

	if (!hlist_unhashed(&subscription->hlist)) {
		int idx = srcu_read_lock(&srcu);

		/* Before the unhashing: a dying mm waits for this through SRCU. */
		if (subscription->ops->release)
			subscription->ops->release(subscription, mm);
		srcu_read_unlock(&srcu, idx);

		spin_lock(&mm->notifier_subscriptions->lock);
		/* list_release() may have done it meanwhile. */
		hlist_del_init_rcu(&subscription->hlist);
		spin_unlock(&mm->notifier_subscriptions->lock);
	}

	/* Walkers that found it, and a release() that is under way, come to their end. */
	synchronize_srcu(&srcu);
	BUG_ON(atomic_read(&mm->mm_count) <= 0);
	mmdrop(mm);
}
EXPORT_SYMBOL_GPL(mmu_notifier_unregister);

static void free_after_gp(struct rcu_head *rcu)
{
	struct mmu_notifier *subscription = container_of(rcu, struct mmu_notifier, rcu);
	struct mm_struct *mm = subscription->mm;

	subscription->ops->free_notifier(subscription);
	mmdrop(mm);
}

/**
 * mmu_notifier_put - gives mmu_notifier_get()'s reference back
 *
 * The last one takes the subscription off the list and frees it, with
 * ops->free_notifier() and the mm's reference, after a grace period. Does
 * not sleep; callable from ops->release(). A module waits with
 * mmu_notifier_synchronize() before its ops go.
 */
void mmu_notifier_put(struct mmu_notifier *subscription)
{
	struct mm_struct *mm = subscription->mm;
	bool last = false;

	spin_lock(&mm->notifier_subscriptions->lock);
	if (!WARN_ON(!subscription->users) && !--subscription->users) {
		hlist_del_init_rcu(&subscription->hlist);
		last = true;
	}
	spin_unlock(&mm->notifier_subscriptions->lock);
	if (last)
		call_srcu(&srcu, &subscription->rcu, free_after_gp);
}
EXPORT_SYMBOL_GPL(mmu_notifier_put);

/** mmu_notifier_synchronize - waits until every free of mmu_notifier_put() so far has run */
void mmu_notifier_synchronize(void)
{
	srcu_barrier(&srcu);
}
EXPORT_SYMBOL_GPL(mmu_notifier_synchronize);

/** __mmu_notifier_subscriptions_destroy - from the last mmdrop(): nobody is subscribed */
void __mmu_notifier_subscriptions_destroy(struct mm_struct *mm)
{
	BUG_ON(!hlist_empty(&mm->notifier_subscriptions->list));
	kfree(mm->notifier_subscriptions);
	mm->notifier_subscriptions = LIST_POISON1;
}

/* ---- interval notifiers ---- */

static int interval_insert(struct mmu_interval_notifier *interval_sub, struct mm_struct *mm,
			   struct mmu_notifier_subscriptions *subscriptions, unsigned long start,
			   unsigned long length, const struct mmu_interval_notifier_ops *ops)
{
	interval_sub->mm = mm;
	interval_sub->ops = ops;
	RB_CLEAR_NODE(&interval_sub->interval_tree.rb);
	INIT_HLIST_NODE(&interval_sub->deferred_item);
	deferred_set(interval_sub, false);
	interval_sub->interval_tree.start = start;
	if (!length || check_add_overflow(start, length - 1, &interval_sub->interval_tree.last))
		return -EOVERFLOW;
	if (WARN_ON(atomic_read(&mm->mm_users) <= 0))
		return -EINVAL;
	mmgrab(mm);

	/*
	 * A subscription made during any invalidation reads as colliding: that
	 * invalidation may cover it, and did not call it.
	 */
	spin_lock(&subscriptions->lock);
	if (!subscriptions->active_invalidate_ranges) {
		WARN_ON(seq_is_odd(subscriptions));
		/* Odd, in the past: the count would have to wrap to become it. */
		interval_sub->invalidate_seq = subscriptions->invalidate_seq - 1;
		interval_tree_insert(&interval_sub->interval_tree, &subscriptions->itree);
	} else {
		if (seq_is_odd(subscriptions)) {
			hlist_add_head(&interval_sub->deferred_item, &subscriptions->deferred_list);
			deferred_set(interval_sub, true);
		} else {
			count_write(subscriptions, subscriptions->invalidate_seq | 1);
			interval_tree_insert(&interval_sub->interval_tree, &subscriptions->itree);
		}
		interval_sub->invalidate_seq = subscriptions->invalidate_seq;
	}
	spin_unlock(&subscriptions->lock);
	return 0;
}

/**
 * mmu_interval_notifier_insert - subscribes to the invalidations of a range
 * @interval_sub: the caller's memory; every field is set here
 * @mm: has users; must be kept until the call returns
 * @start: first byte
 * @length: bytes, at least 1
 * @ops: invalidate() may be called before this returns
 *
 * Turns the mm's interval mode on if it is off, taking mmap_lock for write.
 * 0; -EOVERFLOW for length 0 or a range past the end of the address space;
 * -EINVAL, with a WARN, for an mm without users; or what registration gave.
 * May sleep. The caller's next step is mmu_interval_read_begin().
 */
int mmu_interval_notifier_insert(struct mmu_interval_notifier *interval_sub, struct mm_struct *mm,
				 unsigned long start, unsigned long length,
				 const struct mmu_interval_notifier_ops *ops)
{
	struct mmu_notifier_subscriptions *subscriptions;
	int ret;

	/* As in the kernel, which does not look at it in the _locked form. */
	WARN_ON(ops->invalidate_start && !ops->invalidate_finish);
	might_lock(&mm->mmap_lock);
	/* Pairs with the release in __mmu_notifier_register(). */
	subscriptions = smp_load_acquire(&mm->notifier_subscriptions);
	if (!subscriptions || !READ_ONCE(subscriptions->has_itree)) {
		ret = mmu_notifier_register(NULL, mm);
		if (ret)
			return ret;
		subscriptions = mm->notifier_subscriptions;
	}
	return interval_insert(interval_sub, mm, subscriptions, start, length, ops);
}
EXPORT_SYMBOL_GPL(mmu_interval_notifier_insert);

/** mmu_interval_notifier_insert_locked - the same for a caller that holds mmap_lock for write */
int mmu_interval_notifier_insert_locked(struct mmu_interval_notifier *interval_sub,
					struct mm_struct *mm, unsigned long start,
					unsigned long length,
					const struct mmu_interval_notifier_ops *ops)
{
	struct mmu_notifier_subscriptions *subscriptions = mm->notifier_subscriptions;
	int ret;

	mmap_assert_write_locked(mm);
	if (!subscriptions || !subscriptions->has_itree) {
		ret = __mmu_notifier_register(NULL, mm);
		if (ret)
			return ret;
		subscriptions = mm->notifier_subscriptions;
	}
	return interval_insert(interval_sub, mm, subscriptions, start, length, ops);
}
EXPORT_SYMBOL_GPL(mmu_interval_notifier_insert_locked);

/* Takes it out, or arranges for it; true: the caller waits until *SEQ has passed. */
static bool interval_unlink(struct mmu_notifier_subscriptions *subscriptions,
			    struct mmu_interval_notifier *interval_sub, unsigned long *seq)
{
	lockdep_assert_held(&subscriptions->lock);
	if (!seq_is_odd(subscriptions)) {
		if (!WARN_ON(RB_EMPTY_NODE(&interval_sub->interval_tree.rb))) {
			interval_tree_remove(&interval_sub->interval_tree, &subscriptions->itree);
			RB_CLEAR_NODE(&interval_sub->interval_tree.rb);
		}
		return false;
	}
	if (RB_EMPTY_NODE(&interval_sub->interval_tree.rb)) {
		/* Its insertion still waits: nobody has seen it. */
		hlist_del(&interval_sub->deferred_item);
		return false;
	}
	hlist_add_head(&interval_sub->deferred_item, &subscriptions->deferred_list);
	deferred_set(interval_sub, true);
	*seq = subscriptions->invalidate_seq;
	return true;
}

/* The count as inv_end() leaves it once deferred_list is drained, hence the lock. */
static unsigned long settled_seq(struct mmu_notifier_subscriptions *subscriptions)
{
	unsigned long seq;

	spin_lock(&subscriptions->lock);
	seq = subscriptions->invalidate_seq;
	spin_unlock(&subscriptions->lock);
	return seq;
}

/**
 * mmu_interval_notifier_remove - ends an interval subscription
 *
 * On return no invalidate() runs or will run, and the memory is the caller's.
 * Sleeps while an invalidation has the tree frozen, so: not from
 * invalidate(), and with no lock held that an invalidate() takes.
 */
void mmu_interval_notifier_remove(struct mmu_interval_notifier *interval_sub)
{
	struct mm_struct *mm = interval_sub->mm;
	struct mmu_notifier_subscriptions *subscriptions = mm->notifier_subscriptions;
	unsigned long seq = 0;
	bool frozen;

	might_sleep();
	spin_lock(&subscriptions->lock);
	frozen = interval_unlink(subscriptions, interval_sub, &seq);
	spin_unlock(&subscriptions->lock);

	if (frozen)
		wait_event(subscriptions->wq, FAIR_READERS ? !is_deferred(interval_sub)
							   : settled_seq(subscriptions) != seq);
	mmdrop(mm);
}
EXPORT_SYMBOL_GPL(mmu_interval_notifier_remove);
