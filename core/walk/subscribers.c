/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Those who subscribe: they note what they are told, and now and then do what
 * drivers may do. */
#include "actors.h"
#include "feature.h"
#include "log.h"
#include "world.h"

#include <linux/err.h>
#include <linux/kernel.h>

static void note_range(const char *who, unsigned long name, const char *op,
		       const struct mmu_notifier_range *range)
{
	note("%s%lu.%s(M%lu [%lx, %lx) flags %lu event %lu owner %lx)", who, name, op,
	     mm_name(range->mm), range->start, range->end, (unsigned long)range->flags,
	     (unsigned long)range->event, (unsigned long)range->owner);
}

/* A callback that may sleep lets others go first; it may begin ranges of its
 * own. */
static void linger(const struct mmu_notifier_range *range, bool in_op)
{
	struct space *space = space_of(range->mm);

	if (!mmu_notifier_range_blockable(range))
		return;
	if (one_in(3))
		actor_yield();
	if (!in_op && space->by_interval && one_in(12))
		insert_into(space, false);
	if (!world.nested && space_is_used(space) && one_in(12)) {
		world.nested = true;
		pass_range(space, one_in(2));
		world.nested = false;
	}
}

/* ---- intervals ---- */

static bool refuses(const struct mmu_notifier_range *range)
{
	/* Where it may sleep, a refusal is a WARN. */
	bool refuse = one_in(mmu_notifier_range_blockable(range) ? 64 : 4);

	if (refuse)
		note("refuses");
	return refuse;
}

static bool interval_told(struct mmu_interval_notifier *sub, const char *op,
			  const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct interval *self = container_of(sub, struct interval, sub);

	note_range("I", interval_name(self), op, range);
	if (self->state == FREE)
		note("which is gone");
	note("seq %lu, was %lu", cur_seq, sub->invalidate_seq);
	linger(range, false);
	if (refuses(range))
		return false;
	mmu_interval_set_seq(sub, cur_seq);
	return true;
}

static bool interval_invalidate(struct mmu_interval_notifier *sub,
				const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	return interval_told(sub, "invalidate", range, cur_seq);
}

#if COMPAT_TWO_PASS
static struct finish *finish_take(void)
{
	for (int i = 0; i < FINISHES; i++) {
		if (world.finishes[i].taken)
			continue;
		world.finishes[i].taken = true;
		return &world.finishes[i];
	}
	return NULL;
}

/* May hand a finish back even if it refuses: nobody takes it then. */
static bool interval_start(struct mmu_interval_notifier *sub,
			   const struct mmu_notifier_range *range, unsigned long cur_seq,
			   struct mmu_interval_notifier_finish **finish)
{
	struct finish *mine;

	if (*finish)
		note("which was handed a finish");
	if (!interval_told(sub, "start", range, cur_seq))
		return false;
	mine = one_in(4) ? NULL : finish_take();
	if (!mine)
		return true;
	note("wants finish %lu", (unsigned long)(mine - world.finishes));
	*finish = &mine->pass;
	return true;
}

static void interval_finish(struct mmu_interval_notifier_finish *pass)
{
	struct finish *mine = container_of(pass, struct finish, pass);

	note("I%lu.finish %lu", interval_name(container_of(pass->notifier, struct interval, sub)),
	     (unsigned long)(mine - world.finishes));
	mine->taken = false;
}

/* Has no finish, and wants none; that it could is a WARN at its insertion. */
static bool interval_half(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			  unsigned long cur_seq, struct mmu_interval_notifier_finish **finish)
{
	(void)finish;
	return interval_told(sub, "half", range, cur_seq);
}
#endif

static const struct mmu_interval_notifier_ops interval_kinds[] = {
	{.invalidate = interval_invalidate},
#if COMPAT_TWO_PASS
	{.invalidate_start = interval_start, .invalidate_finish = interval_finish},
	{.invalidate_start = interval_half},
#endif
};

/* ---- list notifiers ---- */

static struct listener *called(struct mmu_notifier *sub)
{
	struct listener *self = container_of(sub, struct listener, sub);

	actor_enters_op();
	return self;
}

static void check_alive(const struct listener *self)
{
	if (self->state == FREE)
		note("which is gone");
}

static void listener_release(struct mmu_notifier *sub, struct mm_struct *mm)
{
	struct listener *self = called(sub);

	note("L%lu.release(M%lu)", listener_name(self), mm_name(mm));
	check_alive(self);
	if (self->refs && one_in(2))
		put_listener(self);
	if (one_in(2))
		actor_yield();
	actor_leaves_op();
}

static compat_young_t aged(struct mmu_notifier *sub, const char *op, struct mm_struct *mm,
			   unsigned long start, unsigned long end)
{
	struct listener *self = called(sub);
	unsigned long answer = draw(has(YOUNG_VALUES) ? 4 : 2);

	note("L%lu.%s(M%lu %lx, %lx), answers %lu", listener_name(self), op, mm_name(mm), start,
	     end, answer);
	check_alive(self);
	if (one_in(3))
		actor_yield();
	actor_leaves_op();
	return (compat_young_t)answer;
}

static compat_young_t listener_clear_flush_young(struct mmu_notifier *sub, struct mm_struct *mm,
						 unsigned long start, unsigned long end)
{
	return aged(sub, "clear_flush_young", mm, start, end);
}

static compat_young_t listener_clear_young(struct mmu_notifier *sub, struct mm_struct *mm,
					   unsigned long start, unsigned long end)
{
	return aged(sub, "clear_young", mm, start, end);
}

static compat_young_t listener_test_young(struct mmu_notifier *sub, struct mm_struct *mm,
					  unsigned long address)
{
	return aged(sub, "test_young", mm, address, 0);
}

