/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations of a notifier core, written to the kernel's interface. Part of a unit: unit.h. */
#include <errno.h>
#include <linux/err.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/spinlock.h>
#include <stdlib.h>
#include <string.h>

#include "../core/compat.h"
#include "../platforms/kernel/scenarios.h"
#include "herd.h"
#include "op.h"
#include "part.h"
#include "pin.h"
#include "place.h"
#include "slab_place.h"
#include "steady.h"
#include "unit.h"

#define STRIDE SCENARIO_STRIDE

struct world {
	struct mm_struct *mm;
	struct mmu_interval_notifier *interval; /* COUNT of them, all inserted */
	size_t count;
	struct mmu_notifier *list;
	size_t listed;
	spinlock_t user_lock;
	struct mmu_notifier_range frozen; /* the range that a herd waits for */
	unsigned int lock_user;
	unsigned int hits;
	struct place place; /* of the mm's subscriptions, where that is a factor */
};

static bool invalidate(struct mmu_interval_notifier *interval_sub,
		       const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	(void)range;
	mmu_interval_set_seq(interval_sub, cur_seq);
	return true;
}

static const struct mmu_interval_notifier_ops interval_ops = {.invalidate = invalidate};

static int list_start(struct mmu_notifier *subscription, const struct mmu_notifier_range *range)
{
	(void)subscription;
	(void)range;
	return 0;
}

static void list_end(struct mmu_notifier *subscription, const struct mmu_notifier_range *range)
{
	(void)subscription;
	(void)range;
}

static const struct mmu_notifier_ops list_ops = {
	.invalidate_range_start = list_start,
	.invalidate_range_end = list_end,
};

/* COUNT intervals into MM, in random order. */
static int insert_all(struct mm_struct *mm, struct mmu_interval_notifier *sub, size_t count)
{
	size_t *order = malloc((count + 1) * sizeof(*order));
	int ret = order ? 0 : -ENOMEM;

	if (!ret)
		shuffle(order, count);
	for (size_t i = 0; i < count && !ret; i++)
		ret = mmu_interval_notifier_insert(&sub[order[i]], mm, scenario_start(order[i]),
						   STRIDE / 2, &interval_ops);
	free(order);
	return ret;
}

static void remove_all(struct mmu_interval_notifier *sub, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mmu_interval_notifier_remove(&sub[i]);
}

static int list_all(struct world *w)
{
	int ret = 0;

	w->list = calloc(w->listed + 1, sizeof(*w->list));
	if (!w->list)
		return -ENOMEM;
	for (size_t i = 0; i < w->listed && !ret; i++) {
		w->list[i].ops = &list_ops;
		ret = mmu_notifier_register(&w->list[i], w->mm);
	}
	return ret;
}

/* An mm, and room for INTERVALS intervals and LISTED list notifiers. */
static int world_alloc(struct op_run *run, size_t intervals, size_t listed)
{
	struct world *w = pin_alloc(run->topo, sizeof(*w), &run->slots[0]);

	if (!w)
		return -ENOMEM;
	run->shared = w;
	w->count = intervals;
	w->listed = listed;
	spin_lock_init(&w->user_lock);
	w->mm = mm_alloc();
	w->interval = calloc(intervals + 1, sizeof(*w->interval));
	return w->mm && w->interval ? 0 : -ENOMEM;
}

/* All of them in it. */
static int world_new(struct op_run *run, size_t intervals, size_t listed)
{
	int ret = world_alloc(run, intervals, listed);
	struct world *w = run->shared;

	if (!ret)
		ret = insert_all(w->mm, w->interval, intervals);
	if (!ret)
		ret = list_all(w);
	return ret;
}

static void world_free(struct op_run *run)
{
	struct world *w = run->shared;

	remove_all(w->interval, w->count);
	for (size_t i = 0; i < w->listed; i++)
		mmu_notifier_unregister(&w->list[i], w->mm);
	mmput(w->mm);
	free(w->interval);
	free(w->list);
	pin_free(w, sizeof(*w));
}

