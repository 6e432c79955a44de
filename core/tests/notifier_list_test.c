/* SPDX-License-Identifier: GPL-2.0-or-later */
/* List notifiers: each hook's walk, what it passes, what comes back, and what a refusal does. */
#include "recorder.h"

static struct mm_struct *mm;
static struct listener a, b, c;
static char text[8192];

/* c is the newest, so it is called first. */
static void three(const struct mmu_notifier_ops *ops_a, const struct mmu_notifier_ops *ops_b,
		  const struct mmu_notifier_ops *ops_c)
{
	mm = mm_new();
	listen(&a, "a", ops_a, mm);
	listen(&b, "b", ops_b, mm);
	listen(&c, "c", ops_c, mm);
}

static void end_three(void)
{
	unlisten(&a);
	unlisten(&b);
	unlisten(&c);
	mmput(mm);
}

static void newest_first(void)
{
	struct mmu_notifier_range range;

	three(&listener_ops, &listener_ops, &listener_ops);
	range = begin(mm, 0x1000, 0x2000);
	CHECK_NOTED("c:start b:start a:start");
	end(&range);
	CHECK_NOTED("c:end b:end a:end");
	unlisten(&b);
	CHECK_NOTED("b:release");
	invalidate(mm, 0x1000, 0x2000);
	CHECK_NOTED("c:start a:start c:end a:end");
	CHECK_EQ(mmu_notifier_register(&b.sub, mm), 0);
	invalidate(mm, 0x1000, 0x2000);
	CHECK_NOTED("b:start c:start a:start b:end c:end a:end");
	end_three();
	CHECK_NOTED("a:release b:release c:release");
}

static void range_passed_as_given(void)
{
	struct mmu_notifier_range range;
	int owner;

	mm = mm_new();
	listen(&a, "a", &listener_ops, mm);
	mmap_read_lock(mm);
	for (int event = MMU_NOTIFY_UNMAP; event <= MMU_NOTIFY_EXCLUSIVE; event++) {
		bool blockable = event & 1;

		compat_range_init_owner(&range, (enum mmu_notifier_event)event,
					blockable ? 0 : MMU_NOTIFIER_RANGE_BLOCKABLE, mm, 0x3000,
					0x5000, &owner);
		if (blockable)
			mmu_notifier_invalidate_range_start(&range);
		else
			CHECK_EQ(mmu_notifier_invalidate_range_start_nonblock(&range), 0);
		for (int at_end = 0; at_end < 2; at_end++) {
			CHECK_EQ(a.range.event, event);
			CHECK(a.range.owner == &owner && a.range.mm == mm);
			CHECK_EQ(a.range.start, 0x3000);
			CHECK_EQ(a.range.end, 0x5000);
			/* Set by the one start, cleared by the other, whatever it was. */
			CHECK_EQ(mmu_notifier_range_blockable(&a.range), blockable);
			a.range = (struct mmu_notifier_range){0};
			if (!at_end)
				mmu_notifier_invalidate_range_end(&range);
		}
	}
	mmap_read_unlock(mm);
	unlisten(&a);
	check_log[0] = 0;
	mmput(mm);
}

static void missing_ops_are_skipped(void)
{
	three(&listener_ops, &no_ops, &start_only_ops);
	invalidate(mm, 0x1000, 0x2000);
	CHECK_NOTED("c:start a:start a:end");
	mmap_read_lock(mm);
	mmu_notifier_clear_flush_young(mm, 0, 1);
	mmu_notifier_clear_young(mm, 0, 1);
	mmu_notifier_test_young(mm, 0);
	mmu_notifier_change_pte(mm, 0, __pte(0));
	mmu_notifier_arch_invalidate_secondary_tlbs(mm, 0, 1);
	mmap_read_unlock(mm);
	CHECK_NOTED(COMPAT_CHANGE_PTE ? "a:clear_flush a:clear a:test a:pte"
				      : "a:clear_flush a:clear a:test");
	unlisten(&c);
	unlisten(&b);
	CHECK_NOTED("");
	unlisten(&a);
	CHECK_NOTED("a:release");
	mmput(mm);
}

