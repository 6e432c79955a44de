/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interval side's calls: ranges, subscriptions, readers. What others do
 * meanwhile is done where it matters, inside a callback and inside a sleep.
 */
#ifndef MN_FUZZ_OPS_INTERVAL_H
#define MN_FUZZ_OPS_INTERVAL_H

#include <linux/mm.h>
#include <linux/wait.h>

#include "ops_log.h"

void __wrap_wait_queue_sleep(wait_queue_head_t *wq, u32 val);
void __real_wait_queue_wake(wait_queue_head_t *wq);
void __wrap_wait_queue_wake(wait_queue_head_t *wq);

/* How deep calls inside callbacks and sleeps go. */
#define DEPTH 4

static struct interval *intervals[INTERVALS];
static unsigned int depth;
static unsigned long wakes;

/* A device that works until the second pass. */
struct finish {
	struct mmu_interval_notifier_finish core;
	struct interval *interval;
};

/* The interval side of the hook at hand. */
struct walk {
	const struct mmu_notifier_range *range; /* NULL: release's own */
	struct interval *hit[INTERVALS];
	struct finish *handed[INTERVALS];
	unsigned int hits, next, hands, finished;
	unsigned long seq;
	bool refused;
};
static struct walk *walk;

/* Who sleeps, until the count is no longer SEQ. */
struct sleeper {
	unsigned long seq;
	unsigned int slept;
};
static struct sleeper *sleeper;

/* One call of any kind, as the input says. */
static void operation(void);

/* One time in ONE_IN, a call in the middle of another. */
static void others(unsigned int one_in)
{
	__typeof__(given) our_given = given;
	struct sleeper *our_sleeper = sleeper;

	if (depth == DEPTH || !bytes_left(&input) || take_below(&input, one_in))
		return;
	depth++;
	sleeper = NULL;
	operation();
	depth--;
	sleeper = our_sleeper;
	given = our_given;
}

/* ---- ranges ---- */

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	struct interval *self = container_of(sub, struct interval, sub);
	struct walk *mine = walk;
	bool blockable = mmu_notifier_range_blockable(range);

	REQUIRE(mine && mine->next < mine->hits && mine->hit[mine->next] == self);
	REQUIRE(!mine->refused && !mine->finished);
	REQUIRE(cur_seq == mine->seq && (cur_seq & 1) && range->mm == mm);
	if (mine->range)
		REQUIRE(range == mine->range);
	else
		REQUIRE(blockable && !range->start && range->end == ULONG_MAX &&
			range->event == MMU_NOTIFY_RELEASE);
	mine->next++;
	others(4);
	if (take_below(&input, 8) == 7) {
		mine->refused = !blockable;
		model.warns += blockable;
		return false;
	}
	self->seq = cur_seq;
	mmu_interval_set_seq(sub, cur_seq);
	return true;
}

static bool invalidate_start(struct mmu_interval_notifier *sub,
			     const struct mmu_notifier_range *range, unsigned long cur_seq,
			     struct mmu_interval_notifier_finish **finish)
{
	struct finish *handed;

	REQUIRE(!*finish);
	if (!invalidate(sub, range, cur_seq))
		return false;
	if (!sub->ops->invalidate_finish || take_below(&input, 4) == 3)
		return true;
	handed = calloc(1, sizeof(*handed));
	REQUIRE(handed);
	handed->interval = container_of(sub, struct interval, sub);
	walk->handed[walk->hands++] = handed;
	*finish = &handed->core;
	return true;
}

static void invalidate_finish(struct mmu_interval_notifier_finish *core)
{
	struct finish *handed = container_of(core, struct finish, core);

	REQUIRE(walk && (walk->refused || walk->next == walk->hits));
	REQUIRE(walk->finished < walk->hands && walk->handed[walk->finished] == handed);
	REQUIRE(core->notifier == &handed->interval->sub);
	walk->finished++;
	others(8);
	free(handed);
}