static struct world *world_of(struct op_thread *t)
{
	return t->run->shared;
}

static int hooks_setup(struct op_thread *t)
{
	mmap_read_lock(world_of(t)->mm);
	return 0;
}

static void hooks_teardown(struct op_thread *t)
{
	mmap_read_unlock(world_of(t)->mm);
}

/* ---- seq: the reader ---- */

static int reader_setup(struct op_run *run)
{
	int ret = world_new(run, 1, 0);

	if (!ret)
		((struct world *)run->shared)->lock_user = (unsigned int)op_param(run, "user_lock");
	return ret;
}

static void reader_run(struct op_thread *t, uint64_t n)
{
	struct world *w = world_of(t);

	if (w->lock_user)
		scenario_read_begin_retry_locked(&w->interval[0], &w->user_lock, n);
	else
		scenario_read_begin_retry(&w->interval[0], n);
}

/* ---- seq: the reader of a lock that has a place ---- */

/* The first insert has the mm's subscriptions allocated. */
static int insert_placed(struct op_run *run)
{
	struct world *w = run->shared;
	int ret;

	slab_place_next(w->place.object);
	ret = insert_all(w->mm, w->interval, w->count);
	slab_place_end();
	if (ret || (void *)w->mm->notifier_subscriptions == w->place.object)
		return ret;
	run->why = "this notifier does not allocate its subscriptions as others do";
	return -ENOTSUP;
}

static int placed_setup(struct op_run *run)
{
	struct place place;
	int ret = place_make(run, &place);

	if (!ret)
		ret = world_alloc(run, 1, 0);
	if (ret) {
		place_free(&place);
		return ret;
	}
	((struct world *)run->shared)->place = place;
	return insert_placed(run);
}

static void placed_teardown(struct op_run *run)
{
	struct place place = ((struct world *)run->shared)->place;

	world_free(run);
	place_free(&place);
}

static int placed_thread(struct op_thread *t)
{
	t->own = place_word(&world_of(t)->place, t);
	return 0;
}

static void placed_run(struct op_thread *t, uint64_t n)
{
	struct mmu_interval_notifier *sub = &world_of(t)->interval[0];
	uint32_t *word = t->own;
	bool retry;

	while (n--) {
		unsigned long seq = mmu_interval_read_begin(sub);

		retry = mmu_interval_read_retry(sub, seq);
		__asm__ __volatile__("" ::"r"((int)retry));
		WRITE_ONCE(*word, (uint32_t)n);
	}
}

/* ---- seq: ranges ---- */

static void range_of(const struct world *w, struct mmu_notifier_range *range, size_t first,
		     size_t intervals)
{
	compat_range_init(range, MMU_NOTIFY_CLEAR, 0, w->mm, scenario_start(first),
			  scenario_start(first + intervals));
}

static void range_run(struct op_thread *t, uint64_t n)
{
	struct world *w = world_of(t);
	struct mmu_notifier_range range;

	if (w->hits)
		range_of(w, &range, w->count / 2, w->hits);
	else /* between two intervals */
		compat_range_init(&range, MMU_NOTIFY_CLEAR, 0, w->mm,
				  scenario_start(w->count / 2) + STRIDE / 2,
				  scenario_start(w->count / 2) + STRIDE);
	while (n--) {
		mmu_notifier_invalidate_range_start(&range);
		mmu_notifier_invalidate_range_end(&range);
	}
}

static int hit_setup(struct op_run *run)
{
	size_t hits = (size_t)op_param(run, "hits");
	int ret = world_new(run, (size_t)op_param(run, "intervals") + hits, 0);

	if (!ret)
		((struct world *)run->shared)->hits = (unsigned int)hits;
	return ret;
}

static int miss_setup(struct op_run *run)
{
	return world_new(run, (size_t)op_param(run, "intervals"), 0);
}

static int empty_setup(struct op_run *run)
{
	return world_new(run, 0, 0);
}