static void nobody_listens(void)
{
	struct mmu_notifier_range range;

	/* No subscriber ever; then one that has gone. */
	mm = mm_new();
	for (int round = 0; round < 2; round++) {
		CHECK_EQ(mm_has_notifiers(mm), round);
		invalidate(mm, 0x1000, 0x2000);
		CHECK_EQ(begin_nonblock(&range, mm, 0x1000, 0x2000), 0);
		end(&range);
		mmap_read_lock(mm);
		CHECK_EQ(mmu_notifier_clear_flush_young(mm, 0, 1), 0);
		CHECK_EQ(mmu_notifier_clear_young(mm, 0, 1), 0);
		CHECK_EQ(mmu_notifier_test_young(mm, 0), 0);
		mmu_notifier_change_pte(mm, 0, __pte(0));
		mmu_notifier_arch_invalidate_secondary_tlbs(mm, 0, 1);
		mmap_read_unlock(mm);
		if (round)
			break;
		listen(&a, "a", &listener_ops, mm);
		unlisten(&a);
		CHECK_NOTED("a:release");
	}
	CHECK_NOTED("");
	mmput(mm);
}

static void aging(void)
{
	three(&listener_ops, &listener_ops, &listener_ops);
	mmap_read_lock(mm);
	a.answer = 4;
	c.answer = 1;
	CHECK_EQ(mmu_notifier_clear_flush_young(mm, 0x1000, 0x3000), (compat_young_t)5);
	CHECK_NOTED("c:clear_flush b:clear_flush a:clear_flush");
	CHECK_EQ(b.start, 0x1000);
	CHECK_EQ(b.end, 0x3000);
	CHECK_EQ(mmu_notifier_clear_young(mm, 0x2000, 0x4000), (compat_young_t)5);
	CHECK_NOTED("c:clear b:clear a:clear");
	CHECK_EQ(b.start, 0x2000);
	CHECK_EQ(b.end, 0x4000);

	/* Ends at the first that says yes. */
	c.answer = 0;
	b.answer = 2;
	CHECK_EQ(mmu_notifier_test_young(mm, 0x5000), (compat_young_t)2);
	CHECK_NOTED("c:test b:test");
	CHECK_EQ(b.start, 0x5000);
	a.answer = b.answer = 0;
	CHECK_EQ(mmu_notifier_test_young(mm, 0x6000), 0);
	CHECK_NOTED("c:test b:test a:test");
	CHECK_EQ(mmu_notifier_clear_flush_young(mm, 0, 1), 0);
	CHECK_EQ(mmu_notifier_clear_young(mm, 0, 1), 0);
	mmap_read_unlock(mm);
	end_three();
	check_log[0] = 0;
}

static void pte_changes(void)
{
	three(&listener_ops, &listener_ops, &tlbs_ops);
	mmap_read_lock(mm);
	mmu_notifier_change_pte(mm, 0x7000, __pte(0x1234));
	CHECK_NOTED("b:pte a:pte");
	CHECK_EQ(a.start, 0x7000);
	CHECK_EQ(pte_val(a.pte), 0x1234);
	CHECK_EQ(pte_val(b.pte), 0x1234);
	mmap_read_unlock(mm);
	end_three();
	check_log[0] = 0;
}

static void secondary_tlbs(void)
{
	three(&listener_ops, &listener_ops, &tlbs_ops);
	mmap_read_lock(mm);
	mmu_notifier_arch_invalidate_secondary_tlbs(mm, 0x8000, 0x9000);
	CHECK_NOTED("c:tlbs");
	CHECK_EQ(c.start, 0x8000);
	CHECK_EQ(c.end, 0x9000);
	mmap_read_unlock(mm);
	end_three();
	check_log[0] = 0;
}

