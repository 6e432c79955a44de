/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the algorithm does to those who use it, as in the kernel: shown, so
 * that a change of it is seen, and not held for right. And what the remedies
 * make of it, where one is on: remedies.h. The core's own source is part of
 * this file, for its lock.
 */
#include MN_NOTIFIER_SOURCE

#include "recorder.h"

#ifndef FAIR_READERS /* a kernel's own */
#define FAIR_READERS false
#endif
#ifdef CONFIG_MMU_NOTIFIER_LOCKLESS_READ
#define LOCKLESS_READ true
#else
#define LOCKLESS_READ false
#endif

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
	mmap_read_lock(mm);
	end(&range);
	CHECK(task_ends(&read.task));
	CHECK(task_ends(&remover));
	task_join(&read.task);
	task_join(&remover);
	interval_remove(&a);
	unlisten(&l);
	mmput(mm);
	check_log[0] = 0;
}

/*
 * The reader's own invalidation is long over; it waits for a moment with none
 * at all. A fair one waits for no range that began after it did.
 */
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
		if (FAIR_READERS)
			CHECK(task_ends(&read.task));
		else
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

/*
 * Both are woken by the same end; the remover needs the lock once more, the
 * reader does not. Where readers are fair, the remover has a word of its own.
 */
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
	hlist_del(&b.sub.deferred_item);
	interval_tree_remove(&b.sub.interval_tree, &state->itree);
	RB_CLEAR_NODE(&b.sub.interval_tree.rb);
#ifdef CONFIG_MMU_NOTIFIER_FAIR_READERS
	deferred_set(&b.sub, false);
#endif
	wake_up_all(&state->wq);
	CHECK(EVENTUALLY(get(read.task.done)));
	if (FAIR_READERS) {
		CHECK(EVENTUALLY(get(remover.done)));
	} else {
		sleep_ms(20);
		CHECK(!get(remover.done));
	}
	spin_unlock(&state->lock);
	CHECK(task_ends(&remover));
	task_join(&read.task);
	task_join(&remover);
	mmap_read_unlock(hit.mm);
	interval_remove(&a);
	mmput(mm);
	check_log[0] = 0;
}

/* A reader waits for the lock while somebody has it; or it does not, however slow the machine. */
static void check_reader_waits(struct read_task *read, struct interval *interval, bool waits)
{
	struct mmu_notifier_subscriptions *state = mm->notifier_subscriptions;

	spin_lock(&state->lock);
	read_task_start(read, interval);
	if (!waits)
		EVENTUALLY(get(read->task.done));
	else
		sleep_ms(20);
	CHECK_EQ(!get(read->task.done), waits);
	spin_unlock(&state->lock);
}

/* Even with nothing under way: what this project measures. The remedy: only where it collides. */
static void read_begin_takes_the_lock(void)
{
	struct mmu_notifier_range hit;
	struct read_task read;
	struct interval a, b;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, 0x3000, 0x4000);
	check_reader_waits(&read, &a, !LOCKLESS_READ);
	CHECK(task_ends(&read.task));
	task_join(&read.task);

	hit = begin(mm, 0x1000, 0x2000);
	check_reader_waits(&read, &b, !LOCKLESS_READ);
	CHECK(task_ends(&read.task));
	task_join(&read.task);
	check_reader_waits(&read, &a, true);
	CHECK(task_blocks(&read.task));
	end(&hit);
	CHECK(task_ends(&read.task));
	task_join(&read.task);
	interval_remove(&a);
	interval_remove(&b);
	mmput(mm);
	check_log[0] = 0;
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

/* ---- fair readers ---- */

static void read_task_finish(struct read_task *read, unsigned long seq)
{
	CHECK(task_ends(&read->task));
	task_join(&read->task);
	CHECK_EQ(read->seq, seq);
}

/* Two at most: the generation that is closed when a reader comes, and its own. */
static void generations_end_in_order(void)
{
	struct mmu_notifier_range first, second, third, fourth;
	struct read_task read_a, late_a, read_b;
	struct interval a, b;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, 0x3000, 0x4000);
	first = begin(mm, 0x1000, 0x2000);
	read_task_start(&read_a, &a);
	CHECK(task_blocks(&read_a.task));
	second = begin(mm, 0x3000, 0x4000); /* closes the first one's generation */
	CHECK_EQ(a.seq, 3);
	CHECK_EQ(b.seq, 5);
	read_task_start(&late_a, &a); /* closed is not ended */
	CHECK(task_blocks(&late_a.task));
	read_task_start(&read_b, &b);
	CHECK(task_blocks(&read_b.task));
	third = begin(mm, 0x100000, 0x101000); /* of the second one's: that waits to be closed */
	end(&second);
	CHECK(task_blocks(&read_b.task));
	end(&first);
	read_task_finish(&read_a, 3);
	read_task_finish(&late_a, 3);
	CHECK(task_blocks(&read_b.task));
	fourth = begin(mm, 0x1000, 0x2000); /* closes it */
	CHECK_EQ(a.seq, 7);
	end(&third);
	read_task_finish(&read_b, 5);

	/* What was read before a later hit is void, what is not hit again is not. */
	CHECK(interval_retry(&a, read_a.seq));
	CHECK(!interval_retry(&b, read_b.seq));
	CHECK_EQ(mmu_interval_read_begin(&b.sub), 5);
	end(&fourth);
	CHECK_EQ(mmu_interval_read_begin(&a.sub), 7);
	interval_remove(&a);
	interval_remove(&b);
	mmput(mm);
	check_log[0] = 0;
}