/* In one pass; in two; in two, of which one was forgotten. */
static const struct mmu_interval_notifier_ops interval_ops[] = {
	{.invalidate = invalidate},
	{.invalidate_start = invalidate_start, .invalidate_finish = invalidate_finish},
	{.invalidate_start = invalidate_start},
};

/* What the callbacks of a walk over [START, END) will be checked against; returns the outer one. */
static struct walk *walk_begin(struct walk *mine, const struct mmu_notifier_range *range,
			       unsigned long start, unsigned long end)
{
	struct walk *outer = walk;

	*mine = (struct walk){.range = range};
	if (model.intervals_on)
		mine->hits = model_start(start, end, mine->hit);
	mine->seq = model.seq;
	walk = mine;
	return outer;
}

/* False: a callback refused. */
static bool walk_done(const struct walk *mine, struct walk *outer)
{
	walk = outer;
	REQUIRE(mine->refused || mine->next == mine->hits);
	REQUIRE(mine->finished == mine->hands);
	return !mine->refused;
}

/* What the list side makes of a start; whoever heard it hears the end too, after a refusal. */
static int list_start_result(bool blockable)
{
	unsigned int heard = require_walk(0, START, false);
	int ret = 0;

	for (unsigned int i = 0; i < heard; i++) {
		if (!calls[i].answer)
			continue;
		ret = calls[i].answer;
		model.warns += blockable || ret != -EAGAIN;
		model.warns += has_op(calls[i].listener, END);
	}
	require_no_more(ret ? require_walk(heard, END, false) : heard);
	return ret;
}

static struct open_range *take_range(void)
{
	unsigned long a = take_address(&input), b = take_address(&input);
	struct open_range *open = calloc(1, sizeof(*open));

	REQUIRE(open);
	if (a == b)
		a = a ? a - 1 : 1;
	mmu_notifier_range_init(&open->range, (enum mmu_notifier_event)take_below(&input, 8), 0, mm,
				a < b ? a : b, a < b ? b : a);
	return open;
}

static int call_start(struct mmu_notifier_range *range, bool blockable)
{
	given.range = range;
	if (!blockable)
		return mmu_notifier_invalidate_range_start_nonblock(range);
	mmu_notifier_invalidate_range_start(range);
	return 0;
}

static void start_range(bool blockable)
{
	struct walk mine, *outer;
	struct open_range *open;
	int ret, want;

	/* Those around this one, still to be opened, have their places reserved. */
	if (model.open + depth >= RANGES || model.users <= 0)
		return;
	open = take_range();
	mmap_read_lock(mm);
	model.locked++;
	outer = walk_begin(&mine, &open->range, open->range.start, open->range.end);
	ret = call_start(&open->range, blockable);
	if (walk_done(&mine, outer)) {
		want = list_start_result(blockable);
		open->refused = want && !blockable;
	} else {
		want = -EAGAIN;
		require_no_more(0);
		model_end();
	}
	REQUIRE(ret == (blockable ? 0 : want));
	if (!ret || (open->refused && model.intervals_on))
		model.ranges[model.open++] = open;
	if (!ret)
		return;
	mmap_read_unlock(mm);
	model.locked--;
	if (!open->refused || !model.intervals_on)
		free(open);
}

/*
 * Also of one that the list side refused: no caller may do that, but then its
 * intervals would stay invalidated for good, and so would this program.
 */
static void end_range(unsigned int i)
{
	struct open_range *open = model.ranges[i];

	for (model.open--; i < model.open; i++)
		model.ranges[i] = model.ranges[i + 1];
	if (open->refused) {
		mmap_read_lock(mm);
		model.locked++;
	}
	given.range = &open->range;
	mmu_notifier_invalidate_range_end(&open->range);
	if (model.intervals_on)
		model_end();
	require_no_more(require_walk(0, END, false));
	mmap_read_unlock(mm);
	model.locked--;
	free(open);
}

static void end_some_range(void)
{
	unsigned int i;

	if (!model.open)
		return;
	i = take_below(&input, model.open);
	if (!model.ranges[i]->refused)
		end_range(i);
}

/* ---- sleeping ---- */

void __wrap_wait_queue_wake(wait_queue_head_t *wq)
{
	wakes++;
	__real_wait_queue_wake(wq);
}