/* ---- refusals: the log's line goes to standard error, so in children ---- */

static void refused_nonblockable(void)
{
	unsigned long warned = bug_warn_count();
	struct mmu_notifier_range range;
	struct listener d;

	three(&listener_ops, &start_only_ops, &listener_ops);
	listen(&d, "d", &start_only_ops, mm);
	b.answer = -EAGAIN;
	CHECK_EQ(begin_nonblock(&range, mm, 0x1000, 0x2000), -EAGAIN);
	/* All are called; then those that can be told so. */
	CHECK_NOTED("d:start c:start b:start a:start c:end a:end");
	CHECK_EQ(bug_warn_count(), warned);
	d.answer = -EAGAIN;
	CHECK_EQ(begin_nonblock(&range, mm, 0x1000, 0x2000), -EAGAIN);
	CHECK_NOTED("d:start c:start b:start a:start c:end a:end");
	CHECK_EQ(bug_warn_count(), warned);
	b.answer = d.answer = 0;
	CHECK_EQ(begin_nonblock(&range, mm, 0x1000, 0x2000), 0);
	end(&range);
	CHECK_NOTED("d:start c:start b:start a:start c:end a:end");
	unlisten(&d);
	end_three();
	check_log[0] = 0;
}

static void another_code(void)
{
	unsigned long warned = bug_warn_count();
	struct mmu_notifier_range range;

	three(&listener_ops, &start_only_ops, &start_only_ops);
	c.answer = -EAGAIN;
	b.answer = -EINVAL;
	CHECK_EQ(begin_nonblock(&range, mm, 0x1000, 0x2000), -EINVAL); /* the last one */
	CHECK_EQ(bug_warn_count(), warned + 1);
	CHECK_NOTED("c:start b:start a:start a:end");
	c.answer = -EINVAL;
	b.answer = -EAGAIN;
	CHECK_EQ(begin_nonblock(&range, mm, 0x1000, 0x2000), -EAGAIN);
	CHECK_EQ(bug_warn_count(), warned + 2);
	b.answer = c.answer = 0;
	end_three();
	check_log[0] = 0;
}

static void failing_with_an_end(void)
{
	unsigned long warned = bug_warn_count();
	struct mmu_notifier_range range;

	mm = mm_new();
	listen(&a, "a", &listener_ops, mm);
	a.answer = -EAGAIN;
	CHECK_EQ(begin_nonblock(&range, mm, 0x1000, 0x2000), -EAGAIN);
	CHECK_EQ(bug_warn_count(), warned + 1);
	CHECK_NOTED("a:start a:end");
	unlisten(&a);
	mmput(mm);
	check_log[0] = 0;
}

static void failing_where_blockable(void)
{
	unsigned long warned = bug_warn_count();
	struct mmu_notifier_range range;

	mm = mm_new();
	listen(&a, "a", &start_only_ops, mm);
	a.answer = -EAGAIN;
	range = range_of(mm, 0x1000, 0x2000);
	mmap_read_lock(mm);
	mmu_notifier_invalidate_range_start(&range);
	mmap_read_unlock(mm);
	CHECK_EQ(bug_warn_count(), warned + 1);
	unlisten(&a);
	mmput(mm);
	check_log[0] = 0;
}

static void refusals(void)
{
	CHECK(exited_ok(in_child(refused_nonblockable, text, sizeof(text))));
	/* Three refusals, a line each: the op, its code, the context. */
	CHECK_EQ(occurrences(text, "\n"), 3);
	if (SUBJECT_IS_PORT) /* the kernel leaves it to its symbol table */
		CHECK_EQ(occurrences(text, "invalidate_range_start"), 3);
	CHECK_EQ(occurrences(text, "failed with -11 in non-blockable context"), 3);

	CHECK(exited_ok(in_child(another_code, text, sizeof(text))));
	CHECK_EQ(occurrences(text, "failed with -22 in non-blockable context"), 2);
	CHECK(exited_ok(in_child(failing_with_an_end, text, sizeof(text))));
	CHECK(exited_ok(in_child(failing_where_blockable, text, sizeof(text))));
	CHECK_EQ(occurrences(text, "failed with -11 in blockable context"), 1);
}