/* Two ranges, one inside the other's time: only the outer end thaws the tree. */
static void nested_run(struct op_thread *t, uint64_t n)
{
	struct world *w = world_of(t);
	struct mmu_notifier_range outer, inner;

	range_of(w, &outer, w->count / 2, 1);
	range_of(w, &inner, w->count / 2, 1);
	while (n--) {
		mmu_notifier_invalidate_range_start(&outer);
		mmu_notifier_invalidate_range_start(&inner);
		mmu_notifier_invalidate_range_end(&inner);
		mmu_notifier_invalidate_range_end(&outer);
	}
}

/* A writer of the mix: invalidates what the readers read. */
static void writer_background(struct op_thread *t)
{
	struct mmu_notifier_range range;

	range_of(world_of(t), &range, 0, 1);
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
}

static int mix_thread_setup(struct op_thread *t)
{
	return t->index >= t->run->threads ? hooks_setup(t) : 0;
}

static void mix_thread_teardown(struct op_thread *t)
{
	if (t->index >= t->run->threads)
		hooks_teardown(t);
}

static int mix_setup(struct op_run *run)
{
	return world_new(run, 1, 0);
}

/* ---- seq: insert and remove, at a given number of intervals ---- */

/* steady.h on several equal mms: a batch of subscriptions more goes into each, and out again. */
struct steady {
	size_t intervals, mms;
	struct mmu_interval_notifier *base; /* INTERVALS for each mm */
	struct scenario_batch *extra;	    /* one for each mm; all have the same plan */
};

static void steady_free(struct op_run *run)
{
	struct steady *s = run->shared;

	for (size_t m = 0; s->extra && m < s->mms && s->extra[m].mm; m++) {
		remove_all(&s->base[m * s->intervals], s->intervals);
		mmput(s->extra[m].mm);
	}
	if (s->extra) {
		free(s->extra[0].sub);
		free(s->extra[0].start);
		free(s->extra[0].out);
	}
	free(s->extra);
	free(s->base);
	free(s);
}

/* Where the first mm's batch goes; the others have it too, but for their subscriptions. */
static int steady_plan(struct steady *s, size_t batch)
{
	struct scenario_batch *first = &s->extra[0];

	first->count = batch;
	first->sub = calloc(s->mms * batch, sizeof(*first->sub));
	first->start = calloc(batch, sizeof(*first->start));
	first->out = calloc(batch, sizeof(*first->out));
	if (!first->sub || !first->start || !first->out)
		return -ENOMEM;
	scenario_plan_extras(first, s->intervals);
	for (size_t m = 1; m < s->mms; m++) {
		s->extra[m] = *first;
		s->extra[m].sub += m * batch;
	}
	return 0;
}

static int steady_setup(struct op_run *run)
{
	struct steady *s = calloc(1, sizeof(*s));
	size_t batch;
	int ret;

	if (!s)
		return -ENOMEM;
	run->shared = s;
	s->intervals = (size_t)op_param(run, "intervals");
	batch = steady_batch(s->intervals);
	s->mms = STEADY_OPS / batch;
	s->base = calloc(s->mms * s->intervals + 1, sizeof(*s->base));
	s->extra = calloc(s->mms, sizeof(*s->extra));
	if (!s->base || !s->extra)
		return -ENOMEM;
	ret = steady_plan(s, batch);
	for (size_t m = 0; m < s->mms && !ret; m++) {
		struct mm_struct *mm = s->extra[m].mm = mm_alloc();

		ret = mm ? insert_all(mm, &s->base[m * s->intervals], s->intervals) : -ENOMEM;
	}
	return ret;
}

static void insert_extras(void *arg)
{
	struct steady *s = arg;

	for (size_t m = 0; m < s->mms; m++)
		scenario_insert(&s->extra[m], 0, s->extra[m].count, &interval_ops);
}

