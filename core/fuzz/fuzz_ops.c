/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stream of calls of the notifiers' interface, against model.h: what is
 * called, in which order and with what, what is returned, every count and
 * every reference. In one thread; a sleep comes to ops_interval.h instead,
 * by the linker's --wrap of wait_queue_sleep and wait_queue_wake.
 */
#include <linux/sched/mm.h>

#include "ops_interval.h"

static struct listener *listeners[LISTENERS], *gotten[GETTERS];
static struct mmu_notifier_ops get_ops[GETTERS];
static unsigned int getting, freed;
static unsigned long warns_before;
static bool alloc_fails;

/* ---- list notifiers ---- */

static struct listener *listener_new(struct listener **slot)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	REQUIRE(listener);
	listener->slot = slot;
	*slot = listener;
	return listener;
}

static void listener_free(struct listener *listener)
{
	*listener->slot = NULL;
	free(listener);
}

static int register_result(const struct mmu_notifier_ops *ops)
{
	if (!mixes_ops(ops))
		return 0;
	model.warns++;
	return -EINVAL;
}

/* Registering takes mmap_lock, and wants an mm that lives. */
static bool may_register(void)
{
	return !model.locked && model.users > 0;
}

static void listen(unsigned int slot)
{
	struct listener *listener;
	int want;

	if (!may_register())
		return;
	listener = listener_new(&listeners[slot]);
	listener_ops(&listener->ops, take(&input));
	listener->sub.ops = &listener->ops;
	want = register_result(&listener->ops);
	REQUIRE(mmu_notifier_register(&listener->sub, mm) == want);
	if (want)
		listener_free(listener);
	else
		model_listen(listener);
}

static void unlisten(struct listener *listener)
{
	bool told = listener->hashed && has_op(listener, RELEASE);

	mmu_notifier_unregister(&listener->sub, mm);
	REQUIRE(called == told);
	if (told)
		REQUIRE(calls[0].listener == listener && calls[0].op == RELEASE);
	called = 0;
	model_unhash(listener);
	model.count--;
	listener_free(listener);
}

static void intervals_on(void)
{
	if (!may_register())
		return;
	REQUIRE(mmu_notifier_register(NULL, mm) == 0);
	model.subscribed = true;
	model.intervals_on = true;
}

/* ---- get and put ---- */

static struct mmu_notifier *alloc_notifier(struct mm_struct *of)
{
	REQUIRE(of == mm && !gotten[getting]);
	return alloc_fails ? ERR_PTR(-ENOMEM) : &listener_new(&gotten[getting])->sub;
}

static void free_notifier(struct mmu_notifier *sub)
{
	freed++;
	listener_free(container_of(sub, struct listener, sub));
}

static void get_first(unsigned int slot)
{
	struct mmu_notifier_ops *ops = &get_ops[slot];
	struct mmu_notifier *sub;
	unsigned int freed_before = freed;
	int want = -ENOMEM;

	listener_ops(ops, take(&input));
	ops->alloc_notifier = alloc_notifier;
	ops->free_notifier = free_notifier;
	getting = slot;
	alloc_fails = take_below(&input, 8) == 7;
	if (!alloc_fails)
		want = register_result(ops);
	sub = mmu_notifier_get(ops, mm);
	REQUIRE(IS_ERR(sub) ? PTR_ERR(sub) == want : !want && sub == &gotten[slot]->sub);
	REQUIRE(freed - freed_before == (want && !alloc_fails) && !gotten[slot] == !!want);
	if (!want)
		model_listen(gotten[slot]);
}

static void get(unsigned int slot)
{
	struct listener *listener = gotten[slot];

	if (!may_register())
		return;
	if (!listener) {
		get_first(slot);
	} else if (take_below(&input, 8) == 7) {
		listener->sub.users = UINT_MAX;
		REQUIRE(PTR_ERR(mmu_notifier_get(&get_ops[slot], mm)) == -EOVERFLOW);
		listener->sub.users = listener->users;
	} else {
		REQUIRE(mmu_notifier_get(&get_ops[slot], mm) == &listener->sub);
		listener->users++;
	}
}

static void put(struct listener *listener)
{
	unsigned int freed_before = freed;
	bool last = !--listener->users;

	if (last) {
		model_unhash(listener);
		model.count--;
	}
	mmu_notifier_put(&listener->sub);
	mmu_notifier_synchronize();
	REQUIRE(freed - freed_before == last);
}

/* ---- the aging and pte hooks ---- */

static int answers_or(void)
{
	int ret = 0;

	for (unsigned int i = 0; i < called; i++)
		ret |= calls[i].answer;
	return ret;
}

static void age(enum op op)
{
	int (*const hook)(struct mm_struct *, unsigned long, unsigned long) =
		op == CLEAR ? mmu_notifier_clear_young : mmu_notifier_clear_flush_young;
	int got = hook(mm, given.start, given.end);

	REQUIRE(got == answers_or());
	require_no_more(require_walk(0, op, false));
}

