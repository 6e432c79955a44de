/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two remedies for what the algorithm does badly, each off by default, and
 * what the faithful port does in their place. Part of mmu_notifier.c, behind
 * its struct mmu_notifier_subscriptions. README.md tells what they gain, what
 * they cost, and what a patch for the kernel would have to argue.
 *
 * CONFIG_MMU_NOTIFIER_LOCKLESS_READ: read_begin() takes the lock only where it
 * collides.
 *
 *	reader                             invalidation
 *	R1: s = sub's seq     (acquire)    W1: seq |= 1, under lock       (release)
 *	R2: c = seq           (acquire)    W2: set_seq(seq), user lock    (release)
 *	s == c: the locked way             W3: change the page tables
 *	R3: walk the page tables           W4: seq++, under lock          (release)
 *	R4: user lock; sub's seq == s?
 *
 * R4 finds s unless W2 comes between, which the user lock decides; so what
 * could go wrong is an s that W2 has set already, while W3 is to come. Then R1
 * has read what W2 wrote, and R2, behind it, reads W1's count or a later one:
 *
 * - W1's: colliding, and the lock decides, as in the faithful port;
 * - a later one: then W4 has been, and R3 is behind all that was before it.
 *
 * W2 release, R1 acquire: else s could be new and c from before W1, which does
 *	not collide: R3 reads what W3 is about to change, and R4 agrees. Drivers
 *	take their lock between W1 and W2; that orders the two by itself on
 *	every CPU of ours and in the kernel's memory model, not in C's.
 * R2 acquire, W4 release: else R3 could read from before W3 though c is from
 *	after W4. W1 too: R2 may miss W4 and read the next invalidation's W1,
 *	which has W4 before it by the lock.
 * R1 before R2: the other way round, a whole invalidation's W1 and W2 fit
 *	between: c is from before it, s is its count, and W3 is to come.
 *
 * R2 may read a count that is long past. Is it s, the lock finds out that
 * nothing collides; is it not, R1 says that W2 has not been.
 *
 * CONFIG_MMU_NOTIFIER_FAIR_READERS: a reader waits for no range that starts
 * after it began to wait. As in SRCU, those who wait close a generation: the
 * next range to start raises the odd count by 2 and begins another, and when
 * the last range of the closed one ends, its readers go, whatever else has
 * started since. One generation is closed at a time, so they end in their
 * order, and a reader waits for two at most: for the closed one, and for its
 * own, which is closed when that has ended.
 *
 *	count	closed_seq	being invalidated: a subscription whose seq is
 *	n	0		n
 *	n + 2	n		n or n + 2
 *	n + 2	0		n + 2; who waited for n has gone
 *	even	0		none: idle, or nothing was hit
 *
 * A read that ends with s can rely on the retry: only ranges of generation s
 * set s, and they have ended. And "s has ended" holds for every invalidation
 * that was before the retry, since theirs are s or older; hence a subscription's
 * seq must not go back from n + 2 to n when a range of the closed generation
 * comes to it late: mmu_interval_set_seq() sees to that.
 *
 * Until it is in the tree, a subscription is called by nobody, and the tree
 * still changes when idle only. So a deferred insertion collides until then,
 * and it and a deferred removal can be starved as before; the remover waits on
 * the subscription's own word, since a changed count no longer means idle.
 */
#ifndef MN_CORE_REMEDIES_H
#define MN_CORE_REMEDIES_H

#if defined(CONFIG_MMU_NOTIFIER_LOCKLESS_READ) && defined(CONFIG_MMU_NOTIFIER_FAIR_READERS)
#error "one remedy at a time: read_begin_at_once() does not know a closed generation"
#endif

/* Under lock. With either remedy, who reads it without sees what was changed before: W1 and W4. */
static inline void count_write(struct mmu_notifier_subscriptions *subscriptions, unsigned long seq)
{
#if defined(CONFIG_MMU_NOTIFIER_LOCKLESS_READ) || defined(CONFIG_MMU_NOTIFIER_FAIR_READERS)
	smp_store_release(&subscriptions->invalidate_seq, seq);
#else
	WRITE_ONCE(subscriptions->invalidate_seq, seq);
#endif
}

#ifndef CONFIG_MMU_NOTIFIER_LOCKLESS_READ

static __always_inline bool read_begin_at_once(struct mmu_notifier_subscriptions *subscriptions,
					       struct mmu_interval_notifier *interval_sub,
					       unsigned long *seq)
{
	(void)subscriptions;
	(void)interval_sub;
	(void)seq;
	return false;
}

#else

/* R1 and R2 above; false: the lock must decide. */
static __always_inline bool read_begin_at_once(struct mmu_notifier_subscriptions *subscriptions,
					       struct mmu_interval_notifier *interval_sub,
					       unsigned long *seq)
{
	*seq = smp_load_acquire(&interval_sub->invalidate_seq);
	return *seq != smp_load_acquire(&subscriptions->invalidate_seq);
}