static void remove_extras(void *arg)
{
	struct steady *s = arg;

	for (size_t m = 0; m < s->mms; m++)
		scenario_remove(&s->extra[m], 0, s->extra[m].count);
}

static size_t steady_pass(const struct steady *s)
{
	return s->mms * s->extra[0].count;
}

static uint64_t insert_timed(struct op_thread *t, uint64_t n)
{
	struct steady *s = t->run->shared;

	return steady_forth(n, steady_pass(s), insert_extras, remove_extras, s);
}

static uint64_t remove_timed(struct op_thread *t, uint64_t n)
{
	struct steady *s = t->run->shared;

	return steady_back(n, steady_pass(s), insert_extras, remove_extras, s);
}

/* What a subscription costs while its mm is being invalidated: it waits on the deferred list. */
static uint64_t deferred_insert(struct op_thread *t, uint64_t n)
{
	struct world *w = world_of(t);
	struct mmu_interval_notifier *extra = &w->interval[w->count / 2];
	size_t batch = w->count - w->count / 2;
	struct mmu_notifier_range range;
	uint64_t done, ns = 0, t0;

	range_of(w, &range, 0, 1);
	for (done = 0; done < n; done += batch) {
		remove_all(extra, batch);
		mmap_read_lock(w->mm);
		mmu_notifier_invalidate_range_start(&range);
		t0 = part_begin();
		for (size_t i = 0; i < batch; i++)
			mmu_interval_notifier_insert(&extra[i], w->mm,
						     scenario_start(w->count / 2 + i), STRIDE / 2,
						     &interval_ops);
		ns += part_end(t0);
		mmu_notifier_invalidate_range_end(&range);
		mmap_read_unlock(w->mm);
	}
	return (uint64_t)((double)ns * (double)n / (double)done);
}

/* ---- herds: readers and removers of intervals that are being invalidated ---- */

static int herd_setup(struct op_run *run)
{
	return world_new(run, (size_t)op_param(run, "sleepers"), 0);
}

static void herd_arm(void *shared)
{
	struct world *w = shared;

	range_of(w, &w->frozen, 0, w->count);
	mmap_read_lock(w->mm);
	mmu_notifier_invalidate_range_start(&w->frozen);
}

static void herd_wake(void *shared, unsigned int sleepers, uint32_t round)
{
	struct world *w = shared;

	(void)sleepers;
	(void)round;
	mmu_notifier_invalidate_range_end(&w->frozen);
	mmap_read_unlock(w->mm);
}

static void reader_sleep(void *shared, unsigned int i, uint32_t round)
{
	(void)round;
	mmu_interval_read_begin(&((struct world *)shared)->interval[i]);
}

static void remover_sleep(void *shared, unsigned int i, uint32_t round)
{
	(void)round;
	mmu_interval_notifier_remove(&((struct world *)shared)->interval[i]);
}

static void remover_again(void *shared, unsigned int i)
{
	struct world *w = shared;

	mmu_interval_notifier_insert(&w->interval[i], w->mm, scenario_start(i), STRIDE / 2,
				     &interval_ops);
}

static const struct herd_ops reader_herd = {
	.arm = herd_arm, .sleep = reader_sleep, .wake = herd_wake};
static const struct herd_ops remover_herd = {
	.arm = herd_arm, .sleep = remover_sleep, .again = remover_again, .wake = herd_wake};

/* ---- srcu: the list side ---- */

static int list_setup(struct op_run *run)
{
	return world_new(run, 0, (size_t)op_param(run, "notifiers"));
}

/* ---- the table ---- */

#define OF(fam, name) .family = fam, .op = name, .subject = MN_SUBJECT, .variant = MN_VARIANT
#define INTERVALS                                                                                  \
	{                                                                                          \
		"intervals", 5, {1, 100, 10000, 100000, 1000000}, 1u << 0 | 1u << 1 | 1u << 2      \
	}
#define SLEEPERS                                                                                   \
	{                                                                                          \
		"sleepers", 4, {1, 8, 64, 256}, 1u << 0 | 1u << 2                                  \
	}
