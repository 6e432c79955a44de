/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * List notifiers among threads. An mm with intervals has those that do not
 * refuse: a refusal of theirs would leave the intervals invalidated for good.
 */
#include "threads.h"

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <sched.h>
#include <time.h>

struct listening {
	struct mmu_notifier sub;
	struct mm_struct *mm;
	bool live;		    /* until its unregistration has returned, or it is freed */
	unsigned long starts, ends; /* that it heard of */
	unsigned long inside;	    /* its ops that run */
};

static unsigned long made, freed, asked;

static struct listening *op_begins(struct mmu_notifier *sub, const struct mm_struct *mm)
{
	struct listening *self = container_of(sub, struct listening, sub);

	if (!__atomic_load_n(&self->live, __ATOMIC_ACQUIRE))
		broken("gone", "a list notifier was called after its end");
	if (mm != self->mm)
		broken("mm", "a list notifier was called for another mm");
	__atomic_fetch_add(&self->inside, 1, __ATOMIC_ACQ_REL);
	return self;
}

static void op_ends(struct listening *self)
{
	if (!__atomic_load_n(&self->live, __ATOMIC_ACQUIRE))
		broken("inside", "a list notifier ended while an op of it ran");
	__atomic_fetch_sub(&self->inside, 1, __ATOMIC_ACQ_REL);
}

static void on_release(struct mmu_notifier *sub, struct mm_struct *mm)
{
	struct listening *self = op_begins(sub, mm);

	sched_yield();
	op_ends(self);
}

static int on_start(struct mmu_notifier *sub, const struct mmu_notifier_range *range)
{
	struct listening *self = op_begins(sub, range->mm);

	__atomic_fetch_add(&self->starts, 1, __ATOMIC_RELAXED);
	op_ends(self);
	return 0;
}

static int on_start_refuse(struct mmu_notifier *sub, const struct mmu_notifier_range *range)
{
	struct listening *self = op_begins(sub, range->mm);

	op_ends(self);
	if (mmu_notifier_range_blockable(range))
		return 0;
	return __atomic_add_fetch(&asked, 1, __ATOMIC_RELAXED) % 3 ? 0 : -EAGAIN;
}

static void on_end(struct mmu_notifier *sub, const struct mmu_notifier_range *range)
{
	struct listening *self = op_begins(sub, range->mm);

	__atomic_fetch_add(&self->ends, 1, __ATOMIC_RELAXED);
	op_ends(self);
}

static compat_young_t on_young(struct mmu_notifier *sub, struct mm_struct *mm, unsigned long start,
			       unsigned long end)
{
	struct listening *self = op_begins(sub, mm);

	(void)start;
	(void)end;
	sched_yield();
	op_ends(self);
	return 1;
}

static struct mmu_notifier *on_alloc(struct mm_struct *mm)
{
	struct listening *self = kzalloc(sizeof(*self), GFP_KERNEL);

	if (!self)
		return ERR_PTR(-ENOMEM);
	__atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
	self->mm = mm;
	self->live = true;
	return &self->sub;
}

static void end_life(struct listening *self)
{
	if (__atomic_load_n(&self->inside, __ATOMIC_ACQUIRE))
		broken("inside", "a list notifier ended while an op of it ran");
	__atomic_store_n(&self->live, false, __ATOMIC_RELEASE);
}

static void on_free(struct mmu_notifier *sub)
{
	struct listening *self = container_of(sub, struct listening, sub);

	if (!self->live)
		broken("freed", "a list notifier, twice");
	end_life(self);
	kfree(self);
	__atomic_fetch_add(&freed, 1, __ATOMIC_RELAXED);
}

static const struct mmu_notifier_ops all_ops = {
	.release = on_release,
	.invalidate_range_start = on_start,
	.invalidate_range_end = on_end,
	.clear_young = on_young,
	.clear_flush_young = on_young,
};
static const struct mmu_notifier_ops refusing_ops = {.invalidate_range_start = on_start_refuse};
static const struct mmu_notifier_ops got_ops = {
	.invalidate_range_start = on_start,
	.clear_young = on_young,
	.alloc_notifier = on_alloc,
	.free_notifier = on_free,
};

/* ---- what threads do with them ---- */

static void listen_to(struct walker *walker)
{
	bool by_interval = pick(walker, 2);
	struct place *place = place_visit(walker, by_interval);
	struct listening *self = kzalloc(sizeof(*self), GFP_KERNEL);
	int ret;

	BUG_ON(!self);
	self->mm = place->mm;
	self->live = true;
	self->sub.ops = by_interval || pick(walker, 2) ? &all_ops : &refusing_ops;
	ret = mmu_notifier_register(&self->sub, place->mm);
	if (ret)
		broken("register", "%d", ret);
	place_know(place);
	walker->listening = self;
	walker->listened = place;
	place_leave(place);
}

/* With mmap_lock held for write no range is under way: each that began has
 * ended. */
static void leave_off(struct walker *walker)
{
	struct listening *self = walker->listening;
	struct place *place = walker->listened;

	mmap_write_lock(place->mm);
	mmu_notifier_unregister(&self->sub, place->mm);
	end_life(self);
	mmap_write_unlock(place->mm);
	if (self->sub.ops == &all_ops && self->starts != self->ends)
		broken("balance", "a list notifier heard of %lu starts and %lu ends", self->starts,
		       self->ends);
	kfree(self);
	walker->listening = NULL;
	place_forget(place);
}

void listen_or_leave(struct walker *walker)
{
	if (walker->listening)
		leave_off(walker);
	else
		listen_to(walker);
}

/* Threads that get at the same time share one. */
void get_or_put(struct walker *walker)
{
	struct place *place;
	struct mmu_notifier *sub;

	if (walker->got) {
		mmu_notifier_put(walker->got);
		walker->got = NULL;
		place_forget(walker->got_of);
		return;
	}
	place = place_visit(walker, pick(walker, 2));
	sub = mmu_notifier_get(&got_ops, place->mm);
	if (IS_ERR(sub))
		broken("get", "%ld", PTR_ERR(sub));
	if (sub->mm != place->mm || sub->ops != &got_ops)
		broken("get", "somebody else's notifier");
	place_know(place);
	walker->got = sub;
	walker->got_of = place;
	place_leave(place);
}

void age(struct walker *walker)
{
	struct place *place = place_visit(walker, pick(walker, 2));

	if (pick(walker, 2))
		mmu_notifier_clear_young(place->mm, 0, PAGE_SIZE);
	else
		mmu_notifier_clear_flush_young(place->mm, 0, PAGE_SIZE);
	place_leave(place);
}

/* Ranges of the mm whose list notifiers may refuse. */
void pass_refused(struct walker *walker)
{
	struct place *place = place_visit(walker, false);
	struct mmu_notifier_range range;
	int ret = 0;

	compat_range_init(&range, MMU_NOTIFY_UNMAP, 0, place->mm, 0, address(PAGES));
	mmap_read_lock(place->mm);
	if (pick(walker, 2))
		ret = mmu_notifier_invalidate_range_start_nonblock(&range);
	else
		mmu_notifier_invalidate_range_start(&range);
	if (!ret)
		mmu_notifier_invalidate_range_end(&range);
	else if (ret != -EAGAIN)
		broken("refusal", "%d", ret);
	mmap_read_unlock(place->mm);
	place_leave(place);
}

void listeners_close(void)
{
	mmu_notifier_synchronize();
	for (int i = 0; i < 1000 && READ_ONCE(freed) != made; i++)
		nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
	if (READ_ONCE(freed) != made)
		broken("freed", "%lu list notifiers of %lu that were made", READ_ONCE(freed), made);
}
