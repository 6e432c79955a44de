/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interval notifiers: who is called, in which order, with what; who waits for whom. */
#include "recorder.h"

/* Where readers are fair, a range that finds some asleep raises the count by this. */
#ifdef CONFIG_MMU_NOTIFIER_FAIR_READERS
#define FAIRNESS 2
#else
#define FAIRNESS 0
#endif

static struct mm_struct *mm;

/* The count as it stands: a new subscription gets one less when idle, and itself when not. */
static unsigned long probe_seq(void)
{
	struct interval probe;

	interval_insert_at(&probe, "probe", mm, 0x7fff0000, 0x7fff1000);
	interval_remove(&probe);
	return probe.sub.invalidate_seq;
}

static void called_in_tree_order(void)
{
	struct interval a, b, c, d;

	mm = mm_new();
	interval_insert_at(&c, "c", mm, 0x3000, 0x4000);
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, 0x1000, 0x9000); /* as a, inserted later */
	interval_insert_at(&d, "d", mm, 0x8000, 0x9000);
	invalidate(mm, 0, 0x10000);
	CHECK_NOTED("a b c d");
	invalidate(mm, 0x3000, 0x4000);
	CHECK_NOTED("b c");
	interval_remove(&a);
	interval_insert_at(&a, "a", mm, 0x1000, 0x1001);
	invalidate(mm, 0x1000, 0x1001);
	CHECK_NOTED("b a");
	interval_remove(&b);
	interval_remove(&d);
	invalidate(mm, 0, ULONG_MAX);
	CHECK_NOTED("a c");
	interval_remove(&a);
	interval_remove(&c);
	invalidate(mm, 0, ULONG_MAX);
	CHECK_NOTED("");
	mmput(mm);
	CHECK_NOTED("");
}

static void only_what_intersects(void)
{
	struct interval a, last;
	static const struct {
		unsigned long start, end;
		const char *noted;
	} ranges[] = {
		{0x1000, 0x2000, ""},
		{0x1fff, 0x2001, "a"},
		{0x2000, 0x2001, "a"},
		{0x2fff, 0x3000, "a"},
		{0x3000, 0x4000, ""},
		{0x2800, 0x2801, "a"},
		{0x1000, 0x9000, "a"},
		{0, 1, ""},
		{ULONG_MAX - 1, ULONG_MAX, "last"},
		{0, ULONG_MAX, "a last"},
	};

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x2000, 0x3000);
	/* Ends with the address space itself: start + length is 0. */
	interval_init(&last, "last");
	CHECK_EQ(mmu_interval_notifier_insert(&last.sub, mm, ULONG_MAX - 1, 2, &interval_ops), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		invalidate(mm, ranges[i].start, ranges[i].end);
		CHECK_NOTED(ranges[i].noted);
	}
	interval_remove(&a);
	interval_remove(&last);
	mmput(mm);
}

static void range_passed_as_given(void)
{
	static const enum mmu_notifier_event events[] = {
		MMU_NOTIFY_UNMAP,	    MMU_NOTIFY_CLEAR,	   MMU_NOTIFY_PROTECTION_VMA,
		MMU_NOTIFY_PROTECTION_PAGE, MMU_NOTIFY_SOFT_DIRTY, MMU_NOTIFY_RELEASE,
		MMU_NOTIFY_MIGRATE,	    MMU_NOTIFY_EXCLUSIVE,
	};
	struct mmu_notifier_range range;
	struct interval a;
	int owner;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		CHECK_EQ(events[i], i);
		compat_range_init_owner(&range, events[i], 0, mm, 0x1800, 0x5000, &owner);
		mmap_read_lock(mm);
		if (i & 1)
			CHECK_EQ(mmu_notifier_invalidate_range_start_nonblock(&range), 0);
		else
			mmu_notifier_invalidate_range_start(&range);
		CHECK_EQ(a.range.event, events[i]);
		CHECK(a.range.owner == &owner);
		CHECK(a.range.mm == mm);
		CHECK_EQ(a.range.start, 0x1800);
		CHECK_EQ(a.range.end, 0x5000);
		CHECK_EQ(mmu_notifier_range_blockable(&a.range), !(i & 1));
		end(&range);
	}
	CHECK_EQ(a.calls, ARRAY_SIZE(events));
	CHECK_NOTED("a a a a a a a a");
	interval_remove(&a);
	mmput(mm);
}