static __maybe_unused void listener_change_pte(struct mmu_notifier *sub, struct mm_struct *mm,
					       unsigned long address, pte_t pte)
{
	aged(sub, "change_pte", mm, address, pte_val(pte));
}

static __maybe_unused void listener_tlbs(struct mmu_notifier *sub, struct mm_struct *mm,
					 unsigned long start, unsigned long end)
{
	aged(sub, "secondary_tlbs", mm, start, end);
}

static __maybe_unused void listener_invalidate_range(struct mmu_notifier *sub, struct mm_struct *mm,
						     unsigned long start, unsigned long end)
{
	aged(sub, "invalidate_range", mm, start, end);
}

/* An op table without end may refuse; one with it seldom does, since that is a
 * WARN. */
static bool listener_refuses(const struct listener *self, const struct mmu_notifier_range *range)
{
	if (mmu_notifier_range_blockable(range))
		return one_in(64);
	return one_in(self->sub.ops->invalidate_range_end ? 48 : 3);
}

static int listener_range_start(struct mmu_notifier *sub, const struct mmu_notifier_range *range)
{
	struct listener *self = called(sub);
	int ret = 0;

	note_range("L", listener_name(self), "start", range);
	check_alive(self);
	linger(range, true);
	if (listener_refuses(self, range)) {
		ret = one_in(8) ? -EINVAL : -EAGAIN;
		refused_by_list = range;
		note("refuses, %ld", (long)ret);
	}
	actor_leaves_op();
	return ret;
}

static void listener_range_end(struct mmu_notifier *sub, const struct mmu_notifier_range *range)
{
	struct listener *self = called(sub);

	note_range("L", listener_name(self), "end", range);
	check_alive(self);
	linger(range, true);
	actor_leaves_op();
}

static struct mmu_notifier *listener_alloc(struct mm_struct *mm)
{
	struct listener *self = one_in(8) ? NULL : pick_listener(listener_is_free);

	if (!self) {
		note("alloc_notifier(M%lu) fails", mm_name(mm));
		return ERR_PTR(-ENOSPC);
	}
	note("alloc_notifier(M%lu) gives L%lu", mm_name(mm), listener_name(self));
	listener_make(self);
	return &self->sub;
}

static void listener_freed(struct mmu_notifier *sub)
{
	struct listener *self = container_of(sub, struct listener, sub);

	note("L%lu.free", listener_name(self));
	check_alive(self);
	listener_free(self);
}

#define AGING_OPS                                                                                  \
	.clear_flush_young = listener_clear_flush_young, .clear_young = listener_clear_young,      \
	.test_young = listener_test_young
#define RANGE_OPS                                                                                  \
	.invalidate_range_start = listener_range_start, .invalidate_range_end = listener_range_end
#define GOT_OPS .alloc_notifier = listener_alloc, .free_notifier = listener_freed

static const struct mmu_notifier_ops all_ops = {
	.release = listener_release,
	AGING_OPS,
	COMPAT_CHANGE_PTE_OP(listener_change_pte) RANGE_OPS,
};
static const struct mmu_notifier_ops start_ops = {.invalidate_range_start = listener_range_start};
static const struct mmu_notifier_ops end_ops = {.invalidate_range_end = listener_range_end};
static const struct mmu_notifier_ops aging_ops = {AGING_OPS};
static const struct mmu_notifier_ops no_ops = {0};
static const struct mmu_notifier_ops release_ops = {.release = listener_release,
						    .test_young = listener_test_young,
						    COMPAT_CHANGE_PTE_OP(listener_change_pte)};
static const struct mmu_notifier_ops tlb_ops = {.release = listener_release,
						COMPAT_SECONDARY_TLBS_OP(listener_tlbs)};
static const struct mmu_notifier_ops mixed_ops = {.invalidate_range_start = listener_range_start,
						  COMPAT_SECONDARY_TLBS_OP(listener_tlbs)};
static const struct mmu_notifier_ops old_range_ops = {
	RANGE_OPS, COMPAT_INVALIDATE_RANGE_OP(listener_invalidate_range)};
static const struct mmu_notifier_ops got_all_ops = {
	.release = listener_release, AGING_OPS, RANGE_OPS, GOT_OPS};
static const struct mmu_notifier_ops got_start_ops = {
	.release = listener_release, .invalidate_range_start = listener_range_start, GOT_OPS};

static const struct listener_kind kinds[] = {
	{"all", &all_ops},     {"all", &all_ops},	  {"start", &start_ops}, {"end", &end_ops},
	{"aging", &aging_ops}, {"release", &release_ops}, {"none", &no_ops},
};
static const struct listener_kind tlb_kind = {"tlb", &tlb_ops};
static const struct listener_kind mixed_kind = {"mixed", &mixed_ops};
static const struct listener_kind old_range_kind = {"invalidate_range", &old_range_ops};
static const struct listener_kind got_kinds[] = {
	{"got-all", &got_all_ops},
	{"got-start", &got_start_ops},
};

const struct listener_kind *draw_listener_kind(void)
{
	const struct listener_kind *kind = &kinds[draw(ARRAY_SIZE(kinds))];
	unsigned long other = draw(16);

	if (other < 3 && has(SECONDARY_TLBS))
		return other ? &tlb_kind : &mixed_kind;
	return other < 6 && has(INVALIDATE_RANGE) ? &old_range_kind : kind;
}

const struct listener_kind *draw_got_kind(void)
{
	return &got_kinds[draw(ARRAY_SIZE(got_kinds))];
}

const struct mmu_interval_notifier_ops *draw_interval_ops(void)
{
	return &interval_kinds[has(TWO_PASS) ? draw(ARRAY_SIZE(interval_kinds)) : 0];
}
