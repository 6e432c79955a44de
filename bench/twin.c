/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What else the kernel's twin does (platforms/kernel), done here: so that each of its figures has
 * one of the port's, from the same loop, beside it. Part of a unit: unit.h.
 */
#include <errno.h>
#include <linux/err.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <stdlib.h>

#include "../platforms/kernel/scenarios.h"
#include "op.h"
#include "part.h"
#include "steady.h"
#include "unit.h"

#define GETS 1024 /* frees under way at most */

static bool invalidate(struct mmu_interval_notifier *interval_sub,
		       const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	(void)range;
	mmu_interval_set_seq(interval_sub, cur_seq);
	return true;
}

static const struct mmu_interval_notifier_ops interval_ops = {.invalidate = invalidate};

/* ---- trees that are filled and emptied: equal ones, where they are small ---- */

struct trees {
	struct scenario_batch *tree;
	size_t count;
};

static int tree_alloc(struct scenario_batch *b, size_t count, enum scenario_order order)
{
	b->mm = mm_alloc();
	b->count = count;
	b->sub = calloc(count, sizeof(*b->sub));
	b->start = calloc(count, sizeof(*b->start));
	b->out = calloc(count, sizeof(*b->out));
	if (!b->mm || !b->sub || !b->start || !b->out)
		return -ENOMEM;
	scenario_plan_fill(b, order);
	return 0;
}

static int trees_alloc(struct op_run *run, size_t intervals, enum scenario_order order,
		       size_t count)
{
	struct trees *t = calloc(1, sizeof(*t));
	int ret = 0;

	run->shared = t;
	if (t)
		t->tree = calloc(count, sizeof(*t->tree));
	if (!t || !t->tree)
		return -ENOMEM;
	while (t->count < count && !ret)
		ret = tree_alloc(&t->tree[t->count++], intervals, order);
	return ret;
}

static void trees_free(struct op_run *run)
{
	struct trees *t = run->shared;

	while (t && t->count--) {
		struct scenario_batch *b = &t->tree[t->count];

		if (b->mm)
			mmput(b->mm);
		free(b->sub);
		free(b->start);
		free(b->out);
	}
	if (t)
		free(t->tree);
	free(t);
}

static int fill_setup(struct op_run *run)
{
	size_t intervals = (size_t)op_param(run, "intervals");

	return trees_alloc(run, intervals, (enum scenario_order)op_param(run, "order"),
			   intervals < STEADY_OPS ? STEADY_OPS / intervals : 1);
}

static void fill_all(void *arg)
{
	struct trees *t = arg;

	for (size_t i = 0; i < t->count; i++)
		scenario_insert(&t->tree[i], 0, t->tree[i].count, &interval_ops);
}

static void fill_all_locked(void *arg)
{
	struct trees *t = arg;

	for (size_t i = 0; i < t->count; i++) {
		mmap_write_lock(t->tree[i].mm);
		scenario_insert_locked(&t->tree[i], 0, t->tree[i].count, &interval_ops);
		mmap_write_unlock(t->tree[i].mm);
	}
}

static void drain_all(void *arg)
{
	struct trees *t = arg;

	for (size_t i = 0; i < t->count; i++)
		scenario_remove(&t->tree[i], 0, t->tree[i].count);
}

static size_t pass_of(const struct trees *t)
{
	return t->count * t->tree[0].count;
}

static uint64_t fill_timed(struct op_thread *t, uint64_t n)
{
	struct trees *trees = t->run->shared;

	return steady_forth(n, pass_of(trees), fill_all, drain_all, trees);
}

static uint64_t fill_locked_timed(struct op_thread *t, uint64_t n)
{
	struct trees *trees = t->run->shared;

	return steady_forth(n, pass_of(trees), fill_all_locked, drain_all, trees);
}

static uint64_t drain_timed(struct op_thread *t, uint64_t n)
{
	struct trees *trees = t->run->shared;

	return steady_back(n, pass_of(trees), fill_all, drain_all, trees);
}

/* ---- the reader's hint ---- */

static int reader_setup(struct op_run *run)
{
	int ret = trees_alloc(run, 1, SCENARIO_IN_ORDER, 1);

	if (!ret)
		fill_all(run->shared);
	return ret;
}

static void reader_teardown(struct op_run *run)
{
	drain_all(run->shared);
	trees_free(run);
}