static void count_goes_odd_and_even(void)
{
	struct mmu_notifier_range outer, inner, miss;
	struct interval a, b;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, 0x3000, 0x4000);
	CHECK_EQ(a.sub.invalidate_seq, 1);
	CHECK_EQ(probe_seq(), 1); /* idle at 2 */

	invalidate(mm, 0, 0x8000);
	CHECK_EQ(a.seq, 3);
	CHECK_EQ(b.seq, 3);
	CHECK_EQ(a.sub.invalidate_seq, 3);
	CHECK_EQ(probe_seq(), 3); /* idle at 4 */

	/* One count for all that overlap in time, whatever they hit. */
	outer = begin(mm, 0x1000, 0x2000);
	CHECK_EQ(a.seq, 5);
	CHECK_EQ(b.seq, 3);
	inner = begin(mm, 0x3000, 0x4000);
	CHECK_EQ(b.seq, 5);
	end(&outer);
	CHECK_EQ(probe_seq(), 5); /* still being invalidated */
	outer = begin(mm, 0x1000, 0x2000);
	CHECK_EQ(a.seq, 5);
	end(&inner);
	end(&outer);
	CHECK_EQ(probe_seq(), 5); /* idle at 6 */

	/* A range that hits nothing leaves the count alone, at its start and at its end. */
	miss = begin(mm, 0x8000, 0x9000);
	end(&miss);
	CHECK_EQ(probe_seq(), 5);

	/* Missing first, hitting inside, the miss ends last: thawed only then. */
	miss = begin(mm, 0x8000, 0x9000);
	inner = begin(mm, 0x1000, 0x2000);
	CHECK_EQ(a.seq, 7);
	end(&inner);
	CHECK_EQ(probe_seq(), 7);
	inner = begin(mm, 0x1000, 0x2000);
	CHECK_EQ(a.seq, 7);
	end(&inner);
	end(&miss);
	CHECK_EQ(probe_seq(), 7); /* idle at 8 */

	interval_remove(&a);
	interval_remove(&b);
	mmput(mm);
	CHECK_NOTED("a b a b a a a");
}

static void refusal_of_a_nonblockable(void)
{
	struct mmu_notifier_range range, outer;
	unsigned long warned = bug_warn_count();
	struct interval a, b, c;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, 0x2000, 0x3000);
	interval_insert_at(&c, "c", mm, 0x3000, 0x4000);
	b.refuse = true;
	CHECK_EQ(begin_nonblock(&range, mm, 0, 0x4000), -EAGAIN);
	CHECK_NOTED("a b");	  /* the walk stops */
	CHECK_EQ(probe_seq(), 3); /* and the range is ended: idle at 4 */
	CHECK_EQ(mmu_interval_read_begin(&a.sub), 3);

	/* Inside another range the refused one ends, the other does not. */
	outer = begin(mm, 0x1000, 0x2000);
	CHECK_EQ(begin_nonblock(&range, mm, 0x2000, 0x3000), -EAGAIN);
	CHECK_EQ(probe_seq(), 5); /* not idle */
	CHECK_EQ(begin_nonblock(&range, mm, 0x3000, 0x4000), 0);
	end(&range);
	end(&outer);
	CHECK_EQ(mmu_interval_read_begin(&a.sub), 5);
	CHECK_EQ(probe_seq(), 5);
	CHECK_NOTED("a b c");

	CHECK_EQ(begin_nonblock(&range, mm, 0x1000, 0x2000), 0);
	end(&range);
	CHECK_NOTED("a");
	CHECK_EQ(bug_warn_count(), warned);
	interval_remove(&a);
	interval_remove(&b);
	interval_remove(&c);
	mmput(mm);
}

static struct read_task reader_of_a;

static void start_a_reader(struct interval *self)
{
	read_task_start(&reader_of_a, self);
	CHECK(task_blocks(&reader_of_a.task));
}

static void refusal_wakes_who_waits(void)
{
	struct mmu_notifier_range range;
	struct interval a, b;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, 0x2000, 0x3000);
	/* The tree is frozen and a's count not set yet: the reader is let in only if that is. */
	invalidate(mm, 0x1000, 0x2000);
	CHECK_EQ(a.sub.invalidate_seq, 3);
	mmu_interval_set_seq(&a.sub, 5);
	a.inside = start_a_reader;
	b.refuse = true;
	CHECK_EQ(begin_nonblock(&range, mm, 0x1000, 0x3000), -EAGAIN);
	CHECK(task_ends(&reader_of_a.task));
	task_join(&reader_of_a.task);
	CHECK_EQ(reader_of_a.seq, 5);
	CHECK_NOTED("a a b");
	interval_remove(&a);
	interval_remove(&b);
	mmput(mm);
}

