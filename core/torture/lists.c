/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * List notifiers that come and go while hooks run: after unregister no op
 * runs, and the memory is freed at once; after the last put it is freed once,
 * by the subscription's own op, when no hook can be inside any more.
 */
#include "hooks.h"

static struct mm_struct *mm;

/* ---- register and unregister ---- */

static const struct mmu_notifier_ops own_ops = {LISTENER_OPS};

static void call_hooks(struct torture_thread *self)
{
	call_a_hook(self, mm);
	/* Registration waits until no range is under way. */
	torture_pause(self);
	torture_pause(self);
}

static void subscribe_for_a_while(struct torture_thread *self)
{
	struct listener *listener = torture_alloc(sizeof(*listener));

	listener->sub.ops = &own_ops;
	torture_at(self, "mmu_notifier_register");
	if (mmu_notifier_register(&listener->sub, mm))
		torture_fail("no-crash", "a notifier cannot be registered");
	torture_pause(self);
	torture_at(self, "mmu_notifier_unregister");
	mmu_notifier_unregister(&listener->sub, mm);
	if (!listener->releases)
		torture_fail("release-is-called", "a notifier was not told of its end");
	torture_free(&listener->life, sizeof(*listener));
}

/* ---- get and put ---- */

static const struct mmu_notifier_ops shared_ops = {
	LISTENER_OPS,
	.alloc_notifier = listener_alloc,
	.free_notifier = listener_free,
};

static void get_and_put(struct torture_thread *self)
{
	struct mmu_notifier *sub;

	torture_at(self, "mmu_notifier_get");
	sub = mmu_notifier_get(&shared_ops, mm);
	if (IS_ERR(sub))
		torture_fail("no-crash", "mmu_notifier_get gave %ld", PTR_ERR(sub));
	torture_pause(self);
	stay_inside(to_listener(sub)); /* it is the caller's as long as it is not put */
	torture_at(self, "mmu_notifier_put");
	mmu_notifier_put(sub);
	torture_pause(self);
	if (!torture_random(self, 32)) {
		torture_at(self, "mmu_notifier_synchronize");
		mmu_notifier_synchronize();
	}
}

static void begin(void)
{
	mm = new_mm();
}

static void end(void)
{
	mmu_notifier_synchronize();
	if (listeners.allocated != listeners.freed)
		torture_fail("freed-once", "%lu notifiers were made, and %lu freed",
			     listeners.allocated, listeners.freed);
	end_mm(mm);
}

const struct torture_test torture_lists[] = {
	{
		.name = "unregister",
		.invariant = NO_OP_AFTER,
		.flags = TORTURE_STORM,
		.begin = begin,
		.end = end,
		.roles = {{.name = "mm", .step = call_hooks},
			  {.name = "subscriber", .step = subscribe_for_a_while, .threads = 2}},
	},
	{
		.name = "get_put",
		.invariant = NO_OP_AFTER,
		.flags = TORTURE_STORM,
		.begin = begin,
		.end = end,
		.roles = {{.name = "mm", .step = call_hooks},
			  {.name = "subscriber", .step = get_and_put, .threads = 3}},
	},
	{.name = NULL},
};
