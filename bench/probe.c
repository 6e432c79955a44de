/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine itself: clocks, the empty loop, each fence, each form of atomic
 * on a line that is at hand, and how long a line takes from PU to PU. What to
 * hold the other families' figures against.
 */
#include <errno.h>
#include <stdint.h>

#include "../platforms/arch.h"
#include "clock.h"
#include "op.h"
#include "pin.h"

static void empty_run(struct op_thread *t, uint64_t n)
{
	(void)t;
	while (n--)
		__asm__ __volatile__("" : "+r"(n));
}

static void clock_run(struct op_thread *t, uint64_t n)
{
	(void)t;
	while (n--)
		now_ns();
}

static void counter_run(struct op_thread *t, uint64_t n)
{
	(void)t;
	while (n--)
		__asm__ __volatile__("" ::"r"(arch_counter()));
}

#define FENCE(name, insn)                                                                          \
	static void fence_##name(struct op_thread *t, uint64_t n)                                  \
	{                                                                                          \
		(void)t;                                                                           \
		while (n--)                                                                        \
			__asm__ __volatile__(insn ::: "memory");                                   \
	}
ARCH_FENCES(FENCE)

#define ATOMIC(name, insns)                                                                        \
	static void atomic_##name(struct op_thread *t, uint64_t n)                                 \
	{                                                                                          \
		uint64_t *word = t->run->shared, one = 1;                                          \
                                                                                                   \
		while (n--)                                                                        \
			__asm__ __volatile__(insns                                                 \
					     : ARCH_ATOMIC_OPERAND(*word)                          \
					     : "r"(one)                                            \
					     : "memory", ARCH_ATOMIC_CLOBBERS);                    \
	}
ARCH_ATOMICS(ATOMIC)

static int word_setup(struct op_run *run)
{
	run->shared = pin_alloc(run->topo, ARCH_ALIGN_OWN_LINE, &run->slots[0]);
	return run->shared ? 0 : -ENOMEM;
}

static void word_teardown(struct op_run *run)
{
	pin_free(run->shared, ARCH_ALIGN_OWN_LINE);
}

/*
 * Two threads hand a line to and fro; an operation is one way, as the line
 * goes over once a way: the store asks for it, the other's loop has it.
 */
struct ball {
	_Alignas(ARCH_ALIGN_OWN_LINE) uint64_t at; /* even: with the first, odd: with the second */
	_Alignas(ARCH_ALIGN_OWN_LINE) int over;
};

static int ball_setup(struct op_run *run)
{
	if (run->slots[0].pu == run->slots[1].pu) {
		run->why = "the two PUs are the same one";
		return -ENOTSUP;
	}
	run->shared = pin_alloc(run->topo, sizeof(struct ball), &run->slots[0]);
	return run->shared ? 0 : -ENOMEM;
}

static void ball_teardown(struct op_run *run)
{
	pin_free(run->shared, sizeof(struct ball));
}

static void ball_return(struct op_thread *t)
{
	struct ball *b = t->run->shared;
	uint64_t at;

	/* A bounded wait, so that the end of the team is seen. */
	for (int tries = 0; tries < 1000; tries++) {
		at = __atomic_load_n(&b->at, __ATOMIC_ACQUIRE);
		if (at & 1)
			__atomic_store_n(&b->at, at + 1, __ATOMIC_RELEASE);
		arch_cpu_relax();
	}
}

static void ball_run(struct op_thread *t, uint64_t n)
{
	struct ball *b = t->run->shared;
	uint64_t at;

	for (uint64_t i = 0; i < n; i += 2) {
		at = __atomic_load_n(&b->at, __ATOMIC_RELAXED);
		__atomic_store_n(&b->at, at + 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&b->at, __ATOMIC_ACQUIRE) == at + 1)
			;
	}
}

#define PROBE(name)	      .family = "probe", .op = name, .subject = "baseline"
#define FENCE_ROW(name, insn) {PROBE("fence"), .variant = #name, .run = fence_##name},
#define ATOMIC_ROW(name, insns)                                                                    \
	{PROBE("atomic"), .variant = #name, .setup = word_setup, .teardown = word_teardown,        \
	 .run = atomic_##name},

static const struct bench_op ops[] = {
	{PROBE("loop"), .variant = "empty", .run = empty_run},
	{PROBE("clock"), .variant = "clock_gettime", .run = clock_run},
	{PROBE("clock"), .variant = ARCH_COUNTER_NAME, .run = counter_run},
	ARCH_FENCES(FENCE_ROW) ARCH_ATOMICS(ATOMIC_ROW){
		PROBE("line_transfer"), .variant = "store_load", .flags = OP_PU_PAIRS,
		.background = 1, .setup = ball_setup, .teardown = ball_teardown, .run = ball_run,
		.background_run = ball_return},
};

const struct op_table probe_ops = OP_TABLE(ops);