static void check_retry(struct op_thread *t, uint64_t n)
{
	scenario_check_retry(((struct trees *)t->run->shared)->tree->sub, n);
}

/* ---- list notifiers that come and go ---- */

struct listed {
	struct mm_struct *mm;
	struct mmu_notifier own;
	struct mmu_notifier *held;
};

static void nothing(struct mmu_notifier *subscription, struct mm_struct *mm)
{
	(void)subscription;
	(void)mm;
}

static struct mmu_notifier *alloc_notifier(struct mm_struct *mm)
{
	struct mmu_notifier *subscription = calloc(1, sizeof(*subscription));

	(void)mm;
	if (!subscription)
		return ERR_PTR(-ENOMEM);
	return subscription;
}

static void free_notifier(struct mmu_notifier *subscription)
{
	free(subscription);
}

static const struct mmu_notifier_ops list_ops = {.release = nothing};
static const struct mmu_notifier_ops counted_ops = {
	.alloc_notifier = alloc_notifier,
	.free_notifier = free_notifier,
};

static int list_setup(struct op_run *run)
{
	struct listed *l = calloc(1, sizeof(*l));

	run->shared = l;
	if (!l)
		return -ENOMEM;
	l->own.ops = &list_ops;
	l->mm = mm_alloc();
	return l->mm ? 0 : -ENOMEM;
}

static int held_setup(struct op_run *run)
{
	int ret = list_setup(run);
	struct listed *l = run->shared;

	if (ret)
		return ret;
	l->held = mmu_notifier_get(&counted_ops, l->mm);
	return PTR_ERR_OR_ZERO(l->held);
}

static void list_teardown(struct op_run *run)
{
	struct listed *l = run->shared;

	if (l->held && !IS_ERR(l->held))
		mmu_notifier_put(l->held);
	mmu_notifier_synchronize();
	mmput(l->mm);
	free(l);
}

static void register_pair(struct op_thread *t, uint64_t n)
{
	struct listed *l = t->run->shared;

	scenario_register_pair(&l->own, l->mm, n);
}

static void get_put_again(struct op_thread *t, uint64_t n)
{
	scenario_get_put(&counted_ops, ((struct listed *)t->run->shared)->mm, n);
}

static void get_put_some(void *arg)
{
	scenario_get_put(&counted_ops, ((struct listed *)arg)->mm, GETS);
}

static void free_them(void *arg)
{
	(void)arg;
	mmu_notifier_synchronize();
}

static uint64_t get_put(struct op_thread *t, uint64_t n)
{
	return steady_forth(n, GETS, get_put_some, free_them, t->run->shared);
}

/* ---- the table ---- */

static const char *const order_names[] = {SCENARIO_ORDER_NAMES};

#define OF(fam, name)                                                                              \
	.family = fam, .op = name, .subject = MN_SUBJECT, .variant = MN_VARIANT,                   \
	.flags = OP_FULL_ONLY | OWN_LOCK_ONLY
/* A pass fills a whole tree: small ones take many passes, a large one is a slice of its own. */
#define LARGEST_FILL 10000
#define FILL(name, how, sizes, ...)                                                                \
	{                                                                                          \
		OF("seq", name), .setup = fill_setup, .teardown = trees_free, .timed = how,        \
				 .pass = LARGEST_FILL, .named = {"order", order_names},            \
				 .params = {                                                       \
					 {"intervals", sizes, {__VA_ARGS__}, 0},                   \
					 {"order", SCENARIO_ORDERS, {SCENARIO_ORDER_VALUES}, 0},   \
				 }                                                                 \
	}
#define LISTED(name) OF("srcu", name), .setup = list_setup, .teardown = list_teardown

static const struct bench_op ops[] = {
	{OF("seq", "check_retry"), .setup = reader_setup, .teardown = reader_teardown,
	 .run = check_retry},
	FILL("fill", fill_timed, 4, SCENARIO_FILLS),
	FILL("fill_locked", fill_locked_timed, 1, SCENARIO_FILL_LOCKED),
	FILL("drain", drain_timed, 4, SCENARIO_FILLS),
	{LISTED("register"), .run = register_pair},
	{LISTED("get_put"), .timed = get_put, .uncounted = "another thread frees them meanwhile"},
	{OF("srcu", "get_put_again"), .setup = held_setup, .teardown = list_teardown,
	 .run = get_put_again},
};

const struct op_table UNIT_TABLE(twin) = OP_TABLE(ops);
