/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mm that carries the notifiers: its two counts, its lock, its end. */
#include "recorder.h"

static struct mm_struct *mm;

static void counts(void)
{
	mm = mm_new();
	CHECK_EQ(atomic_read(&mm->mm_users), 1);
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	CHECK(!mm->notifier_subscriptions);
	mmget(mm);
	CHECK(mmget_not_zero(mm));
	CHECK_EQ(atomic_read(&mm->mm_users), 3);
	mmgrab(mm);
	CHECK_EQ(atomic_read(&mm->mm_count), 2);
	mmput(mm);
	mmput(mm);
	CHECK_EQ(atomic_read(&mm->mm_users), 1);
	CHECK_EQ(atomic_read(&mm->mm_count), 2);
	mmput(mm); /* the last user's: the users' one reference goes too */
	CHECK_EQ(atomic_read(&mm->mm_users), 0);
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	CHECK(!mmget_not_zero(mm));
	CHECK_EQ(atomic_read(&mm->mm_users), 0);
	mmdrop(mm);
}

static int users_seen, count_seen;

static void look_at_the_mm(struct listener *self)
{
	users_seen = atomic_read(&self->sub.mm->mm_users);
	count_seen = atomic_read(&self->sub.mm->mm_count);
}

static void last_user_releases(void)
{
	struct listener a;
	struct interval i;

	mm = mm_new();
	listen(&a, "a", &listener_ops, mm);
	interval_insert_at(&i, "i", mm, 0x1000, 0x2000);
	a.inside = look_at_the_mm;
	mmget(mm);
	mmput(mm);
	CHECK_NOTED("");
	mmput(mm);
	CHECK_NOTED("i a:release");
	CHECK_EQ(users_seen, 0);
	CHECK_EQ(count_seen, 3); /* the users' own is dropped after the release */
	CHECK_EQ(atomic_read(&mm->mm_count), 2);
	interval_remove(&i);
	unlisten(&a); /* the last: frees the mm */
	CHECK_NOTED("");
}

static void release_without_subscribers(void)
{
	mm = mm_new();
	mmu_notifier_release(mm);
	CHECK_EQ(mmu_notifier_register(NULL, mm), 0);
	mmu_notifier_release(mm);
	mmput(mm);
}

static unsigned long n_rounds;

static void get_and_put(void *arg)
{
	(void)arg;
	for (unsigned long i = 0; i < n_rounds; i++) {
		mmget(mm);
		mmgrab(mm);
		CHECK(mmget_not_zero(mm));
		mmput(mm);
		mmdrop(mm);
		mmput(mm);
	}
	mmput(mm);
}

/* Whoever is last, it is one, and the notifiers hear of it once. */
static void last_user_among_threads(void)
{
	struct task tasks[4];
	struct listener a;

	for (int round = 0; round < 20; round++) {
		mm = mm_new();
		listen(&a, "a", &listener_ops, mm);
		n_rounds = rounds(500);
		for (size_t i = 0; i < ARRAY_SIZE(tasks); i++) {
			mmget(mm);
			task_start(&tasks[i], get_and_put, NULL);
		}
		mmput(mm);
		for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
			task_join(&tasks[i]);
		CHECK_EQ(atomic_read(&mm->mm_users), 0);
		CHECK_EQ(atomic_read(&mm->mm_count), 1);
		CHECK_NOTED("a:release");
		unlisten(&a);
		CHECK_NOTED("");
	}
}

static void write_locked(void *arg)
{
	(void)arg;
	mmap_write_lock(mm);
	mmap_assert_write_locked(mm);
	mmap_assert_locked(mm);
	CHECK_EQ(mm_take_all_locks(mm), 0);
	mm_drop_all_locks(mm);
	mmap_write_unlock(mm);
}

static void read_locked(void *arg)
{
	(void)arg;
	mmap_read_lock(mm);
	mmap_assert_locked(mm);
	mmap_read_unlock(mm);
}

static void mmap_lock(void)
{
	unsigned long warned = bug_warn_count();
	struct task task;

	mm = mm_new();
	mmap_read_lock(mm);
	task_start(&task, read_locked, NULL);
	CHECK(task_ends(&task));
	task_join(&task);
	task_start(&task, write_locked, NULL);
	CHECK(task_blocks(&task));
	mmap_read_unlock(mm);
	CHECK(task_ends(&task));
	task_join(&task);

	mmap_write_lock(mm);
	task_start(&task, read_locked, NULL);
	CHECK(task_blocks(&task));
	mmap_write_unlock(mm);
	CHECK(task_ends(&task));
	task_join(&task);
	mmput(mm);
	CHECK_EQ(bug_warn_count(), warned);
}

static void range_init(void)
{
	struct mmu_notifier_range range;
	int owner;

	mm = mm_new();
	memset(&range, 0xff, sizeof(range));
	compat_range_init(&range, MMU_NOTIFY_PROTECTION_VMA, 0, mm, 0x1000, 0x3000);
	CHECK_EQ(range.event, MMU_NOTIFY_PROTECTION_VMA);
	CHECK_EQ(range.flags, 0);
	CHECK(range.mm == mm);
	CHECK_EQ(range.start, 0x1000);
	CHECK_EQ(range.end, 0x3000);
	CHECK(!mmu_notifier_range_blockable(&range));
	compat_range_init_owner(&range, MMU_NOTIFY_MIGRATE, MMU_NOTIFIER_RANGE_BLOCKABLE, mm,
				0x2000, 0x4000, &owner);
	CHECK_EQ(range.event, MMU_NOTIFY_MIGRATE);
	CHECK(range.owner == &owner);
	CHECK_EQ(range.start, 0x2000);
	CHECK(mmu_notifier_range_blockable(&range));
	mmput(mm);
}

int main(void)
{
	RUN(counts);
	RUN(last_user_releases);
	RUN(release_without_subscribers);
	RUN(last_user_among_threads);
	RUN(mmap_lock);
	RUN(range_init);
	return check_exit();
}
