/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The count and the ranges from inside: the core's own source is part of this
 * file, so its state can be looked at, and moved to just before it wraps.
 */
#include MN_NOTIFIER_SOURCE

#include "recorder.h"

static struct mm_struct *mm;
static struct mmu_notifier_subscriptions *state;

static void mm_with_intervals(void)
{
	mm = mm_new();
	CHECK_EQ(mmu_notifier_register(NULL, mm), 0);
	state = mm->notifier_subscriptions;
}

#define CHECK_STATE(active, seq)                                                                   \
	do {                                                                                       \
		CHECK_EQ(state->active_invalidate_ranges, active);                                 \
		CHECK_EQ(state->invalidate_seq, seq);                                              \
	} while (0)

static void transitions(void)
{
	struct mmu_notifier_range hit, miss, nested;
	struct interval a, b;
	struct listener l;

	mm_with_intervals();
	CHECK(state->has_itree);
	CHECK_STATE(0, 2);
	miss = begin(mm, 0x1000, 0x2000);
	CHECK_STATE(1, 2);
	end(&miss);
	CHECK_STATE(0, 2);
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	CHECK_STATE(0, 2);

	hit = begin(mm, 0x1000, 0x2000);
	CHECK_STATE(1, 3);
	miss = begin(mm, 0x5000, 0x6000);
	nested = begin(mm, 0x1000, 0x1001);
	CHECK_STATE(3, 3);
	end(&hit);
	end(&nested);
	CHECK_STATE(1, 3);
	end(&miss);
	CHECK_STATE(0, 4);

	/* An insertion into an even active state freezes it; the end thaws. */
	miss = begin(mm, 0x5000, 0x6000);
	CHECK_STATE(1, 4);
	interval_insert_at(&b, "b", mm, 0x1000, 0x2000);
	CHECK_STATE(1, 5);
	end(&miss);
	CHECK_STATE(0, 6);

	/* A refusal ends what it began. */
	b.refuse = true;
	CHECK_EQ(begin_nonblock(&hit, mm, 0x1000, 0x2000), -EAGAIN);
	CHECK_STATE(0, 8);
	b.refuse = false;

	/* Interval mode is never left; an emptied list is not walked. */
	listen(&l, "l", &listener_ops, mm);
	unlisten(&l);
	interval_remove(&a);
	interval_remove(&b);
	CHECK(state->has_itree);
	CHECK(hlist_empty(&state->list));
	hit = begin(mm, 0x1000, 0x2000);
	CHECK_STATE(1, 8);
	end(&hit);
	CHECK_STATE(0, 8);
	CHECK(hlist_empty(&state->deferred_list));
	CHECK(RB_EMPTY_ROOT(&state->itree.rb_root));
	mmput(mm);
	check_log[0] = 0;
}

static void list_only_has_no_interval_state(void)
{
	struct mmu_notifier_range range;
	struct listener l;

	mm = mm_new();
	listen(&l, "l", &listener_ops, mm);
	state = mm->notifier_subscriptions;
	CHECK(!state->has_itree);
	range = begin(mm, 0x1000, 0x2000);
	CHECK_STATE(0, 2);
	end(&range);
	CHECK_STATE(0, 2);
	unlisten(&l);
	mmput(mm);
	check_log[0] = 0;
}

static void deferred_items(void)
{
	struct mmu_notifier_range hit;
	struct interval a, b, c;
	struct task remover;

	mm_with_intervals();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, 0x3000, 0x4000);
	hit = begin(mm, 0x1000, 0x2000);
	interval_insert_at(&c, "c", mm, 0x5000, 0x6000);
	CHECK(RB_EMPTY_NODE(&c.sub.interval_tree.rb));
	CHECK(!hlist_unhashed(&c.sub.deferred_item));
	task_start(&remover, interval_remove_task, &b);
	CHECK(task_blocks(&remover));
	spin_lock(&state->lock);
	CHECK(!RB_EMPTY_NODE(&b.sub.interval_tree.rb));
	CHECK(state->deferred_list.first == &b.sub.deferred_item);
	spin_unlock(&state->lock);
	end(&hit);
	task_join(&remover);
	CHECK(hlist_empty(&state->deferred_list));
	CHECK(!interval_tree_iter_first(&state->itree, 0x3000, 0x3000));
	CHECK(!RB_EMPTY_NODE(&c.sub.interval_tree.rb));
	interval_remove(&a);
	interval_remove(&c);
	mmput(mm);
	check_log[0] = 0;
}

