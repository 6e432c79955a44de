/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No memory, and locks that are refused: the linker puts this file's kzalloc,
 * kfree and mm_take_all_locks in the core's place. Nothing may be left behind.
 */
#include <linux/slab.h>

#include "recorder.h"

void *__real_kzalloc(size_t size, gfp_t flags);
void __real_kfree(const void *ptr);
int __real_mm_take_all_locks(struct mm_struct *mm);
void *__wrap_kzalloc(size_t size, gfp_t flags);
void __wrap_kfree(const void *ptr);
int __wrap_mm_take_all_locks(struct mm_struct *mm);

static bool no_memory;
static int lock_error, times_taken;
static long live; /* allocations not yet freed */

void *__wrap_kzalloc(size_t size, gfp_t flags)
{
	if (no_memory)
		return NULL;
	__atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
	return __real_kzalloc(size, flags);
}

void __wrap_kfree(const void *ptr)
{
	if (ptr)
		__atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
	__real_kfree(ptr);
}

int __wrap_mm_take_all_locks(struct mm_struct *mm)
{
	times_taken++;
	return lock_error ? lock_error : __real_mm_take_all_locks(mm);
}

static struct mm_struct *mm;
static int freed;

static struct listener gotten;

static struct mmu_notifier *alloc_notifier(struct mm_struct *for_mm)
{
	(void)for_mm;
	listener_init(&gotten, "g", NULL);
	return &gotten.sub;
}

static void free_notifier(struct mmu_notifier *sub)
{
	CHECK(sub == &gotten.sub);
	bump(freed);
}

static const struct mmu_notifier_ops get_ops = {
	.alloc_notifier = alloc_notifier,
	.free_notifier = free_notifier,
};

/* Each way to the mm's first subscription gives WANT and changes nothing. */
static void all_ways_refused(int want)
{
	struct listener a;
	struct interval i;
	long before = live;

	listener_init(&a, "a", &listener_ops);
	interval_init(&i, "i");
	freed = 0;
	CHECK_EQ(mmu_notifier_register(&a.sub, mm), want);
	CHECK_EQ(mmu_notifier_register(NULL, mm), want);
	CHECK_EQ(PTR_ERR(mmu_notifier_get(&get_ops, mm)), want);
	CHECK_EQ(freed, 1);
	CHECK_EQ(mmu_interval_notifier_insert(&i.sub, mm, 0x1000, 0x1000, &interval_ops), want);
	mmap_write_lock(mm); /* the refused ones gave it back */
	CHECK_EQ(mmu_interval_notifier_insert_locked(&i.sub, mm, 0x1000, 0x1000, &interval_ops),
		 want);
	mmap_write_unlock(mm);
	CHECK(!mm_has_notifiers(mm));
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	CHECK_EQ(live, before);
}

static void works_afterwards(void)
{
	struct listener a;
	struct interval i;

	listen(&a, "a", &start_only_ops, mm);
	interval_insert_at(&i, "i", mm, 0x1000, 0x2000);
	invalidate(mm, 0x1000, 0x2000);
	CHECK_NOTED("i a:start");
	unlisten(&a);
	interval_remove(&i);
}

static void locks_refused(void)
{
	mm = mm_new();
	lock_error = -EINTR;
	all_ways_refused(-EINTR);
	lock_error = 0;
	works_afterwards();
	mmput(mm);
	CHECK_EQ(live, 0);
}

static void locks_refused_later(void)
{
	struct listener a, b;
	struct interval i;

	mm = mm_new();
	listen(&a, "a", &start_only_ops, mm);
	lock_error = -EINTR;
	listener_init(&b, "b", &start_only_ops);
	CHECK_EQ(mmu_notifier_register(&b.sub, mm), -EINTR);
	interval_init(&i, "i");
	CHECK_EQ(mmu_interval_notifier_insert(&i.sub, mm, 0x1000, 0x1000, &interval_ops), -EINTR);
	CHECK_EQ(atomic_read(&mm->mm_count), 2);
	invalidate(mm, 0x1000, 0x2000);
	CHECK_NOTED("a:start"); /* what was there still is */
	lock_error = 0;
	times_taken = 0;
	CHECK_EQ(mmu_interval_notifier_insert(&i.sub, mm, 0x1000, 0x1000, &interval_ops), 0);
	CHECK_EQ(times_taken, 1);
	lock_error = -EINTR; /* intervals are on: nothing left to take */
	interval_remove(&i);
	CHECK_EQ(mmu_interval_notifier_insert(&i.sub, mm, 0x1000, 0x1000, &interval_ops), 0);
	CHECK_EQ(times_taken, 1);
	lock_error = 0;
	interval_remove(&i);
	unlisten(&a);
	mmput(mm);
	CHECK_EQ(live, 0);
}

static void memory_refused(void)
{
	mm = mm_new();
	no_memory = true;
	CHECK(!mm_alloc());
	times_taken = 0;
	all_ways_refused(-ENOMEM);
	CHECK_EQ(times_taken, 0);
	no_memory = false;
	works_afterwards();
	mmput(mm);
	CHECK_EQ(live, 0);
}

static void domain_refused(void)
{
	void *place = alloc_percpu(unsigned long), *again;
	struct srcu_struct ssp;

	free_percpu_size(place, sizeof(unsigned long));
	no_memory = true;
	CHECK_EQ(init_srcu_struct(&ssp), -ENOMEM);
	CHECK_EQ(init_srcu_struct_fast(&ssp), -ENOMEM);
	no_memory = false;
	again = alloc_percpu(unsigned long);
	CHECK(again == place); /* the counters' place is free again */
	free_percpu_size(again, sizeof(unsigned long));
	CHECK_EQ(init_srcu_struct(&ssp), 0);
	synchronize_srcu(&ssp);
	cleanup_srcu_struct(&ssp);
	CHECK_EQ(live, 0);
}

int main(void)
{
	live = 0; /* the domain of the notifiers, made before main(), stays */
	RUN(locks_refused);
	RUN(locks_refused_later);
	RUN(memory_refused);
	RUN(domain_refused);
	return check_exit();
}