static void test_young(void)
{
	int got = mmu_notifier_test_young(mm, given.start);

	REQUIRE(got == (called ? calls[called - 1].answer : 0));
	require_no_more(require_walk(0, TEST, true));
}

static void pte_hook(void)
{
	given.start = take_address(&input);
	given.end = take_address(&input);
	switch (take_below(&input, 5)) {
	case 0:
		age(CLEAR);
		break;
	case 1:
		age(CLEAR_FLUSH);
		break;
	case 2:
		test_young();
		break;
	case 3:
		mmu_notifier_change_pte(mm, given.start, __pte(given.end));
		require_no_more(require_walk(0, CHANGE_PTE, false));
		break;
	case 4:
		mmu_notifier_arch_invalidate_secondary_tlbs(mm, given.start, given.end);
		require_no_more(require_walk(0, TLBS, false));
		break;
	}
}

/* ---- the mm ---- */

static void release_mm(void)
{
	struct walk mine, *outer;

	model.users = 0;
	outer = walk_begin(&mine, NULL, 0, ULONG_MAX);
	mmput(mm);
	REQUIRE(walk_done(&mine, outer));
	if (model.intervals_on)
		model_end();
	require_no_more(require_walk(0, RELEASE, false));
	while (model.listed)
		model_unhash(model.list[0]);
	model.count--;
}

/* The last one may not come while others use the mm, nor in the middle of a call. */
static void put_mm(void)
{
	if (model.users > 1) {
		model.users--;
		mmput(mm);
	} else if (model.users && !model.locked && !depth) {
		release_mm();
	}
}

static void get_mm(void)
{
	bool lives = mmget_not_zero(mm);

	REQUIRE(lives == (model.users > 0));
	model.users += lives;
}

/* What can be seen of the state from outside. */
static void check_state(void)
{
	REQUIRE(atomic_read(&mm->mm_users) == model.users);
	REQUIRE(atomic_read(&mm->mm_count) == model.count);
	REQUIRE(bug_warn_count() - warns_before == model.warns && wakes == model.wakes);
	REQUIRE(!!mm_has_notifiers(mm) == model.subscribed);
	for (unsigned int i = 0; i < INTERVALS; i++)
		REQUIRE(!intervals[i] || intervals[i]->sub.invalidate_seq == intervals[i]->seq);
	for (unsigned int i = 0; i < LISTENERS; i++)
		REQUIRE(!listeners[i] ||
			!hlist_unhashed(&listeners[i]->sub.hlist) == listeners[i]->hashed);
}

/* ---- an input ---- */

static void interval_operation(bool read)
{
	unsigned int slot = take_below(&input, INTERVALS);

	if (!intervals[slot])
		insert(slot);
	else if (read)
		read_interval(slot);
	else
		remove_interval(slot);
}

static void list_operation(void)
{
	unsigned int slot = take_below(&input, LISTENERS);

	if (listeners[slot])
		unlisten(listeners[slot]);
	else
		listen(slot);
}

static void get_operation(void)
{
	unsigned int slot = take_below(&input, 2 * GETTERS);

	if (slot < GETTERS)
		get(slot);
	else if (gotten[slot - GETTERS])
		put(gotten[slot - GETTERS]);
}

static void mm_operation(void)
{
	switch (take_below(&input, 4)) {
	case 0:
		put_mm();
		break;
	case 1:
		intervals_on();
		break;
	default:
		get_mm();
	}
}

static void operation(void)
{
	switch (take_below(&input, 16)) {
	case 0 ... 2:
		start_range(true);
		break;
	case 3 ... 4:
		start_range(false);
		break;
	case 5 ... 7:
		end_some_range();
		break;
	case 8 ... 9:
		interval_operation(false);
		break;
	case 10 ... 11:
		interval_operation(true);
		break;
	case 12:
		list_operation();
		break;
	case 13:
		get_operation();
		break;
	case 14:
		if (model.users > 0)
			pte_hook();
		break;
	case 15:
		mm_operation();
		break;
	}
	check_state();
}

static void begin(void)
{
	model = (struct model){.seq = 2, .users = 1, .count = 2};
	warns_before = bug_warn_count();
	wakes = 0;
	mm = mm_alloc();
	REQUIRE(mm);
	mmgrab(mm); /* ours: to look at it until the end */
}

/* Everybody leaves, and nothing is left but our reference. */
static void finish(void)
{
	while (model.open)
		end_range(model.open - 1);
	while (model.users)
		put_mm();
	for (unsigned int i = 0; i < GETTERS; i++)
		while (gotten[i])
			put(gotten[i]);
	for (unsigned int i = 0; i < LISTENERS; i++)
		if (listeners[i])
			unlisten(listeners[i]);
	for (unsigned int i = 0; i < INTERVALS; i++)
		if (intervals[i])
			remove_interval(i);
	check_state();
	REQUIRE(model.count == 1);
	mmdrop(mm);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = (struct bytes){data, data + size};
	begin();
	while (bytes_left(&input))
		operation();
	finish();
	return 0;
}