#endif

#ifndef CONFIG_MMU_NOTIFIER_FAIR_READERS
#define FAIR_READERS false

static inline void generation_join(struct mmu_notifier_subscriptions *subscriptions,
				   struct mmu_notifier_range *range)
{
	(void)subscriptions;
	(void)range;
}

static inline void generation_leave(struct mmu_notifier_subscriptions *subscriptions,
				    const struct mmu_notifier_range *range)
{
	(void)range;
	spin_unlock(&subscriptions->lock);
}

static inline void generations_end(struct mmu_notifier_subscriptions *subscriptions)
{
	(void)subscriptions;
}

static inline void deferred_set(struct mmu_interval_notifier *interval_sub, bool deferred)
{
	(void)interval_sub;
	(void)deferred;
}

/* Only where FAIR_READERS is true does anybody ask. */
static inline bool is_deferred(struct mmu_interval_notifier *interval_sub)
{
	(void)interval_sub;
	return false;
}

static inline bool is_colliding(struct mmu_notifier_subscriptions *subscriptions,
				struct mmu_interval_notifier *interval_sub, unsigned long seq)
{
	(void)interval_sub;
	return seq == subscriptions->invalidate_seq;
}

static inline unsigned long wait_fairly(struct mmu_notifier_subscriptions *subscriptions,
					struct mmu_interval_notifier *interval_sub,
					unsigned long seq)
{
	(void)subscriptions;
	(void)interval_sub;
	return seq;
}

#else
#define FAIR_READERS true

/* A range joins the open generation; first it closes that, if somebody waits for it. Under lock. */
static inline void generation_join(struct mmu_notifier_subscriptions *subscriptions,
				   struct mmu_notifier_range *range)
{
	unsigned long seq = subscriptions->invalidate_seq;

	if (unlikely(subscriptions->readers_wait) && !subscriptions->closed_seq) {
		subscriptions->readers_wait = false;
		subscriptions->closed_ranges = subscriptions->active_invalidate_ranges;
		WRITE_ONCE(subscriptions->closed_seq, seq);
		/* Release: who finds SEQ no longer open finds it closed; see is_under_way(). */
		count_write(subscriptions, seq += 2);
	}
	/* Those that hit nothing before the count was odd are of the odd count to come. */
	range->generation = seq | 1;
}

/* It is not the last of all ranges. Takes the lock from the caller, and wakes who may go. */
static inline void generation_leave(struct mmu_notifier_subscriptions *subscriptions,
				    const struct mmu_notifier_range *range)
{
	bool ended =
		range->generation == subscriptions->closed_seq && !--subscriptions->closed_ranges;

	/* Release: with the acquire in is_under_way(), what the ranges changed is seen. */
	if (ended)
		smp_store_release(&subscriptions->closed_seq, 0);
	spin_unlock(&subscriptions->lock);
	if (ended)
		wake_up_all(&subscriptions->wq);
}

/* No range is left in any. Under lock. */
static inline void generations_end(struct mmu_notifier_subscriptions *subscriptions)
{
	subscriptions->readers_wait = false;
	smp_store_release(&subscriptions->closed_seq, 0);
}

/* Is SEQ a generation that has not ended? SEQ is odd, so 0 is none. With or without lock. */
static inline bool is_under_way(struct mmu_notifier_subscriptions *subscriptions, unsigned long seq)
{
	/* First whether it is open: it turns from open to closed, not back. */
	return smp_load_acquire(&subscriptions->invalidate_seq) == seq ||
	       smp_load_acquire(&subscriptions->closed_seq) == seq;
}

static inline bool is_deferred(struct mmu_interval_notifier *interval_sub)
{
	return smp_load_acquire(&interval_sub->deferred);
}

/* Release: after the last one, the owner of a removed subscription may free it. */
static inline void deferred_set(struct mmu_interval_notifier *interval_sub, bool deferred)
{
	smp_store_release(&interval_sub->deferred, deferred);
}

/* May a reader that waits go on? Without the lock. */
static inline bool may_read(struct mmu_notifier_subscriptions *subscriptions,
			    struct mmu_interval_notifier *interval_sub, unsigned long seq)
{
	return !is_deferred(interval_sub) && !is_under_way(subscriptions, seq);
}

/* Must a reader wait? Then the next range closes the generation that it waits for. Under lock. */
static inline bool is_colliding(struct mmu_notifier_subscriptions *subscriptions,
				struct mmu_interval_notifier *interval_sub, unsigned long seq)
{
	if (seq == subscriptions->invalidate_seq)
		subscriptions->readers_wait = true;
	return !may_read(subscriptions, interval_sub, seq);
}

static noinline unsigned long wait_fairly(struct mmu_notifier_subscriptions *subscriptions,
					  struct mmu_interval_notifier *interval_sub,
					  unsigned long seq)
{
	wait_event(subscriptions->wq, may_read(subscriptions, interval_sub, seq));
	return seq;
}

#endif

#endif