#define HOOKS .thread_setup = hooks_setup, .thread_teardown = hooks_teardown

static const struct bench_op ops[] = {
	{OF("seq", "read_begin_retry"), .flags = OP_SCALES,
	 .params = {{"user_lock", 2, {0, 1}, 1u << 0}}, .setup = reader_setup,
	 .teardown = world_free, .run = reader_run},
	{OF("seq", "read_begin_retry_placed"), .flags = OP_SCALES | OP_FULL_ONLY | OWN_LOCK_ONLY,
	 .params = {PLACE_PARAM}, .named = PLACE_NAMES, .setup = placed_setup,
	 .teardown = placed_teardown, .thread_setup = placed_thread, .run = placed_run},
	{OF("seq", "range_hit"), .flags = OP_SCALES | EVERY_LOCK_IN_FULL,
	 .params = {{"intervals", 2, {100, 10000}, 1u << 0}, {"hits", 3, {1, 8, 64}, 1u << 0}},
	 .setup = hit_setup, .teardown = world_free, HOOKS, .run = range_run},
	{OF("seq", "range_miss"), .flags = OP_SCALES | EVERY_LOCK_IN_FULL,
	 .params = {{"intervals", 3, {1, 100, 10000}, 1u << 1}}, .setup = miss_setup,
	 .teardown = world_free, HOOKS, .run = range_run},
	{OF("seq", "mix"), .flags = OP_SCALES, .background = 1, .setup = mix_setup,
	 .teardown = world_free, .thread_setup = mix_thread_setup,
	 .thread_teardown = mix_thread_teardown, .run = reader_run,
	 .background_run = writer_background},
	{OF("seq", "range_empty"), .flags = OP_SCALES | OWN_LOCK_ONLY, .setup = empty_setup,
	 .teardown = world_free, HOOKS, .run = range_run},
	{OF("seq", "range_nested"), .flags = OP_SCALES | OWN_LOCK_ONLY,
	 .params = {{"intervals", 1, {100}, PARAM_ALL_QUICK}}, .setup = miss_setup,
	 .teardown = world_free, HOOKS, .run = nested_run},
	{OF("seq", "insert"), .flags = OWN_LOCK_ONLY, .params = {INTERVALS}, .setup = steady_setup,
	 .teardown = steady_free, .timed = insert_timed},
	{OF("seq", "remove"), .flags = OWN_LOCK_ONLY, .params = {INTERVALS}, .setup = steady_setup,
	 .teardown = steady_free, .timed = remove_timed},
	{OF("seq", "deferred_insert"), .flags = OWN_LOCK_ONLY,
	 .params = {{"intervals", 1, {512}, PARAM_ALL_QUICK}}, .setup = miss_setup,
	 .teardown = world_free, .timed = deferred_insert},
	/* One remover asleep: from the end of the range to its return. */
	{OF("seq", "deferred_remove"), .flags = OWN_LOCK_ONLY,
	 .params = {{"sleepers", 1, {1}, PARAM_ALL_QUICK}}, .setup = herd_setup,
	 .teardown = world_free, .herd = &remover_herd},
	{OF("wake", "herd_readers"), .flags = OWN_LOCK_ONLY, .params = {SLEEPERS},
	 .setup = herd_setup, .teardown = world_free, .herd = &reader_herd},
	{OF("wake", "herd_removers"), .flags = OWN_LOCK_ONLY, .params = {SLEEPERS},
	 .setup = herd_setup, .teardown = world_free, .herd = &remover_herd},
	{OF("srcu", "list_hooks"), .flags = OP_SCALES | OWN_LOCK_ONLY,
	 .params = {{"notifiers", 4, {0, 1, 8, 64}, PARAM_ALL_QUICK}}, .setup = list_setup,
	 .teardown = world_free, HOOKS, .run = range_run},
};

const struct op_table UNIT_TABLE(notifier) = OP_TABLE(ops);
