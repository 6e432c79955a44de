/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two-pass invalidation: all starts, then the finishes that they asked for. */
#include "recorder.h"

#if COMPAT_TWO_PASS

static struct mm_struct *mm;

struct device {
	struct mmu_interval_notifier sub;
	struct mmu_interval_notifier_finish finish;
	const char *name;
	bool refuse;	/* start answers false */
	bool no_finish; /* start leaves *finish NULL */
	unsigned long seq;
	struct mmu_notifier_range range;
};

static struct device a, b, c;

/* Notes "NAME+"; a refusal that hands a finish back all the same is not to be finished. */
static bool start(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		  unsigned long cur_seq, struct mmu_interval_notifier_finish **finish)
{
	struct device *self = container_of(sub, struct device, sub);

	CHECK(!*finish);
	note("%s+", self->name);
	self->seq = cur_seq;
	self->range = *range;
	if (!self->no_finish)
		*finish = &self->finish;
	if (self->refuse)
		return false;
	mmu_interval_set_seq(sub, cur_seq);
	return true;
}

/* Notes "NAME-"; it may use its own memory for something else at once. */
static void finish(struct mmu_interval_notifier_finish *finish)
{
	struct device *self = container_of(finish, struct device, finish);

	CHECK(finish->notifier == &self->sub);
	note("%s-", self->name);
	memset(finish, 0x5a, sizeof(*finish));
}

static const struct mmu_interval_notifier_ops ops = {
	.invalidate_start = start,
	.invalidate_finish = finish,
};

static void device_insert(struct device *self, const char *name, unsigned long at)
{
	*self = (struct device){.name = name};
	CHECK_EQ(mmu_interval_notifier_insert(&self->sub, mm, at, 0x1000, &ops), 0);
}

static void three(void)
{
	mm = mm_new();
	device_insert(&b, "b", 0x2000);
	device_insert(&c, "c", 0x3000);
	device_insert(&a, "a", 0x1000);
}

static void end_three(void)
{
	mmu_interval_notifier_remove(&a.sub);
	mmu_interval_notifier_remove(&b.sub);
	mmu_interval_notifier_remove(&c.sub);
	mmput(mm);
	CHECK_NOTED("");
}

static void starts_then_finishes(void)
{
	struct mmu_notifier_range range;

	three();
	range = begin(mm, 0x1000, 0x4000);
	/* Both passes are over when start returns: nothing is left for the end. */
	CHECK_NOTED("a+ b+ c+ a- b- c-");
	CHECK(a.seq & 1);
	CHECK(a.seq == b.seq && b.seq == c.seq);
	CHECK_EQ(b.range.start, 0x1000);
	CHECK_EQ(b.range.end, 0x4000);
	end(&range);
	CHECK_NOTED("");
	invalidate(mm, 0x2000, 0x2001);
	CHECK_NOTED("b+ b-");
	end_three();
}

static void some_need_no_finish(void)
{
	three();
	b.no_finish = true;
	invalidate(mm, 0x1000, 0x4000);
	CHECK_NOTED("a+ b+ c+ a- c-");
	a.no_finish = c.no_finish = true;
	invalidate(mm, 0x1000, 0x4000);
	CHECK_NOTED("a+ b+ c+");
	end_three();
}

static void beside_one_pass(void)
{
	struct interval i;

	three();
	interval_insert_at(&i, "i", mm, 0x2800, 0x3000);
	invalidate(mm, 0x1000, 0x4000);
	CHECK_NOTED("a+ b+ i c+ a- b- c-");
	interval_remove(&i);
	end_three();
}

/* Who has begun must be finished, before the range is ended again: no reader may go on earlier. */
static void refusal_finishes_what_began(void)
{
	struct mmu_notifier_range range;
	unsigned long seq;

	three();
	seq = mmu_interval_read_begin(&a.sub);
	b.refuse = true;
	CHECK_EQ(begin_nonblock(&range, mm, 0x1000, 0x4000), -EAGAIN);
	CHECK_NOTED("a+ b+ a-");
	CHECK(mmu_interval_read_retry(&a.sub, seq));
	/* The range is over: nobody waits. */
	seq = mmu_interval_read_begin(&a.sub);
	CHECK(!mmu_interval_read_retry(&a.sub, seq));
	b.refuse = false;
	CHECK_EQ(begin_nonblock(&range, mm, 0x1000, 0x4000), 0);
	CHECK_NOTED("a+ b+ c+ a- b- c-");
	end(&range);
	end_three();
}

static void refusal_where_blockable(void)
{
	unsigned long warned = bug_warn_count();

	three();
	b.refuse = true;
	invalidate(mm, 0x1000, 0x4000);
	CHECK_EQ(bug_warn_count(), warned + 1);
	CHECK_NOTED("a+ b+ c+ a- c-");
	end_three();
}

static void release_finishes(void)
{
	unsigned long warned = bug_warn_count();

	three();
	c.refuse = true;
	mmgrab(mm);
	mmput(mm);
	CHECK_NOTED("a+ b+ c+ a- b-");
	CHECK_EQ(a.range.event, MMU_NOTIFY_RELEASE);
	CHECK(mmu_notifier_range_blockable(&a.range));
	CHECK_EQ(bug_warn_count(), warned + 1);
	mmu_interval_notifier_remove(&a.sub);
	mmu_interval_notifier_remove(&b.sub);
	mmu_interval_notifier_remove(&c.sub);
	mmdrop(mm);
	CHECK_NOTED("");
}

static void start_without_finish_warns(void)
{
	static const struct mmu_interval_notifier_ops half = {.invalidate_start = start};
	unsigned long warned = bug_warn_count();

	mm = mm_new();
	a = (struct device){.name = "a", .no_finish = true};
	CHECK_EQ(mmu_interval_notifier_insert(&a.sub, mm, 0x1000, 0x1000, &half), 0);
	CHECK_EQ(bug_warn_count(), warned + 1);
	invalidate(mm, 0x1000, 0x2000);
	CHECK_NOTED("a+");
	mmu_interval_notifier_remove(&a.sub);
	mmput(mm);
}

int main(void)
{
	RUN(starts_then_finishes);
	RUN(some_need_no_finish);
	RUN(beside_one_pass);
	RUN(refusal_finishes_what_began);
	RUN(refusal_where_blockable);
	RUN(release_finishes);
	RUN(start_without_finish_warns);
	return check_exit();
}

#else

int main(void)
{
	check_skip("this kernel invalidates in one pass");
	return check_exit();
}

#endif