static void refusal_of_a_blockable(void)
{
	unsigned long warned = bug_warn_count();
	struct mmu_notifier_range range;
	struct interval a, b;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, 0x2000, 0x3000);
	a.refuse = true;
	range = begin(mm, 0x1000, 0x3000);
	CHECK_NOTED("a b"); /* the walk goes on */
	CHECK_EQ(bug_warn_count(), warned + 1);
	CHECK_EQ(probe_seq(), 3); /* and the range stands */
	end(&range);
	interval_remove(&a);
	interval_remove(&b);
	mmput(mm);
}

static void reader_waits_for_its_invalidation(void)
{
	struct mmu_notifier_range hit, other;
	struct read_task read;
	struct interval a, b;
	unsigned long seq;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, 0x8000, 0x9000);

	/* Idle: at once, and nothing to retry. */
	seq = mmu_interval_read_begin(&a.sub);
	CHECK_EQ(seq, 1);
	CHECK(!interval_retry(&a, seq));
	CHECK(!mmu_interval_check_retry(&a.sub, seq));

	/* Hit: it sleeps until that is over; b, not hit, does not sleep. */
	hit = begin(mm, 0x1000, 0x2000);
	CHECK(interval_retry(&a, seq));
	CHECK(mmu_interval_check_retry(&a.sub, seq));
	CHECK_EQ(mmu_interval_read_begin(&b.sub), 1);
	CHECK(!interval_retry(&b, 1));
	read_task_start(&read, &a);
	CHECK(task_blocks(&read.task));

	/* An unrelated range that overlaps in time keeps it asleep, unless readers are fair. */
	other = begin(mm, 0x20000, 0x21000);
	end(&hit);
	if (FAIRNESS)
		CHECK(task_ends(&read.task));
	else
		CHECK(task_blocks(&read.task));
	end(&other);
	CHECK(task_ends(&read.task));
	task_join(&read.task);
	CHECK_EQ(read.seq, 3);
	CHECK(!interval_retry(&a, read.seq));

	/* What only missed wakes nobody and stops nobody. */
	other = begin(mm, 0x20000, 0x21000);
	CHECK_EQ(mmu_interval_read_begin(&a.sub), 3);
	end(&other);

	/* Hit after read_begin: the read is void, twice too. */
	seq = mmu_interval_read_begin(&a.sub);
	invalidate(mm, 0x1000, 0x2000);
	CHECK(interval_retry(&a, seq));
	CHECK(interval_retry(&a, seq));
	CHECK(!interval_retry(&a, mmu_interval_read_begin(&a.sub)));
	CHECK_NOTED("a a");
	interval_remove(&a);
	interval_remove(&b);
	mmput(mm);
}

static void many_readers_woken_by_one_end(void)
{
	struct mmu_notifier_range hit;
	struct read_task reads[8];
	struct interval a;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	hit = begin(mm, 0x1000, 0x2000);
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		read_task_start(&reads[i], &a);
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		CHECK(task_blocks(&reads[i].task));
	end(&hit);
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
		task_join(&reads[i].task);
		CHECK_EQ(reads[i].seq, 3);
	}
	CHECK_NOTED("a");
	interval_remove(&a);
	mmput(mm);
}

static void insert_during_an_invalidation(void)
{
	struct mmu_notifier_range miss, hit, inner;
	struct interval a, b, c, d;
	struct read_task read;

	/* Nothing hit so far: into the tree at once, but colliding. */
	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	miss = begin(mm, 0x8000, 0x9000);
	interval_insert_at(&b, "b", mm, 0x8000, 0x9000);
	CHECK_EQ(b.sub.invalidate_seq, 3);
	read_task_start(&read, &b);
	CHECK(task_blocks(&read.task));
	CHECK_EQ(mmu_interval_read_begin(&a.sub), 1); /* not a's business */
	inner = begin(mm, 0x8000, 0x9000);
	CHECK_NOTED("b");
	end(&inner);
	end(&miss);
	task_join(&read.task);
	CHECK_EQ(read.seq, 3);
	CHECK_EQ(probe_seq(), 3 + FAIRNESS); /* idle at 4 */

	/* Something hit: deferred; not called while it waits; colliding as well. */
	hit = begin(mm, 0x1000, 0x2000);
	interval_insert_at(&c, "c", mm, 0x1000, 0x2000);
	interval_insert_at(&d, "d", mm, 0x1000, 0x2000);
	CHECK_EQ(c.sub.invalidate_seq, 5 + FAIRNESS);
	read_task_start(&read, &c);
	CHECK(task_blocks(&read.task));
	inner = begin(mm, 0x1000, 0x2000);
	CHECK_NOTED("a a");
	end(&inner);
	CHECK(task_blocks(&read.task));
	end(&hit);
	task_join(&read.task);
	CHECK_EQ(read.seq, 5 + FAIRNESS);
	/* In the tree from now on; what waited came in newest first. */
	invalidate(mm, 0x1000, 0x2000);
	CHECK_NOTED("a d c");
	CHECK_EQ(c.seq, 7 + 2 * FAIRNESS);

	interval_remove(&a);
	interval_remove(&b);
	interval_remove(&c);
	interval_remove(&d);
	invalidate(mm, 0, ULONG_MAX);
	CHECK_NOTED("");
	mmput(mm);
}