static void linger_in_walk(struct interval *self)
{
	(void)self;
	set(entered, true);
	while (!get(go_on))
		sleep_ms(1);
}

static bool begun, end_wanted;

static void wide_range(void *arg)
{
	struct mmu_notifier_range wide = begin(mm, 0x1000, 0x4000);

	(void)arg;
	set(begun, true);
	while (!get(end_wanted))
		sleep_ms(1);
	end(&wide);
}

/* A slow start comes to an interval after a range of a later generation has hit that. */
static void an_older_range_hides_no_younger(void)
{
	struct mmu_notifier_range hit, younger;
	struct read_task read_b, read_c;
	struct interval a, b, c;
	struct task walker;

	set(entered, false);
	set(go_on, false);
	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, 0x3000, 0x4000);
	interval_insert_at(&c, "c", mm, 0x5000, 0x6000);
	hit = begin(mm, 0x5000, 0x6000);
	a.inside = linger_in_walk;
	task_start(&walker, wide_range, NULL);
	CHECK(EVENTUALLY(get(entered)));
	read_task_start(&read_c, &c);
	CHECK(task_blocks(&read_c.task));
	younger = begin(mm, 0x3000, 0x4000);
	CHECK_EQ(b.seq, 5);
	set(go_on, true);
	CHECK(EVENTUALLY(get(begun)));
	CHECK_EQ(a.seq, 3);
	CHECK_EQ(b.seq, 3); /* the last that it was called with */
	CHECK_EQ(b.sub.invalidate_seq, 5);
	end(&hit);
	CHECK(task_blocks(&read_c.task));
	set(end_wanted, true);
	CHECK(task_ends(&walker));
	task_join(&walker);
	read_task_finish(&read_c, 3);
	CHECK_EQ(mmu_interval_read_begin(&a.sub), 3);
	read_task_start(&read_b, &b);
	CHECK(task_blocks(&read_b.task));
	end(&younger);
	read_task_finish(&read_b, 5);
	interval_remove(&a);
	interval_remove(&b);
	interval_remove(&c);
	mmput(mm);
	check_log[0] = 0;
}

/* Nobody calls what waits for its insertion: its readers, and removers, wait as they did. */
static void changes_of_the_tree_still_wait(void)
{
	struct mmu_notifier_range running, next;
	struct interval a, b, late, early;
	struct read_task read_late, read_early;
	struct task remover;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, 0x3000, 0x4000);
	running = begin(mm, 0x5000, 0x6000);
	/* Into the tree, since nothing was hit: this one is called from now on. */
	interval_insert_at(&early, "early", mm, 0x5000, 0x6000);
	interval_insert_at(&late, "late", mm, 0x5000, 0x6000);
	read_task_start(&read_early, &early);
	read_task_start(&read_late, &late);
	task_start(&remover, interval_remove_task, &b);
	CHECK(task_blocks(&read_early.task));
	CHECK(task_blocks(&read_late.task));
	CHECK(task_blocks(&remover));
	for (int i = 0; i < 3; i++) {
		next = begin(mm, 0x1000, 0x2000);
		end(&running);
		running = next;
		CHECK(task_ends(&read_early.task));
		CHECK(task_blocks(&read_late.task));
		CHECK(task_blocks(&remover));
	}
	end(&running);
	read_task_finish(&read_early, 3);
	read_task_finish(&read_late, 3);
	CHECK(task_ends(&remover));
	task_join(&remover);
	check_log[0] = 0;
	invalidate(mm, 0x5000, 0x6000);
	CHECK_NOTED("early late");
	interval_remove(&a);
	interval_remove(&early);
	interval_remove(&late);
	mmput(mm);
}

int main(void)
{
	RUN(list_refusal_leaves_intervals_started);
	RUN(unrelated_ranges_starve_a_reader);
	RUN(woken_removers_take_the_lock);
	RUN(read_begin_takes_the_lock);
	RUN(one_domain_for_all_mms);
	if (FAIR_READERS) {
		RUN(generations_end_in_order);
		RUN(an_older_range_hides_no_younger);
		RUN(changes_of_the_tree_still_wait);
	}
	return check_exit();
}