/* ---- the wrap ---- */

static void count_wraps(void)
{
	struct mmu_notifier_range hit;
	struct interval a, b, c;
	struct read_task read;

	mm_with_intervals();
	state->invalidate_seq = ULONG_MAX - 1;
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	CHECK_EQ(a.sub.invalidate_seq, ULONG_MAX - 2);
	CHECK_EQ(mmu_interval_read_begin(&a.sub), ULONG_MAX - 2);

	hit = begin(mm, 0x1000, 0x2000);
	CHECK_STATE(1, ULONG_MAX);
	CHECK_EQ(a.seq, ULONG_MAX);
	read_task_start(&read, &a);
	CHECK(task_blocks(&read.task));
	interval_insert_at(&b, "b", mm, 0x1000, 0x2000);
	CHECK_EQ(b.sub.invalidate_seq, ULONG_MAX);
	end(&hit);
	CHECK_STATE(0, 0);
	CHECK(task_ends(&read.task));
	task_join(&read.task);
	CHECK_EQ(read.seq, ULONG_MAX);

	/* Beyond it as before it: idle collides with nobody, new or old. */
	CHECK_EQ(mmu_interval_read_begin(&a.sub), ULONG_MAX);
	CHECK_EQ(mmu_interval_read_begin(&b.sub), ULONG_MAX);
	interval_insert_at(&c, "c", mm, 0x1000, 0x2000);
	CHECK_EQ(c.sub.invalidate_seq, ULONG_MAX);
	CHECK_EQ(mmu_interval_read_begin(&c.sub), ULONG_MAX);
	hit = begin(mm, 0x1000, 0x2000);
	CHECK_STATE(1, 1);
	CHECK(interval_retry(&c, ULONG_MAX));
	end(&hit);
	CHECK_STATE(0, 2);
	interval_remove(&a);
	interval_remove(&b);
	interval_remove(&c);
	mmput(mm);
	check_log[0] = 0;
}

/* What a whole turn of the count looks like to one who slept through it. */
static void turn_the_count(unsigned long seq)
{
	spin_lock(&state->lock);
	WRITE_ONCE(state->invalidate_seq, seq);
	spin_unlock(&state->lock);
	wake_up_all(&state->wq);
}

/*
 * A sleeper that misses every idle state until its own count comes round
 * again sleeps on, and the next idle one lets it go: that is even, it is odd.
 */
static void sleeper_through_a_whole_turn(void)
{
	struct mmu_notifier_range hit;
	struct read_task read;
	struct task remover;
	struct interval a;

	mm_with_intervals();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	hit = begin(mm, 0x1000, 0x2000);
	read_task_start(&read, &a);
	task_start(&remover, interval_remove_task, &a);
	CHECK(task_blocks(&read.task));
	CHECK(task_blocks(&remover));
	turn_the_count(3); /* 3, 4, ... ULONG_MAX, 0, ... 3: unseen until now */
	CHECK(task_blocks(&read.task));
	CHECK(task_blocks(&remover));
	end(&hit);
	CHECK(task_ends(&read.task));
	CHECK(task_ends(&remover));
	task_join(&read.task);
	task_join(&remover);
	CHECK_EQ(read.seq, 3);

	/* And at any other odd count than its own it is not the one meant. */
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	hit = begin(mm, 0x1000, 0x2000);
	read_task_start(&read, &a);
	CHECK(task_blocks(&read.task));
	turn_the_count(1001);
	CHECK(task_ends(&read.task));
	task_join(&read.task);
	end(&hit);
	CHECK_STATE(0, 1002);
	interval_remove(&a);
	mmput(mm);
	check_log[0] = 0;
}

int main(void)
{
	RUN(transitions);
	RUN(list_only_has_no_interval_state);
	RUN(deferred_items);
	RUN(count_wraps);
	RUN(sleeper_through_a_whole_turn);
	return check_exit();
}
