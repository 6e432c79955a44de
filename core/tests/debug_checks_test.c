/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a debug build complains of: sleeping where one must not, locks that are not held. */
#include <linux/wait.h>

#include "recorder.h"

#ifndef CONFIG_PROVE_LOCKING

int main(void)
{
	check_skip("the checks are in debug builds only (-DMNBENCH_DEBUG=ON)");
	return check_exit();
}

#else

static struct mm_struct *mm;
static DEFINE_SPINLOCK(lock);

/* EXPR warns N times. */
#define CHECK_WARNS(n, expr)                                                                       \
	do {                                                                                       \
		unsigned long __before = bug_warn_count();                                         \
		expr;                                                                              \
		CHECK_EQ(bug_warn_count() - __before, n);                                          \
	} while (0)

static void sleeping_under_a_spinlock(void)
{
	DECLARE_WAIT_QUEUE_HEAD(wq);
	struct interval a;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	CHECK_WARNS(0, might_sleep());
	spin_lock(&lock);
	CHECK_WARNS(1, might_sleep());
	CHECK_WARNS(1, mmu_interval_read_begin(&a.sub));
	CHECK_WARNS(1, wait_event(wq, true));
	CHECK_WARNS(1, mmu_notifier_synchronize());
	CHECK_WARNS(1, mmap_read_lock(mm));
	CHECK_WARNS(3, invalidate(mm, 0x8000, 0x9000)); /* mmap_lock, start, end */
	mmap_read_unlock(mm);
	spin_unlock(&lock);
	CHECK_WARNS(0, might_sleep());
	CHECK(spin_trylock(&lock));
	CHECK_WARNS(1, might_sleep());
	CHECK(!spin_trylock(&lock));
	spin_unlock(&lock);
	CHECK_WARNS(0, might_sleep());
	interval_remove(&a);
	mmput(mm);
}

static void sleep_inside(struct listener *self)
{
	(void)self;
	might_sleep();
}

static void sleeping_in_a_nonblockable_range(void)
{
	struct mmu_notifier_range range;
	struct listener l;

	mm = mm_new();
	listen(&l, "l", &listener_ops, mm);
	l.inside = sleep_inside;
	CHECK_WARNS(0, invalidate(mm, 0x1000, 0x2000));
	CHECK_WARNS(1, CHECK_EQ(begin_nonblock(&range, mm, 0x1000, 0x2000), 0));
	CHECK_WARNS(1, end(&range));
	CHECK_WARNS(0, might_sleep());
	l.inside = NULL;
	unlisten(&l);
	mmput(mm);

	non_block_start();
	non_block_start();
	non_block_end();
	CHECK_WARNS(1, might_sleep());
	non_block_end();
	CHECK_WARNS(0, might_sleep());
	CHECK_WARNS(1, non_block_end());
	non_block_start();
}

static void hold_and_wait(void *go_on)
{
	spin_lock(&lock);
	CHECK_WARNS(0, lockdep_assert_held(&lock));
	while (!get(*(bool *)go_on))
		sleep_ms(1);
	spin_unlock(&lock);
}

static void spinlock_held(void)
{
	bool go_on = false;
	struct task task;

	CHECK(!lockdep_is_held(&lock));
	CHECK_WARNS(1, lockdep_assert_held(&lock));
	spin_lock(&lock);
	CHECK_WARNS(0, lockdep_assert_held(&lock));
	spin_unlock(&lock);
	CHECK_WARNS(1, lockdep_assert_held(&lock));

	/* Held, but by another. */
	task_start(&task, hold_and_wait, &go_on);
	CHECK(EVENTUALLY(get(lock.dep_map.owner)));
	CHECK_WARNS(1, lockdep_assert_held(&lock));
	set(go_on, true);
	task_join(&task);
}

static void released_by_another(void)
{
	struct lockdep_map mine = {0}, not_mine = {0};

	lockdep_acquire(&mine);
	CHECK_WARNS(1, lockdep_release(&not_mine));
	CHECK_WARNS(0, might_sleep()); /* counted all the same */
}

static void mmap_lock_held(void)
{
	struct mmu_notifier_range range;
	struct listener l;
	struct interval a;

	mm = mm_new();
	CHECK_WARNS(1, mmap_assert_locked(mm));
	CHECK_WARNS(1, mmap_assert_write_locked(mm));
	mmap_read_lock(mm);
	CHECK_WARNS(0, mmap_assert_locked(mm));
	CHECK_WARNS(1, mmap_assert_write_locked(mm));
	mmap_read_unlock(mm);
	mmap_write_lock(mm);
	CHECK_WARNS(0, mmap_assert_locked(mm));
	CHECK_WARNS(0, mmap_assert_write_locked(mm));
	mmap_write_unlock(mm);
	CHECK_WARNS(1, mmap_assert_locked(mm));

	/* Who must hold it, and does not: registration (its own check and take_all_locks' two). */
	listener_init(&l, "l", &listener_ops);
	CHECK_WARNS(3, CHECK_EQ(__mmu_notifier_register(&l.sub, mm), 0));
	unlisten(&l);
	interval_init(&a, "a");
	CHECK_WARNS(4, CHECK_EQ(mmu_interval_notifier_insert_locked(&a.sub, mm, 0x1000, 1,
								    &interval_ops),
				0));
	interval_remove(&a);

	/* And the hooks of a range, subscribers or not. */
	range = range_of(mm, 0x1000, 0x2000);
	CHECK_WARNS(1, mmu_notifier_invalidate_range_start(&range));
	CHECK_WARNS(1, mmu_notifier_invalidate_range_end(&range));
	CHECK_WARNS(1, CHECK_EQ(mmu_notifier_invalidate_range_start_nonblock(&range), 0));
	CHECK_WARNS(1, mmu_notifier_invalidate_range_end(&range));
	mmput(mm);
}

static void wrong_kind_of_reader(void)
{
	struct srcu_struct plain, fast;
	struct srcu_ctr *ctr;
	int idx;

	CHECK_EQ(init_srcu_struct(&plain), 0);
	CHECK_EQ(init_srcu_struct_fast(&fast), 0);
	CHECK_WARNS(0, idx = srcu_read_lock(&plain));
	CHECK_WARNS(0, srcu_read_unlock(&plain, idx));
	CHECK_WARNS(0, ctr = srcu_read_lock_fast(&fast));
	CHECK_WARNS(0, srcu_read_unlock_fast(&fast, ctr));
	CHECK_WARNS(1, idx = srcu_read_lock(&fast));
	CHECK_WARNS(1, srcu_read_unlock(&fast, idx));
	CHECK_WARNS(1, ctr = srcu_read_lock_fast(&plain));
	CHECK_WARNS(1, srcu_read_unlock_fast(&plain, ctr));
	cleanup_srcu_struct(&plain);
	cleanup_srcu_struct(&fast);
}

int main(void)
{
	RUN(sleeping_under_a_spinlock);
	RUN(sleeping_in_a_nonblockable_range);
	RUN(spinlock_held);
	RUN(mmap_lock_held);
	RUN(released_by_another);
	RUN(wrong_kind_of_reader);
	return check_exit();
}

#endif