/* Others go on until they let the sleeper go, or it wakes for no reason. */
void __wrap_wait_queue_sleep(wait_queue_head_t *wq, u32 val)
{
	struct sleeper *mine = sleeper;

	REQUIRE(mine && mine->seq == model.seq && READ_ONCE(wq->word) == val && model.open);
	mine->slept++;
	model.announced = true;
	while (model.seq == mine->seq) {
		if (!bytes_left(&input)) {
			end_range(model.open - 1);
			continue;
		}
		if (take_below(&input, 8) == 7)
			return;
		others(1);
	}
}

static struct sleeper *sleep_begin(struct sleeper *mine)
{
	struct sleeper *outer = sleeper;

	*mine = (struct sleeper){.seq = model.seq};
	sleeper = mine;
	return outer;
}

/* ---- intervals ---- */

/* -errno as the model has it; LENGTH's end is in *LAST. */
static int insert_result(unsigned long start, unsigned long length, unsigned long *last)
{
	model.subscribed = true;
	model.intervals_on = true;
	if (!length || __builtin_add_overflow(start, length - 1, last))
		return -EOVERFLOW;
	if (model.users > 0)
		return 0;
	model.warns++;
	return -EINVAL;
}

static int call_insert(struct interval *interval, unsigned long start, unsigned long length,
		       const struct mmu_interval_notifier_ops *ops)
{
	int ret;

	if (model.locked || take_below(&input, 2)) {
		/* The other form does not look at it, as in the kernel. */
		model.warns += ops->invalidate_start && !ops->invalidate_finish;
		return mmu_interval_notifier_insert(&interval->sub, mm, start, length, ops);
	}
	mmap_write_lock(mm);
	ret = mmu_interval_notifier_insert_locked(&interval->sub, mm, start, length, ops);
	mmap_write_unlock(mm);
	return ret;
}

static void insert(unsigned int slot)
{
	unsigned long start = take_address(&input), length = take_address(&input), last = 0;
	const struct mmu_interval_notifier_ops *ops = &interval_ops[take_below(&input, 3)];
	struct interval *interval;
	int want;

	/* The first one takes mmap_lock, and wants an mm that lives. */
	if (!model.intervals_on && (model.locked || model.users <= 0))
		return;
	interval = calloc(1, sizeof(*interval));
	REQUIRE(interval);
	want = insert_result(start, length, &last);
	REQUIRE(call_insert(interval, start, length, ops) == want);
	if (want) {
		free(interval);
		return;
	}
	interval->start = start;
	interval->last = last;
	intervals[slot] = interval;
	model_insert(interval);
}

static void remove_interval(unsigned int slot)
{
	struct interval *interval = intervals[slot];
	bool waits = removal_waits(interval);
	struct sleeper mine, *outer;

	if (interval->place >= WAITS_OUT || interval->readers ||
	    (waits && (walk || depth == DEPTH)))
		return;
	outer = sleep_begin(&mine);
	model_remove(interval);
	mmu_interval_notifier_remove(&interval->sub);
	sleeper = outer;
	REQUIRE(!!mine.slept == waits && (!waits || model.seq != mine.seq));
	model.count--;
	intervals[slot] = NULL;
	free(interval);
}

static void read_interval(unsigned int slot)
{
	struct interval *interval = intervals[slot];
	bool collides = interval->seq == model.seq;
	unsigned long seq = interval->seq;
	struct sleeper mine, *outer;

	if (interval->place >= WAITS_OUT || (collides && (walk || depth == DEPTH)))
		return;
	outer = sleep_begin(&mine);
	interval->readers++;
	REQUIRE(mmu_interval_read_begin(&interval->sub) == seq);
	interval->readers--;
	sleeper = outer;
	REQUIRE(!!mine.slept == collides);
	REQUIRE(mmu_interval_read_retry(&interval->sub, seq) == (interval->seq != seq));
	REQUIRE(mmu_interval_check_retry(&interval->sub, seq) == (interval->seq != seq));
}

#endif
