/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an mm stands on, alone: the semaphore, allocations, its counts. */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <malloc.h>
#include <signal.h>

#include "check.h"

static char text[4096];

/* ---- the semaphore ---- */

static struct rw_semaphore sem;

static void set_up_over_garbage(void)
{
	memset(&sem, 0xa5, sizeof(sem));
	init_rwsem(&sem);
	down_read(&sem);
	down_read(&sem);
	up_read(&sem);
	up_read(&sem);
	down_write(&sem);
	up_write(&sem);
}

static void read_what_is_written(void)
{
	down_write(&sem);
	down_read(&sem);
}

static void write_what_is_written(void)
{
	down_write(&sem);
	down_write(&sem);
}

static void own_deadlock(void)
{
	init_rwsem(&sem);
	CHECK(killed_by(in_child(read_what_is_written, text, sizeof(text)), SIGABRT));
	CHECK_EQ(occurrences(text, "down_read()"), 1);
	CHECK(killed_by(in_child(write_what_is_written, text, sizeof(text)), SIGABRT));
	CHECK_EQ(occurrences(text, "down_write()"), 1);
}

/* ---- allocations ---- */

static void too_much(void)
{
	CHECK(!kzalloc((size_t)1 << 62, GFP_KERNEL));
}

static void zeroed_and_given_back(void)
{
	size_t before = 0;

	for (int i = 0; i < 200; i++) {
		unsigned char *p = kzalloc(1000, GFP_KERNEL);

		for (size_t k = 0; k < 1000; k++)
			if (p[k])
				CHECK(!p[k]);
		memset(p, 0xff, 1000);
		kfree(p);
		if (i == 20) /* the C library keeps a few for itself */
			before = mallinfo2().uordblks;
	}
	if (!CHECK_SANITIZED) /* they keep what is freed, or count otherwise */
		CHECK_EQ(mallinfo2().uordblks, before);
	kfree(NULL);
}

/* ---- the counts ---- */

static void counts(void)
{
	struct mm_struct *mm = mm_alloc();

	CHECK_EQ(atomic_read(&mm->mm_users), 1);
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	CHECK(!mm_has_notifiers(mm));
	mmget(mm);
	mmgrab(mm);
	mmput(mm);
	CHECK_EQ(atomic_read(&mm->mm_users), 1);
	CHECK_EQ(atomic_read(&mm->mm_count), 2);
	mmput(mm); /* the users' one reference goes with the last of them */
	CHECK_EQ(atomic_read(&mm->mm_users), 0);
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	CHECK(!mmget_not_zero(mm));
	mmdrop(mm);
}

/* ---- the debug build's checks of the caller ---- */

static void sleeping_calls(void)
{
#ifdef CONFIG_PROVE_LOCKING
	static DEFINE_SPINLOCK(lock);
	unsigned long before = bug_warn_count();
	struct mm_struct *mm = mm_alloc();

	mmget(mm);
	spin_lock(&lock);
	mmput(mm);
	CHECK_EQ(bug_warn_count(), before + 1);
	mmap_read_lock(mm);
	mmap_read_unlock(mm);
	CHECK_EQ(bug_warn_count(), before + 2);
	mmap_write_lock(mm);
	mmap_write_unlock(mm);
	CHECK_EQ(bug_warn_count(), before + 3);
	spin_unlock(&lock);
	mmput(mm);
	CHECK_EQ(bug_warn_count(), before + 3);
#endif
}

int main(void)
{
	RUN(set_up_over_garbage);
	RUN(own_deadlock);
	if (CHECK_SANITIZED)
		check_skip("a sanitizer ends a program that asks for too much");
	else
		RUN(too_much);
	RUN(zeroed_and_given_back);
	RUN(counts);
	RUN(sleeping_calls);
	return check_exit();
}