/* ---- both sides of one range ---- */

static void interval_side_first(void)
{
	struct mmu_notifier_range range;
	struct interval i;

	mm = mm_new();
	listen(&a, "a", &listener_ops, mm);
	interval_insert_at(&i, "i", mm, 0x1000, 0x2000);
	range = begin(mm, 0x1000, 0x2000);
	CHECK_NOTED("i a:start");
	end(&range);
	CHECK_NOTED("a:end");
	invalidate(mm, 0x3000, 0x4000);
	CHECK_NOTED("a:start a:end");

	/* Refused there: the list never hears of it. */
	i.refuse = true;
	CHECK_EQ(begin_nonblock(&range, mm, 0x1000, 0x2000), -EAGAIN);
	CHECK_NOTED("i");
	i.refuse = false;
	unlisten(&a);
	interval_remove(&i);
	mmput(mm);
	check_log[0] = 0;
}

/* At a list end op the interval side has ended: a reader comes through. */
static struct interval ended;

static void read_at_end(struct listener *self)
{
	if (self->answer) {
		CHECK_EQ(mmu_interval_read_begin(&ended.sub), 3);
		note("read");
	}
}

static void interval_side_ends_first(void)
{
	struct mmu_notifier_range range;

	mm = mm_new();
	listen(&a, "a", &listener_ops, mm);
	interval_insert_at(&ended, "i", mm, 0x1000, 0x2000);
	a.inside = read_at_end;
	range = begin(mm, 0x1000, 0x2000);
	a.answer = 1;
	end(&range);
	CHECK_NOTED("i a:start a:end read");
	a.answer = 0;
	unlisten(&a);
	interval_remove(&ended);
	mmput(mm);
	check_log[0] = 0;
}

/* ---- every walk is inside SRCU: whoever unregisters waits for it ---- */

static bool entered, go_on;

static void linger(struct listener *self)
{
	(void)self;
	set(entered, true);
	while (!get(go_on))
		sleep_ms(1);
}

static void call_start(void *arg)
{
	struct mmu_notifier_range *range = arg;

	mmu_notifier_invalidate_range_start(range);
}

static void call_end(void *arg)
{
	mmu_notifier_invalidate_range_end(arg);
}

static void call_clear_flush_young(void *arg)
{
	(void)arg;
	mmu_notifier_clear_flush_young(mm, 0, 1);
}

static void call_clear_young(void *arg)
{
	(void)arg;
	mmu_notifier_clear_young(mm, 0, 1);
}

static void call_test_young(void *arg)
{
	(void)arg;
	mmu_notifier_test_young(mm, 0);
}

static void call_change_pte(void *arg)
{
	(void)arg;
	mmu_notifier_change_pte(mm, 0, __pte(0));
}

static void call_tlbs(void *arg)
{
	(void)arg;
	mmu_notifier_arch_invalidate_secondary_tlbs(mm, 0, 1);
}

static void walks_are_read_sections(void)
{
	static void (*const hooks[])(void *) = {
		call_start,	  call_end,	   call_clear_flush_young,
		call_clear_young, call_test_young, call_change_pte,
		call_tlbs,
	};
	struct mmu_notifier_range range;
	struct task walker, remover;

	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		if ((hooks[i] == call_change_pte && !COMPAT_CHANGE_PTE) ||
		    (hooks[i] == call_tlbs && !COMPAT_SECONDARY_TLBS))
			continue;
		mm = mm_new();
		listen(&a, "a", hooks[i] == call_tlbs ? &tlbs_ops : &listener_ops, mm);
		listen(&b, "b", &no_ops, mm);
		range = range_of(mm, 0, 1);
		range.flags = MMU_NOTIFIER_RANGE_BLOCKABLE;
		mmap_read_lock(mm);
		set(entered, false);
		set(go_on, false);
		a.inside = linger;
		task_start(&walker, hooks[i], &range);
		CHECK(EVENTUALLY(get(entered)));
		task_start(&remover, unlisten_task, &b);
		CHECK(task_blocks(&remover));
		set(go_on, true);
		CHECK(task_ends(&walker));
		CHECK(task_ends(&remover));
		task_join(&walker);
		task_join(&remover);
		a.inside = NULL;
		mmap_read_unlock(mm);
		unlisten(&a);
		mmput(mm);
	}
	check_log[0] = 0;
}