static void remove_during_an_invalidation(void)
{
	struct mmu_notifier_range miss, hit, inner;
	struct interval a, b, c;
	struct task remover, other;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, 0x3000, 0x4000);

	/* Nothing hit: at once. */
	miss = begin(mm, 0x8000, 0x9000);
	interval_remove(&b);
	end(&miss);
	interval_insert_at(&b, "b", mm, 0x3000, 0x4000);

	/* Waiting for its insertion: at once too, and it never was in the tree. */
	hit = begin(mm, 0x1000, 0x2000);
	interval_insert_at(&c, "c", mm, 0x1000, 0x2000);
	interval_remove(&c);
	end(&hit);
	invalidate(mm, 0x1000, 0x2000);
	CHECK_NOTED("a a");

	/* In the frozen tree: sleeps, is still called, until all ranges have ended. */
	hit = begin(mm, 0x1000, 0x2000);
	task_start(&remover, interval_remove_task, &a);
	task_start(&other, interval_remove_task, &b);
	CHECK(task_blocks(&remover));
	CHECK(task_blocks(&other));
	inner = begin(mm, 0x1000, 0x4000);
	CHECK_NOTED("a a b");
	end(&hit);
	CHECK(task_blocks(&remover));
	CHECK(task_blocks(&other));
	end(&inner);
	CHECK(task_ends(&remover));
	CHECK(task_ends(&other));
	task_join(&remover);
	task_join(&other);
	invalidate(mm, 0, ULONG_MAX);
	CHECK_NOTED("");
	mmput(mm);
}

static void remove_of_what_is_not_in(void)
{
	unsigned long warned = bug_warn_count();
	struct interval a;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_remove(&a);
	mmgrab(mm); /* for the reference that the second one drops */
	interval_remove(&a);
	CHECK_EQ(bug_warn_count(), warned + 1);
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	mmput(mm);
}

static void insert_refuses(void)
{
	unsigned long warned = bug_warn_count();
	static const struct {
		unsigned long start, length;
	} bad[] = {
		{0x1000, 0}, {0, 0}, {ULONG_MAX, 2}, {0x1000, ULONG_MAX}, {ULONG_MAX, ULONG_MAX}};
	struct interval a;

	mm = mm_new();
	interval_init(&a, "a");
	CHECK(!mm_has_notifiers(mm));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(mmu_interval_notifier_insert(&a.sub, mm, bad[i].start, bad[i].length,
						      &interval_ops),
			 -EOVERFLOW);
	/* It looks at the range only once the mm is in interval mode. */
	CHECK(mm_has_notifiers(mm));
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	mmap_write_lock(mm);
	CHECK_EQ(mmu_interval_notifier_insert_locked(&a.sub, mm, 0, 0, &interval_ops), -EOVERFLOW);
	mmap_write_unlock(mm);
	CHECK_EQ(bug_warn_count(), warned);

	atomic_set(&mm->mm_users, 0);
	CHECK_EQ(mmu_interval_notifier_insert(&a.sub, mm, 0x1000, 0x1000, &interval_ops), -EINVAL);
	CHECK_EQ(bug_warn_count(), warned + 1);
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	atomic_set(&mm->mm_users, 1);
	CHECK_EQ(probe_seq(), 1);

	/* The largest: all of the address space but its last byte, and the last byte. */
	CHECK_EQ(mmu_interval_notifier_insert(&a.sub, mm, 0, ULONG_MAX, &interval_ops), 0);
	CHECK_EQ(a.sub.interval_tree.last, ULONG_MAX - 1);
	interval_remove(&a);
	CHECK_EQ(mmu_interval_notifier_insert(&a.sub, mm, ULONG_MAX, 1, &interval_ops), 0);
	CHECK_EQ(a.sub.interval_tree.last, ULONG_MAX);
	interval_remove(&a);
	mmput(mm);
}

