// SPDX-License-Identifier: GPL-2.0-or-later
/* Subscriptions of the trial's mm: made, counted, and taken away again whatever happened. */
#include "twin.h"

#include <linux/mm.h>
#include <linux/slab.h>

static bool invalidate(struct mmu_interval_notifier *interval_sub,
		       const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	mmu_interval_set_seq(interval_sub, cur_seq);
	return true;
}

const struct mmu_interval_notifier_ops twin_interval_ops = {.invalidate = invalidate};

int twin_range_start(struct mmu_notifier *subscription, const struct mmu_notifier_range *range)
{
	return 0;
}

void twin_range_end(struct mmu_notifier *subscription, const struct mmu_notifier_range *range)
{
}

const struct mmu_notifier_ops twin_list_ops = {
	.invalidate_range_start = twin_range_start,
	.invalidate_range_end = twin_range_end,
};

int twin_batch_alloc(struct twin_trial *t, struct scenario_batch *b, size_t count)
{
	b->mm = t->mm;
	b->count = count;
	b->sub = kvcalloc(count, sizeof(*b->sub), GFP_KERNEL);
	b->start = kvcalloc(count, sizeof(*b->start), GFP_KERNEL);
	b->out = kvcalloc(count, sizeof(*b->out), GFP_KERNEL);
	return b->sub && b->start && b->out ? 0 : -ENOMEM;
}

static void batch_free(struct scenario_batch *b, size_t in)
{
	while (in) {
		mmu_interval_notifier_remove(&b->sub[--in]);
		cond_resched();
	}
	kvfree(b->sub);
	kvfree(b->start);
	kvfree(b->out);
}

int twin_base_insert(struct twin_trial *t)
{
	while (t->base_in < t->base.count) {
		size_t to = min(t->base.count, t->base_in + TWIN_PART);

		t->base_in = scenario_insert(&t->base, t->base_in, to, &twin_interval_ops);
		if (t->base_in < to)
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

int twin_list_register(struct twin_trial *t, size_t count)
{
	t->list = kvcalloc(count, sizeof(*t->list), GFP_KERNEL);
	if (!t->list)
		return -ENOMEM;
	while (t->listed < count) {
		int ret;

		t->list[t->listed].ops = &twin_list_ops;
		ret = mmu_notifier_register(&t->list[t->listed], t->mm);
		if (ret)
			return ret;
		t->listed++;
	}
	return 0;
}

void twin_world_free(struct twin_trial *t)
{
	batch_free(&t->extra, t->extra_in);
	batch_free(&t->base, t->base_in);
	while (t->listed)
		mmu_notifier_unregister(&t->list[--t->listed], t->mm);
	kvfree(t->list);
}
