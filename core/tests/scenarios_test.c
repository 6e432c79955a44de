/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scenarios that the kernel's twin shares: their plans, and that all that goes in comes out. */
#include <linux/err.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <stdlib.h>

#include "../../platforms/kernel/scenarios.h"
#include "check.h"

#define MOST 1000

static struct mmu_interval_notifier subs[MOST];
static unsigned long starts[MOST];
static size_t outs[MOST];
static struct scenario_batch batch = {.sub = subs, .start = starts, .out = outs};

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	(void)range;
	mmu_interval_set_seq(sub, cur_seq);
	return true;
}

static const struct mmu_interval_notifier_ops ops = {.invalidate = invalidate};

static void plan(size_t count, enum scenario_order order)
{
	batch.count = count;
	scenario_plan_fill(&batch, order);
}

static bool all_places_once(size_t count)
{
	static bool seen[MOST];

	for (size_t i = 0; i < count; i++)
		seen[i] = false;
	for (size_t i = 0; i < count; i++) {
		size_t at = (starts[i] - SCENARIO_BASE) / SCENARIO_STRIDE;

		if (at >= count || seen[at] || scenario_start(at) != starts[i])
			return false;
		seen[at] = true;
	}
	return true;
}

static size_t ascents(size_t count)
{
	size_t n = 0;

	for (size_t i = 1; i < count; i++)
		n += starts[i] > starts[i - 1];
	return n;
}

static void orders(void)
{
	plan(MOST, SCENARIO_IN_ORDER);
	CHECK(all_places_once(MOST));
	CHECK_EQ(ascents(MOST), MOST - 1);
	plan(MOST, SCENARIO_REVERSE);
	CHECK(all_places_once(MOST));
	CHECK_EQ(ascents(MOST), 0);
	plan(MOST, SCENARIO_RANDOM);
	CHECK(all_places_once(MOST));
	CHECK(ascents(MOST) > MOST / 3 && ascents(MOST) < MOST * 2 / 3);
	CHECK(batch.length < SCENARIO_STRIDE);
	plan(MOST, SCENARIO_OVERLAPPING);
	CHECK(all_places_once(MOST));
	CHECK(batch.length > SCENARIO_STRIDE);
	CHECK_EQ(outs[MOST - 1], MOST - 1); /* out as they came in */
}

static void extras_lie_over_gaps(void)
{
	batch.count = steady_batch(MOST);
	CHECK(batch.count > 1 && batch.count <= MOST / 16);
	scenario_plan_extras(&batch, MOST);
	for (size_t i = 0; i < batch.count; i++) {
		CHECK_EQ((starts[i] - SCENARIO_BASE) % SCENARIO_STRIDE, SCENARIO_STRIDE / 4);
		CHECK(starts[i] < scenario_start(MOST));
	}
	CHECK_EQ(steady_batch(1), 1);
	CHECK_EQ(steady_batch(1000000), STEADY_OPS);
}

/* The mm's own reference is the last when every interval has dropped its. */
static void in_and_out(void)
{
	batch.mm = mm_alloc();
	for (int order = 0; order < SCENARIO_ORDERS; order++) {
		plan(MOST, (enum scenario_order)order);
		CHECK_EQ(scenario_insert(&batch, 0, MOST / 2, &ops), MOST / 2);
		mmap_write_lock(batch.mm);
		CHECK_EQ(scenario_insert_locked(&batch, MOST / 2, MOST, &ops), MOST);
		mmap_write_unlock(batch.mm);
		CHECK_EQ(atomic_read(&batch.mm->mm_count), 1 + MOST);
		scenario_remove(&batch, 0, MOST);
		CHECK_EQ(atomic_read(&batch.mm->mm_count), 1);
	}
	mmput(batch.mm);
}

/* Who takes away what is in goes by the number that came in. */
static void an_insert_that_fails(void)
{
	batch.mm = mm_alloc();
	plan(10, SCENARIO_IN_ORDER);
	starts[6] = -batch.length + 1; /* its end lies beyond the last address */
	CHECK_EQ(scenario_insert(&batch, 0, 10, &ops), 6);
	for (size_t i = 0; i < 6; i++)
		mmu_interval_notifier_remove(&subs[i]);
	CHECK_EQ(atomic_read(&batch.mm->mm_count), 1);
	mmput(batch.mm);
}

int main(void)
{
	RUN(orders);
	RUN(extras_lie_over_gaps);
	RUN(in_and_out);
	RUN(an_insert_that_fails);
	return check_exit();
}
