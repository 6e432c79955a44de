/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "steps.h"

#include "actors.h"
#include "feature.h"
#include "log.h"
#include "world.h"

#include <linux/kernel.h>

/* ---- the other hooks: no lock of the mm is needed ---- */

static void young(void)
{
	struct space *space = use_space(space_is_held);
	unsigned long which = draw(3), at, answer;

	if (!space)
		return;
	at = draw_address();
	note("young %lu of M%lu at %lx", which, space->name, at);
	if (which == 0)
		answer = mmu_notifier_clear_flush_young(space->mm, at, at + PAGE_SIZE);
	else if (which == 1)
		answer = mmu_notifier_clear_young(space->mm, at, at + PAGE_SIZE);
	else
		answer = mmu_notifier_test_young(space->mm, at);
	note("young %lu: %lu", which, answer);
	unuse_space(space);
}

static void change_pte(void)
{
	struct space *space = has(CHANGE_PTE) ? use_space(space_is_held) : NULL;
	unsigned long at;

	if (!space)
		return;
	note("change_pte of M%lu", space->name);
	at = draw_address();
	mmu_notifier_change_pte(space->mm, at, __pte(draw(1000)));
	unuse_space(space);
}

static void secondary_tlbs(void)
{
	struct space *space = has(SECONDARY_TLBS) ? use_space(space_is_held) : NULL;
	unsigned long at;

	if (!space)
		return;
	note("secondary TLBs of M%lu", space->name);
	at = draw_address();
	mmu_notifier_arch_invalidate_secondary_tlbs(space->mm, at, at + draw_length());
	unuse_space(space);
}

static void invalidate_range(void)
{
	struct space *space = has(INVALIDATE_RANGE) ? use_space(space_is_held) : NULL;
	unsigned long at;

	if (!space)
		return;
	note("invalidate_range of M%lu", space->name);
	at = draw_address();
	mmu_notifier_invalidate_range(space->mm, at, at + draw_length());
	unuse_space(space);
}

/* ---- the tables ---- */

static const struct step {
	void (*run)(void);
	unsigned long weight;
} steps[] = {
	{make_space, 4},     {leave_space, 1},	    {drop_space, 1},	 {visit_space, 2},
	{open_blockable, 8}, {open_nonblock, 6},    {end_range, 12},	 {pass, 6},
	{insert, 12},	     {insert_locked, 3},    {insert_dead, 1},	 {remove_any, 8},
	{read_interval, 10}, {register_any, 6},	    {unregister_any, 5}, {get_listener, 5},
	{put_any, 5},	     {synchronize, 2},	    {young, 4},		 {change_pte, 2},
	{secondary_tlbs, 2}, {invalidate_range, 2},
};

unsigned long step_count(void)
{
	return ARRAY_SIZE(steps);
}

unsigned long step_usual_weight(unsigned long which)
{
	return steps[which].weight;
}

void step_run(unsigned long which)
{
	steps[which].run();
}

static void end_ranges(void)
{
	while (range_can_end())
		end_range();
}

static void remove_all(void)
{
	struct interval *interval;

	while ((interval = pick_interval(interval_is_live)))
		remove_interval(interval);
}

static void unregister_all(void)
{
	struct listener *listener;

	while ((listener = pick_listener(listener_is_registered)))
		unregister_listener(listener);
}

static bool listener_has_refs(const struct listener *listener)
{
	return listener->state == LIVE && listener->refs;
}

static void put_all(void)
{
	struct listener *listener;

	while ((listener = pick_listener(listener_has_refs)))
		put_listener(listener);
	synchronize();
}

static void leave_all(void)
{
	while (pick_space(space_is_used))
		leave_space();
}

static void drop_all(void)
{
	while (pick_space(space_is_unused))
		drop_space();
	for (int i = 0; i < MMS; i++)
		if (world.spaces[i].mm)
			note("M%lu is left over", world.spaces[i].name);
}

/* The owners before the exit; then, of every other walk, after it. */
void ending_run(unsigned long which)
{
	static void (*const endings[ENDINGS])(void) = {
		end_ranges, leave_all, remove_all, unregister_all, put_all, drop_all,
	};

	endings[which]();
}
