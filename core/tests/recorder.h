/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Subscribers that note what they are told; and an mm's side in one line each. */
#ifndef MN_TESTS_RECORDER_H
#define MN_TESTS_RECORDER_H

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/spinlock.h>

#include "../compat.h"
#include "check.h"

/* For what only our own notifier does: a check more, a word in a message. */
#define SUBJECT_IS_PORT (!strncmp(MN_SUBJECT, "port", strlen("port")))

/* ---- intervals ---- */

struct interval {
	struct mmu_interval_notifier sub;
	spinlock_t user_lock;
	const char *name;
	bool refuse;			       /* answer false */
	void (*inside)(struct interval *self); /* what else it does when called; may be NULL */
	unsigned int calls;
	unsigned long seq;		 /* of the last call */
	struct mmu_notifier_range range; /* of the last call */
};

/* Notes "NAME". As a driver must: sets the count under its own lock. */
static inline bool interval_invalidate(struct mmu_interval_notifier *sub,
				       const struct mmu_notifier_range *range,
				       unsigned long cur_seq)
{
	struct interval *self = container_of(sub, struct interval, sub);

	note("%s", self->name);
	self->calls++;
	self->seq = cur_seq;
	self->range = *range;
	if (self->inside)
		self->inside(self);
	if (self->refuse)
		return false;
	spin_lock(&self->user_lock);
	mmu_interval_set_seq(sub, cur_seq);
	spin_unlock(&self->user_lock);
	return true;
}

static const struct mmu_interval_notifier_ops interval_ops __attribute__((__unused__)) = {
	.invalidate = interval_invalidate,
};

static inline void interval_init(struct interval *self, const char *name)
{
	*self = (struct interval){.name = name};
	spin_lock_init(&self->user_lock);
}

/* Inserts [start, end); checks that it went well. */
static inline void interval_insert_at(struct interval *self, const char *name, struct mm_struct *mm,
				      unsigned long start, unsigned long end)
{
	interval_init(self, name);
	CHECK_EQ(mmu_interval_notifier_insert(&self->sub, mm, start, end - start, &interval_ops),
		 0);
}

/* read_retry as a driver asks: under its lock. */
static inline bool interval_retry(struct interval *self, unsigned long seq)
{
	bool retry;

	spin_lock(&self->user_lock);
	retry = mmu_interval_read_retry(&self->sub, seq);
	spin_unlock(&self->user_lock);
	return retry;
}

static inline void interval_remove(struct interval *self)
{
	mmu_interval_notifier_remove(&self->sub);
}

/* A thread that removes it, and one that begins a read of it. */
static inline void interval_remove_task(void *interval)
{
	interval_remove(interval);
}

struct read_task {
	struct task task;
	struct interval *interval;
	unsigned long seq;
};

static inline void read_task_run(void *arg)
{
	struct read_task *read = arg;

	read->seq = mmu_interval_read_begin(&read->interval->sub);
}

static inline void read_task_start(struct read_task *read, struct interval *interval)
{
	read->interval = interval;
	task_start(&read->task, read_task_run, read);
}

/* ---- list notifiers ---- */

struct listener {
	struct mmu_notifier sub;
	const char *name;
	int answer;			       /* what start, and the aging ops, return */
	void (*inside)(struct listener *self); /* what else every op does; may be NULL */
	struct mmu_notifier_range range;       /* of the last start or end */
	unsigned long start, end;	       /* of the last op that had them */
	pte_t pte;
};

/* Every op notes "NAME:op". */
static inline struct listener *listener_called(struct mmu_notifier *sub, const char *op)
{
	struct listener *self = container_of(sub, struct listener, sub);

	note("%s:%s", self->name, op);
	if (self->inside)
		self->inside(self);
	return self;
}

static inline void listener_release(struct mmu_notifier *sub, struct mm_struct *mm)
{
	CHECK(sub->mm == mm);
	listener_called(sub, "release");
}

static inline compat_young_t listener_aged(struct mmu_notifier *sub, const char *op,
					   unsigned long start, unsigned long end)
{
	struct listener *self = listener_called(sub, op);

	self->start = start;
	self->end = end;
	return self->answer;
}

static inline compat_young_t listener_clear_flush_young(struct mmu_notifier *sub,
							struct mm_struct *mm, unsigned long start,
							unsigned long end)
{
	CHECK(sub->mm == mm);
	return listener_aged(sub, "clear_flush", start, end);
}

