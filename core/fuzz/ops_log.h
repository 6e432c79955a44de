/* SPDX-License-Identifier: GPL-2.0-or-later */
/* List notifiers that log their calls, and answer what the input says. */
#ifndef MN_FUZZ_OPS_LOG_H
#define MN_FUZZ_OPS_LOG_H

#include <linux/err.h>

#include "model.h"

enum op { RELEASE, CLEAR_FLUSH, CLEAR, TEST, CHANGE_PTE, START, END, TLBS, OPS };

static struct bytes input;
static struct mm_struct *mm;

/* The list-side calls of one hook. */
static struct called {
	struct listener *listener;
	enum op op;
	int answer;
} calls[4 * (LISTENERS + GETTERS)];
static unsigned int called;

/* What the hook at hand was given. */
static struct {
	unsigned long start, end;
	const struct mmu_notifier_range *range;
} given;

static int log_call(struct mmu_notifier *sub, enum op op, int answer)
{
	struct listener *self = container_of(sub, struct listener, sub);

	REQUIRE(called < sizeof(calls) / sizeof(calls[0]));
	calls[called++] = (struct called){self, op, answer};
	return answer;
}

static void op_release(struct mmu_notifier *sub, struct mm_struct *of)
{
	REQUIRE(of == mm);
	log_call(sub, RELEASE, 0);
}

static int op_aged(struct mmu_notifier *sub, struct mm_struct *of, enum op op, unsigned long start,
		   unsigned long end)
{
	REQUIRE(of == mm && start == given.start && end == given.end);
	return log_call(sub, op, (int)take_below(&input, 3));
}

static int op_clear_flush(struct mmu_notifier *sub, struct mm_struct *of, unsigned long start,
			  unsigned long end)
{
	return op_aged(sub, of, CLEAR_FLUSH, start, end);
}

static int op_clear(struct mmu_notifier *sub, struct mm_struct *of, unsigned long start,
		    unsigned long end)
{
	return op_aged(sub, of, CLEAR, start, end);
}

static int op_test(struct mmu_notifier *sub, struct mm_struct *of, unsigned long address)
{
	return op_aged(sub, of, TEST, address, given.end);
}

static void op_change_pte(struct mmu_notifier *sub, struct mm_struct *of, unsigned long address,
			  pte_t pte)
{
	REQUIRE(pte_val(pte) == given.end);
	op_aged(sub, of, CHANGE_PTE, address, given.end);
}

static void op_tlbs(struct mmu_notifier *sub, struct mm_struct *of, unsigned long start,
		    unsigned long end)
{
	op_aged(sub, of, TLBS, start, end);
}

static int op_start(struct mmu_notifier *sub, const struct mmu_notifier_range *range)
{
	static const int answers[] = {0, 0, 0, 0, 0, -EAGAIN, -EAGAIN, -ENOMEM};

	REQUIRE(range == given.range);
	return log_call(sub, START, answers[take_below(&input, 8)]);
}

static void op_end(struct mmu_notifier *sub, const struct mmu_notifier_range *range)
{
	REQUIRE(range == given.range);
	log_call(sub, END, 0);
}

/* Bit I of MASK: there is an op I. */
static void listener_ops(struct mmu_notifier_ops *ops, unsigned int mask)
{
	*ops = (struct mmu_notifier_ops){
		.release = mask & 1u << RELEASE ? op_release : NULL,
		.clear_flush_young = mask & 1u << CLEAR_FLUSH ? op_clear_flush : NULL,
		.clear_young = mask & 1u << CLEAR ? op_clear : NULL,
		.test_young = mask & 1u << TEST ? op_test : NULL,
		.change_pte = mask & 1u << CHANGE_PTE ? op_change_pte : NULL,
		.invalidate_range_start = mask & 1u << START ? op_start : NULL,
		.invalidate_range_end = mask & 1u << END ? op_end : NULL,
		.arch_invalidate_secondary_tlbs = mask & 1u << TLBS ? op_tlbs : NULL,
	};
}

static bool has_op(const struct listener *listener, enum op op)
{
	const struct mmu_notifier_ops *ops = listener->sub.ops;
	const bool has[OPS] = {
		[RELEASE] = ops->release,	   [CLEAR_FLUSH] = ops->clear_flush_young,
		[CLEAR] = ops->clear_young,	   [TEST] = ops->test_young,
		[CHANGE_PTE] = ops->change_pte,	   [START] = ops->invalidate_range_start,
		[END] = ops->invalidate_range_end, [TLBS] = ops->arch_invalidate_secondary_tlbs,
	};

	return has[op];
}

static bool mixes_ops(const struct mmu_notifier_ops *ops)
{
	return ops->arch_invalidate_secondary_tlbs &&
	       (ops->invalidate_range_start || ops->invalidate_range_end);
}

/*
 * From place AT of the log on: OP of every listener that has it, newest first,
 * up to the first answer if UNTIL_ANSWER. Returns the place after.
 */
static unsigned int require_walk(unsigned int at, enum op op, bool until_answer)
{
	for (unsigned int i = model.listed; i--;) {
		if (!has_op(model.list[i], op))
			continue;
		REQUIRE(at < called && calls[at].listener == model.list[i] && calls[at].op == op);
		if (calls[at++].answer && until_answer)
			break;
	}
	return at;
}

/* Nothing further was called; the next hook begins a new log. */
static void require_no_more(unsigned int at)
{
	REQUIRE(at == called);
	called = 0;
}

#endif
