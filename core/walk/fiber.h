/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks that take turns in one thread; the sanitizers are told of each turn.
 */
#ifndef MN_WALK_FIBER_H
#define MN_WALK_FIBER_H

#include <linux/types.h>
#include <ucontext.h>

struct fiber {
	ucontext_t context;
	void *stack;
	size_t size;
	void *sanitizer; /* the address sanitizer's fake stack, or the thread
			    sanitizer's fiber */
};

/** fiber_make - a fiber that calls run() once switched to; run() never returns
 */
void fiber_make(struct fiber *fiber, void (*run)(void));

/** fiber_main - the caller's own stack as a fiber to switch from */
void fiber_main(struct fiber *fiber);

/** fiber_switch - goes on in TO, until somebody switches back to FROM, who
 * calls */
void fiber_switch(struct fiber *from, struct fiber *to);

#endif
