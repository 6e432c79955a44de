/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine itself: clocks, the empty loop, each fence, each form of atomic
 * on a line that is at hand, and how long a line takes from PU to PU. What to
 * hold the other families' figures against.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
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

#define RELAX(name, insn)                                                                          \
	static void relax_##name(struct op_thread *t, uint64_t n)                                  \
	{                                                                                          \
		(void)t;                                                                           \
		while (n--)                                                                        \
			__asm__ __volatile__(insn ::: "memory");                                   \
	}
ARCH_RELAXES(RELAX)

#define ATOMIC(name, insns)                                                                        \
	static void atomic_##name(struct op_thread *t, uint64_t n)                                 \
	{                                                                                          \
		uint64_t *word = t->run->shared, one = 1;                                          \
                                                                                                   \
		while (n--)                                                                        \
			__asm__ __volatile__(insns                                                 \
					     : ARCH_ATOMIC_OPERAND(*word)                          \
					     : "r"(one), "r"(word)                                 \
					     : "memory", ARCH_ATOMIC_CLOBBERS);                    \
	}
ARCH_ATOMICS(ATOMIC)

static sigjmp_buf refused;

static void on_sigill(int sig)
{
	(void)sig;
	siglongjmp(refused, 1);
}

/* Asks the CPU itself: what tells of its instructions differs by system and by emulator. */
static bool cpu_runs(struct op_run *run)
{
	const struct sigaction action = {.sa_handler = on_sigill};
	struct op_thread t = {.run = run};
	struct sigaction before;
	bool runs = false;

	sigaction(SIGILL, &action, &before);
	if (!sigsetjmp(refused, 1)) {
		run->op->run(&t, 1);
		runs = true;
	}
	sigaction(SIGILL, &before, NULL);
	return runs;
}

static int word_setup(struct op_run *run)
{
	run->shared = pin_alloc(run->topo, ARCH_ALIGN_OWN_LINE, &run->slots[0]);
	if (!run->shared)
		return -ENOMEM;
	if (cpu_runs(run))
		return 0;
	run->why = "this CPU does not have the instruction";
	pin_free(run->shared, ARCH_ALIGN_OWN_LINE);
	return -ENOTSUP;
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

static inline void ball_return(struct op_thread *t, bool relax)
{
	struct ball *b = t->run->shared;
	uint64_t at;

	/* A bounded wait, so that the end of the team is seen. */
	for (int tries = 0; tries < 1000; tries++) {
		at = __atomic_load_n(&b->at, __ATOMIC_ACQUIRE);
		if (at & 1)
			__atomic_store_n(&b->at, at + 1, __ATOMIC_RELEASE);
		else if (relax)
			arch_cpu_relax();
	}
}

static inline void ball_run(struct op_thread *t, uint64_t n, bool relax)
{
	struct ball *b = t->run->shared;
	uint64_t at;

	for (uint64_t i = 0; i < n; i += 2) {
		at = __atomic_load_n(&b->at, __ATOMIC_RELAXED);
		__atomic_store_n(&b->at, at + 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&b->at, __ATOMIC_ACQUIRE) == at + 1)
			if (relax)
				arch_cpu_relax();
	}
}

#define BALL(name, relax)                                                                          \
	static void name##_run(struct op_thread *t, uint64_t n)                                    \
	{                                                                                          \
		ball_run(t, n, relax);                                                             \
	}                                                                                          \
	static void name##_return(struct op_thread *t)                                             \
	{                                                                                          \
		ball_return(t, relax);                                                             \
	}
BALL(store_load, false)
BALL(store_load_relax, true)

#define PROBE(name)	      .family = "probe", .op = name, .subject = "baseline"
#define FENCE_ROW(name, insn) {PROBE("fence"), .variant = #name, .run = fence_##name},
/* Some CPUs refuse some of these: they are asked first. */
#define ASKED(op, name)                                                                            \
	{PROBE(#op), .variant = #name, .setup = word_setup, .teardown = word_teardown,             \
	 .run = op##_##name},
#define RELAX_ROW(name, insn)	ASKED(relax, name)
#define ATOMIC_ROW(name, insns) ASKED(atomic, name)
#define BALL_ROW(name)                                                                             \
	{                                                                                          \
		PROBE("line_transfer"), .variant = #name, .flags = OP_PU_PAIRS | OP_NOT_SAMPLED,   \
					.background = 1, .setup = ball_setup,                      \
					.teardown = ball_teardown, .run = name##_run,              \
					.background_run = name##_return                            \
	}

static const struct bench_op ops[] = {
	{PROBE("loop"), .variant = "empty", .run = empty_run},
	{PROBE("clock"), .variant = "clock_gettime", .run = clock_run},
	{PROBE("clock"), .variant = ARCH_COUNTER_NAME, .run = counter_run},
	ARCH_FENCES(FENCE_ROW) ARCH_RELAXES(RELAX_ROW) ARCH_ATOMICS(ATOMIC_ROW) //
	BALL_ROW(store_load),
	BALL_ROW(store_load_relax),
};

const struct op_table probe_ops = OP_TABLE(ops);
