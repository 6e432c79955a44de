// SPDX-License-Identifier: GPL-2.0-or-later
/* List notifiers: how they come and go. */

#include "twin.h"

#include <linux/slab.h>

static struct mmu_notifier *alloc_notifier(struct mm_struct *mm)
{
	struct mmu_notifier *subscription = kzalloc(sizeof(*subscription), GFP_KERNEL);

	return subscription ?: ERR_PTR(-ENOMEM);
}

static void free_notifier(struct mmu_notifier *subscription)
{
	kfree(subscription);
}

static const struct mmu_notifier_ops counted_ops = {
	.invalidate_range_start = twin_range_start,
	.invalidate_range_end = twin_range_end,
	.alloc_notifier = alloc_notifier,
	.free_notifier = free_notifier,
};

static int register_setup(struct twin_trial *t)
{
	t->own = kzalloc(sizeof(struct mmu_notifier), GFP_KERNEL);
	if (!t->own)
		return -ENOMEM;
	((struct mmu_notifier *)t->own)->ops = &twin_list_ops;
	return 0;
}

static void register_teardown(struct twin_trial *t)
{
	kfree(t->own);
}

static int register_pair(struct twin_trial *t, u64 n)
{
	u64 begin = twin_begin();
	int ret = scenario_register_pair(t->own, t->mm, n);

	twin_end(t, 0, begin, n);
	return ret;
}

/* The second figure is the wait for all that the first one has left to be freed. */
static int get_put(struct twin_trial *t, u64 n)
{
	u64 begin = twin_begin();
	int ret = scenario_get_put(&counted_ops, t->mm, n);

	twin_end(t, 0, begin, n);
	begin = twin_begin();
	mmu_notifier_synchronize();
	twin_end(t, 1, begin, 1);
	return ret;
}

/* What is freed is freed by a function of this module's. */
static void get_put_teardown(struct twin_trial *t)
{
	mmu_notifier_synchronize();
}

static int hold_one(struct twin_trial *t)
{
	struct mmu_notifier *subscription = mmu_notifier_get(&counted_ops, t->mm);

	if (IS_ERR(subscription))
		return PTR_ERR(subscription);
	t->own = subscription;
	return 0;
}

static void put_one(struct twin_trial *t)
{
	if (t->own)
		mmu_notifier_put(t->own);
	mmu_notifier_synchronize();
}

/* Of one that is there already, so that it is only counted. */
static int get_put_again(struct twin_trial *t, u64 n)
{
	u64 begin = twin_begin();
	int ret = scenario_get_put(&counted_ops, t->mm, n);

	twin_end(t, 0, begin, n);
	return ret;
}

static const struct twin_op ops[] = {
	{"srcu",
	 {"register"},
	 "full",
	 .sleeps = true,
	 .most = 64,
	 .setup = register_setup,
	 .teardown = register_teardown,
	 .run = register_pair},
	{"srcu",
	 {"get_put", "notifier_synchronize"},
	 "full",
	 .sleeps = true,
	 .most = 1024,
	 .teardown = get_put_teardown,
	 .run = get_put},
	{"srcu",
	 {"get_put_again"},
	 "full",
	 .most = 1024,
	 .setup = hold_one,
	 .teardown = put_one,
	 .run = get_put_again},
};

const struct twin_table twin_list = TWIN_TABLE(ops);