static void references_of_the_mm(void)
{
	struct interval a, b, c;
	struct mmu_notifier_range hit;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	CHECK_EQ(atomic_read(&mm->mm_count), 2);
	CHECK_EQ(atomic_read(&mm->mm_users), 1);
	mmap_write_lock(mm);
	interval_init(&b, "b");
	CHECK_EQ(mmu_interval_notifier_insert_locked(&b.sub, mm, 0x1000, 1, &interval_ops), 0);
	mmap_write_unlock(mm);
	CHECK_EQ(atomic_read(&mm->mm_count), 3);
	CHECK(b.sub.mm == mm && b.sub.ops == &interval_ops);
	hit = begin(mm, 0x1000, 0x2000);
	interval_insert_at(&c, "c", mm, 0x1000, 0x2000);
	CHECK_EQ(atomic_read(&mm->mm_count), 4);
	interval_remove(&c);
	CHECK_EQ(atomic_read(&mm->mm_count), 3);
	end(&hit);
	interval_remove(&a);
	interval_remove(&b);
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	CHECK_NOTED("a b");
	mmput(mm);
}

static void first_insert_locked_registers(void)
{
	struct interval a;

	mm = mm_new();
	interval_init(&a, "a");
	mmap_write_lock(mm);
	CHECK_EQ(mmu_interval_notifier_insert_locked(&a.sub, mm, 0x1000, 0x1000, &interval_ops), 0);
	CHECK(mm_has_notifiers(mm));
	mmap_write_unlock(mm);
	invalidate(mm, 0x1000, 0x2000);
	CHECK_NOTED("a");
	interval_remove(&a);
	mmput(mm);
}

static struct interval late;

static void insert_late(void *arg)
{
	(void)arg;
	interval_insert_at(&late, "late", mm, 0x1000, 0x2000);
}

static void only_the_first_insert_takes_mmap_lock(void)
{
	struct interval b;
	struct task task;

	mm = mm_new();
	mmap_read_lock(mm);
	task_start(&task, insert_late, NULL);
	CHECK(task_blocks(&task));
	CHECK(!mm_has_notifiers(mm));
	mmap_read_unlock(mm);
	CHECK(task_ends(&task));
	task_join(&task);

	mmap_write_lock(mm);
	interval_insert_at(&b, "b", mm, 0x1000, 0x2000); /* would be EDEADLK */
	mmap_write_unlock(mm);
	interval_remove(&late);
	interval_remove(&b);
	mmput(mm);
}

static void release_is_one_blockable_range(void)
{
	unsigned long warned = bug_warn_count();
	struct read_task read;
	struct interval a, b;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, ULONG_MAX - 1, ULONG_MAX);
	a.refuse = true;
	mmgrab(mm);
	mmput(mm);
	CHECK_NOTED("a b");
	CHECK_EQ(bug_warn_count(), warned + 1);
	CHECK_EQ(b.range.event, MMU_NOTIFY_RELEASE);
	CHECK_EQ(b.range.start, 0);
	CHECK_EQ(b.range.end, ULONG_MAX);
	CHECK(b.range.mm == mm);
	CHECK(mmu_notifier_range_blockable(&b.range));
	CHECK_EQ(b.seq, 3);

	/* Ended again; the intervals are still in, and their owners take them out. */
	read_task_start(&read, &b);
	CHECK(task_ends(&read.task));
	task_join(&read.task);
	CHECK_EQ(read.seq, 3);
	interval_remove(&a);
	interval_remove(&b);
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	CHECK_EQ(bug_warn_count(), warned + 1);
	mmdrop(mm);
}

int main(void)
{
	RUN(called_in_tree_order);
	RUN(only_what_intersects);
	RUN(range_passed_as_given);
	RUN(count_goes_odd_and_even);
	RUN(refusal_of_a_nonblockable);
	RUN(refusal_wakes_who_waits);
	RUN(refusal_of_a_blockable);
	RUN(reader_waits_for_its_invalidation);
	RUN(many_readers_woken_by_one_end);
	RUN(insert_during_an_invalidation);
	RUN(remove_during_an_invalidation);
	if (SUBJECT_IS_PORT)
		RUN(remove_of_what_is_not_in);
	RUN(insert_refuses);
	RUN(references_of_the_mm);
	RUN(first_insert_locked_registers);
	RUN(only_the_first_insert_takes_mmap_lock);
	RUN(release_is_one_blockable_range);
	return check_exit();
}