/* ---- release ---- */

static void release_tells_and_unhashes(void)
{
	three(&listener_ops, &no_ops, &listener_ops);
	mmgrab(mm);
	mmput(mm);
	CHECK_NOTED("c:release a:release");
	CHECK(hlist_unhashed(&a.sub.hlist));
	CHECK(hlist_unhashed(&b.sub.hlist));
	CHECK(hlist_unhashed(&c.sub.hlist));
	/* The references stay until their owners unregister, who are not called again. */
	CHECK_EQ(atomic_read(&mm->mm_count), 4);
	unlisten(&a);
	unlisten(&b);
	unlisten(&c);
	CHECK_NOTED("");
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	mmdrop(mm);
}

static void last_user_goes(void *arg)
{
	(void)arg;
	mmput(mm);
}

/* One that unregisters while the mm's death is in its op returns only once that has left. */
static void release_against_unregister(void)
{
	struct task dying, remover;

	mm = mm_new();
	listen(&a, "a", &listener_ops, mm);
	listen(&b, "b", &listener_ops, mm);
	mmgrab(mm);
	set(entered, false);
	set(go_on, false);
	a.inside = linger;
	task_start(&dying, last_user_goes, NULL);
	CHECK(EVENTUALLY(get(entered)));
	task_start(&remover, unlisten_task, &b);
	CHECK(task_blocks(&remover));
	CHECK(!get(dying.done));
	set(go_on, true);
	CHECK(task_ends(&remover));
	CHECK(task_ends(&dying));
	task_join(&remover);
	task_join(&dying);
	unlisten(&a);
	/* b's ran twice: from the mm's death, and from its own unregister. */
	CHECK_NOTED("b:release a:release b:release");
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	mmdrop(mm);
}

/* And the mm's death waits for an unregister that is still in the op. */
static void unregister_against_release(void)
{
	struct task dying, remover;

	mm = mm_new();
	listen(&a, "a", &listener_ops, mm);
	listen(&b, "b", &no_ops, mm);
	mmgrab(mm);
	set(entered, false);
	set(go_on, false);
	a.inside = linger;
	task_start(&remover, unlisten_task, &a);
	CHECK(EVENTUALLY(get(entered)));
	a.inside = NULL;
	task_start(&dying, last_user_goes, NULL);
	CHECK(task_blocks(&dying));
	set(go_on, true);
	CHECK(task_ends(&dying));
	CHECK(task_ends(&remover));
	task_join(&remover);
	task_join(&dying);
	unlisten(&b);
	CHECK_NOTED("a:release a:release");
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	mmdrop(mm);
}

int main(void)
{
	RUN(newest_first);
	RUN(range_passed_as_given);
	RUN(missing_ops_are_skipped);
	RUN(nobody_listens);
	RUN(aging);
	if (COMPAT_CHANGE_PTE)
		RUN(pte_changes);
	if (COMPAT_SECONDARY_TLBS)
		RUN(secondary_tlbs);
	RUN(refusals);
	RUN(interval_side_first);
	RUN(interval_side_ends_first);
	RUN(walks_are_read_sections);
	RUN(release_tells_and_unhashes);
	RUN(release_against_unregister);
	RUN(unregister_against_release);
	return check_exit();
}
