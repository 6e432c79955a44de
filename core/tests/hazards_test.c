/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the algorithm does to those who use it, as in the kernel: shown, so
 * that a change of it is seen, and not held for right. The core's own source
 * is part of this file, for its lock.
 */
#include "../mmu_notifier.c"

#include "recorder.h"

static struct mm_struct *mm;

/*
 * A list notifier that refuses after the interval side has accepted: start
 * has failed, so nobody may call end, and the interval stays invalidated.
 */
static void list_refusal_leaves_intervals_started(void)
{
	struct mmu_notifier_range range, later;
	struct interval a, b;
	struct read_task read;
	struct task remover;
	struct listener l;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, 0x3000, 0x4000);
	listen(&l, "l", &start_only_ops, mm);
	l.answer = -EAGAIN;
	CHECK_EQ(begin_nonblock(&range, mm, 0x1000, 0x2000), -EAGAIN);
	CHECK_NOTED("a l:start");
	l.answer = 0;
	CHECK_EQ(mm->notifier_subscriptions->active_invalidate_ranges, 1);

	read_task_start(&read, &a);
	task_start(&remover, interval_remove_task, &b);
	CHECK(task_blocks(&read.task));
	CHECK(task_blocks(&remover));
	/* No later invalidation mends it. */
	later = begin(mm, 0x1000, 0x2000);
	end(&later);
	CHECK(task_blocks(&read.task));
	CHECK(task_blocks(&remover));

	/* The missing end, which only a test may add: it lets the threads go. */
	inv_end(mm->notifier_subscriptions);
	CHECK(task_ends(&read.task));
	CHECK(task_ends(&remover));
	task_join(&read.task);
	task_join(&remover);
	interval_remove(&a);
	unlisten(&l);
	mmput(mm);
	check_log[0] = 0;
}

/* The reader's own invalidation is long over; it waits for a moment with none at all. */
static void unrelated_ranges_starve_a_reader(void)
{
	struct mmu_notifier_range running, next;
	struct read_task read;
	struct interval a;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	running = begin(mm, 0x1000, 0x2000);
	read_task_start(&read, &a);
	CHECK(task_blocks(&read.task));
	for (int i = 0; i < 5; i++) {
		next = begin(mm, 0x100000, 0x101000);
		end(&running);
		running = next;
		CHECK(task_blocks(&read.task));
	}
	CHECK_EQ(a.calls, 1);
	end(&running);
	CHECK(task_ends(&read.task));
	task_join(&read.task);
	interval_remove(&a);
	mmput(mm);
	check_log[0] = 0;
}

/* Both are woken by the same end; the remover needs the lock once more, the reader does not. */
static void woken_removers_take_the_lock(void)
{
	struct mmu_notifier_subscriptions *state;
	struct mmu_notifier_range hit;
	struct interval a, b;
	struct read_task read;
	struct task remover;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, 0x3000, 0x4000);
	state = mm->notifier_subscriptions;
	hit = begin(mm, 0x1000, 0x2000);
	read_task_start(&read, &a);
	task_start(&remover, interval_remove_task, &b);
	CHECK(task_blocks(&read.task));
	CHECK(task_blocks(&remover));

	/* What end does, with its lock kept beyond the wake-up. */
	spin_lock(&state->lock);
	state->active_invalidate_ranges--;
	WRITE_ONCE(state->invalidate_seq, state->invalidate_seq + 1);
	drain_deferred(state);
	wake_up_all(&state->wq);
	CHECK(EVENTUALLY(get(read.task.done)));
	sleep_ms(20);
	CHECK(!get(remover.done));
	spin_unlock(&state->lock);
	CHECK(task_ends(&remover));
	task_join(&read.task);
	task_join(&remover);
	mmap_read_unlock(hit.mm);
	interval_remove(&a);
	mmput(mm);
	check_log[0] = 0;
}

/* Even with nothing under way: what this project measures. */
static void read_begin_takes_the_lock(void)
{
	struct mmu_notifier_subscriptions *state;
	struct read_task read;
	struct interval a;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	state = mm->notifier_subscriptions;
	spin_lock(&state->lock);
	read_task_start(&read, &a);
	sleep_ms(20);
	CHECK(!get(read.task.done));
	spin_unlock(&state->lock);
	CHECK(task_ends(&read.task));
	task_join(&read.task);
	interval_remove(&a);
	mmput(mm);
}

static bool entered, go_on;

static void linger(struct listener *self)
{
	(void)self;
	set(entered, true);
	while (!get(go_on))
		sleep_ms(1);
}

static struct mm_struct *slow_mm;

static void invalidate_slow_mm(void *arg)
{
	(void)arg;
	invalidate(slow_mm, 0x1000, 0x2000);
}

/* An op that lingers in one mm keeps the other's owner waiting. */
static void one_domain_for_all_mms(void)
{
	struct listener slow, other;
	struct task walker, remover;

	mm = mm_new();
	slow_mm = mm_new();
	listen(&slow, "s", &start_only_ops, slow_mm);
	listen(&other, "o", &start_only_ops, mm);
	slow.inside = linger;
	task_start(&walker, invalidate_slow_mm, NULL);
	CHECK(EVENTUALLY(get(entered)));
	task_start(&remover, unlisten_task, &other);
	CHECK(task_blocks(&remover));
	set(go_on, true);
	CHECK(task_ends(&remover));
	task_join(&remover);
	task_join(&walker);
	unlisten(&slow);
	mmput(mm);
	mmput(slow_mm);
	check_log[0] = 0;
}

int main(void)
{
	RUN(list_refusal_leaves_intervals_started);
	RUN(unrelated_ranges_starve_a_reader);
	RUN(woken_removers_take_the_lock);
	RUN(read_begin_takes_the_lock);
	RUN(one_domain_for_all_mms);
	return check_exit();
}
