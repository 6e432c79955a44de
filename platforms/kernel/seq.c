// SPDX-License-Identifier: GPL-2.0-or-later
/* The interval side: readers, and intervals that go in and out. */
#include "twin.h"

#include <linux/mmap_lock.h>

/* ---- readers of one interval ---- */

static int reader_setup(struct twin_trial *t)
{
	int ret = twin_batch_alloc(t, &t->base, 1);

	if (ret)
		return ret;
	scenario_plan_fill(&t->base, SCENARIO_IN_ORDER);
	return twin_base_insert(t);
}

TWIN_LOOP(lock_pair, scenario_lock_pair(t->user_lock, now))
TWIN_LOOP(check_retry, scenario_check_retry(t->base.sub, now))
TWIN_LOOP(read_begin_retry,
	  t->param[0] ? scenario_read_begin_retry_locked(t->base.sub, t->user_lock, now)
		      : scenario_read_begin_retry(t->base.sub, now))

static int lock_setup(struct twin_trial *t)
{
	return 0;
}

/* ---- a tree that is filled and emptied ---- */

static int fill_setup(struct twin_trial *t)
{
	int ret = twin_batch_alloc(t, &t->base, t->param[0]);

	if (!ret)
		scenario_plan_fill(&t->base, t->param[1]);
	return ret;
}

static int fill_pass(struct twin_trial *t)
{
	struct scenario_batch *b = &t->base;

	while (t->base_in < b->count) {
		size_t from = t->base_in, to = min(b->count, from + TWIN_PART);
		u64 begin = twin_begin();

		t->base_in = scenario_insert(b, from, to, &twin_interval_ops);
		twin_end(t, 0, begin, to - from);
		if (t->base_in < to)
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

static int fill_locked_pass(struct twin_trial *t)
{
	struct scenario_batch *b = &t->base;
	u64 begin;

	mmap_write_lock(t->mm);
	begin = twin_begin();
	t->base_in = scenario_insert_locked(b, 0, b->count, &twin_interval_ops);
	twin_end(t, 0, begin, b->count);
	mmap_write_unlock(t->mm);
	return t->base_in < b->count ? -ENOMEM : 0;
}

/* All of them: from here on none is to be taken away in the end. */
static void drain_pass(struct twin_trial *t)
{
	size_t from = 0, count = t->base_in;

	t->base_in = 0;
	while (from < count) {
		size_t to = min(count, from + TWIN_PART);
		u64 begin = twin_begin();

		scenario_remove(&t->base, from, to);
		twin_end(t, 1, begin, to - from);
		from = to;
		cond_resched();
	}
}

static int fill_drain(struct twin_trial *t, u64 n)
{
	int ret;

	for (u64 done = 0; done < n; done += t->base.count) {
		ret = fill_pass(t);
		if (ret)
			return ret;
		drain_pass(t);
	}
	return 0;
}

static int fill_locked(struct twin_trial *t, u64 n)
{
	int ret;

	for (u64 done = 0; done < n; done += t->base.count) {
		ret = fill_locked_pass(t);
		if (ret)
			return ret;
		drain_pass(t);
		cond_resched();
	}
	return 0;
}

/* ---- some that go into a tree of a given size and out again ---- */

static int steady_setup(struct twin_trial *t)
{
	int ret = twin_batch_alloc(t, &t->base, t->param[0]);

	if (!ret)
		ret = twin_batch_alloc(t, &t->extra, steady_batch(t->param[0]));
	if (ret)
		return ret;
	scenario_plan_fill(&t->base, SCENARIO_RANDOM);
	scenario_plan_extras(&t->extra, t->param[0]);
	return twin_base_insert(t);
}

static int insert_remove(struct twin_trial *t, u64 n)
{
	struct scenario_batch *b = &t->extra;

	for (u64 done = 0; done < n; done += b->count) {
		u64 begin = twin_begin();

		t->extra_in = scenario_insert(b, 0, b->count, &twin_interval_ops);
		twin_end(t, 0, begin, b->count);
		if (t->extra_in < b->count)
			return -ENOMEM;
		begin = twin_begin();
		scenario_remove(b, 0, b->count);
		twin_end(t, 1, begin, b->count);
		t->extra_in = 0;
		cond_resched();
	}
	return 0;
}

/* ---- the table ---- */

static const char *const order_names[] = {SCENARIO_ORDER_NAMES};

#define ORDERS                                                                                     \
	{                                                                                          \
		"order", TWIN_LIST(SCENARIO_ORDER_VALUES), order_names                             \
	}

static const struct twin_op ops[] = {
	{"seq", {"lock_pair"}, TWIN_LOCK, .threads = true, .setup = lock_setup, .run = lock_pair},
	{"seq",
	 {"read_begin_retry"},
	 TWIN_LOCK,
	 .param = {{"user_lock", TWIN_LIST(0, 1)}},
	 .threads = true,
	 .setup = reader_setup,
	 .run = read_begin_retry},
	{"seq", {"check_retry"}, TWIN_LOCK, .setup = reader_setup, .run = check_retry},
	{"seq",
	 {"insert", "remove"},
	 TWIN_LOCK,
	 .param = {{"intervals", TWIN_LIST(SCENARIO_STEADY)}},
	 .setup = steady_setup,
	 .run = insert_remove},
	{"seq",
	 {"fill", "drain"},
	 TWIN_LOCK,
	 .param = {{"intervals", TWIN_LIST(SCENARIO_FILLS, SCENARIO_FILLS_MORE)}, ORDERS},
	 .setup = fill_setup,
	 .run = fill_drain},
	{"seq",
	 {"fill_locked"},
	 TWIN_LOCK,
	 .param = {{"intervals", TWIN_LIST(SCENARIO_FILL_LOCKED)}, ORDERS},
	 .setup = fill_setup,
	 .run = fill_locked},
};

const struct twin_table twin_seq = TWIN_TABLE(ops);