static inline compat_young_t listener_clear_young(struct mmu_notifier *sub, struct mm_struct *mm,
						  unsigned long start, unsigned long end)
{
	CHECK(sub->mm == mm);
	return listener_aged(sub, "clear", start, end);
}

static inline compat_young_t listener_test_young(struct mmu_notifier *sub, struct mm_struct *mm,
						 unsigned long address)
{
	CHECK(sub->mm == mm);
	return listener_aged(sub, "test", address, 0);
}

static inline __maybe_unused void listener_change_pte(struct mmu_notifier *sub,
						      struct mm_struct *mm, unsigned long address,
						      pte_t pte)
{
	CHECK(sub->mm == mm);
	listener_aged(sub, "pte", address, 0);
	container_of(sub, struct listener, sub)->pte = pte;
}

static inline int listener_range_start(struct mmu_notifier *sub,
				       const struct mmu_notifier_range *range)
{
	struct listener *self = listener_called(sub, "start");

	self->range = *range;
	return self->answer;
}

static inline void listener_range_end(struct mmu_notifier *sub,
				      const struct mmu_notifier_range *range)
{
	listener_called(sub, "end")->range = *range;
}

static inline __maybe_unused void listener_tlbs(struct mmu_notifier *sub, struct mm_struct *mm,
						unsigned long start, unsigned long end)
{
	CHECK(sub->mm == mm);
	listener_aged(sub, "tlbs", start, end);
}

/* All ops that go together; one with no end, since its start may fail; TLBs alone; none. */
static const struct mmu_notifier_ops listener_ops __attribute__((__unused__)) = {
	.release = listener_release,
	.clear_flush_young = listener_clear_flush_young,
	.clear_young = listener_clear_young,
	.test_young = listener_test_young,
	COMPAT_CHANGE_PTE_OP(listener_change_pte).invalidate_range_start = listener_range_start,
	.invalidate_range_end = listener_range_end,
};
static const struct mmu_notifier_ops start_only_ops __attribute__((__unused__)) = {
	.invalidate_range_start = listener_range_start,
};
static const struct mmu_notifier_ops tlbs_ops
	__attribute__((__unused__)) = {COMPAT_SECONDARY_TLBS_OP(listener_tlbs)};
static const struct mmu_notifier_ops no_ops __attribute__((__unused__)) = {0};

static inline void listener_init(struct listener *self, const char *name,
				 const struct mmu_notifier_ops *ops)
{
	*self = (struct listener){.name = name, .sub.ops = ops};
}

/* Registers; checks that it went well. */
static inline void listen(struct listener *self, const char *name,
			  const struct mmu_notifier_ops *ops, struct mm_struct *mm)
{
	listener_init(self, name, ops);
	CHECK_EQ(mmu_notifier_register(&self->sub, mm), 0);
}

static inline void unlisten(struct listener *self)
{
	mmu_notifier_unregister(&self->sub, self->sub.mm);
}

static inline void unlisten_task(void *listener)
{
	unlisten(listener);
}

/* ---- the mm's side: mmap_lock is held for read from start to end ---- */

static inline struct mmu_notifier_range range_of(struct mm_struct *mm, unsigned long start,
						 unsigned long end)
{
	struct mmu_notifier_range range;

	compat_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, start, end);
	return range;
}

static inline struct mmu_notifier_range begin(struct mm_struct *mm, unsigned long start,
					      unsigned long end)
{
	struct mmu_notifier_range range = range_of(mm, start, end);

	mmap_read_lock(mm);
	mmu_notifier_invalidate_range_start(&range);
	return range;
}

/* 0 or -errno; after an error mmap_lock is not held and end() must not be called. */
static inline int begin_nonblock(struct mmu_notifier_range *range, struct mm_struct *mm,
				 unsigned long start, unsigned long end)
{
	int ret;

	*range = range_of(mm, start, end);
	mmap_read_lock(mm);
	ret = mmu_notifier_invalidate_range_start_nonblock(range);
	if (ret)
		mmap_read_unlock(mm);
	return ret;
}

static inline void end(struct mmu_notifier_range *range)
{
	mmu_notifier_invalidate_range_end(range);
	mmap_read_unlock(range->mm);
}

/* A range's start and end at once. */
static inline void invalidate(struct mm_struct *mm, unsigned long start,
			      unsigned long last_plus_one)
{
	struct mmu_notifier_range range = begin(mm, start, last_plus_one);

	end(&range);
}

static inline struct mm_struct *mm_new(void)
{
	struct mm_struct *mm = mm_alloc();

	if (!CHECK(mm))
		exit(1);
	return mm;
}

#endif
