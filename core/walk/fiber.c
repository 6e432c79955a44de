/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fiber.h"

#include <linux/bug.h>
#include <sys/mman.h>

#define STACK_SIZE                                                                                 \
	(256ul << 10) /* the sanitizers' frames are large; pages come as they are used             \
		       */

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif

static void (*first_run)(void);
static struct fiber *leaving;

#if defined(FIBER_ASAN)
#include <sanitizer/common_interface_defs.h>

static void sanitizer_make(struct fiber *fiber)
{
	fiber->sanitizer = NULL;
}

static void sanitizer_leave(struct fiber *from, struct fiber *to)
{
	__sanitizer_start_switch_fiber(&from->sanitizer, to->stack, to->size);
}

/* Where the main stack lies is learnt when the first fiber leaves it. */
static void sanitizer_enter(struct fiber *fiber)
{
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(fiber ? fiber->sanitizer : NULL, &bottom, &size);
	if (!leaving->stack) {
		leaving->stack = (void *)bottom;
		leaving->size = size;
	}
}
#elif defined(CONFIG_TSAN)
#include <sanitizer/tsan_interface.h>

static void sanitizer_make(struct fiber *fiber)
{
	fiber->sanitizer = fiber->stack ? __tsan_create_fiber(0) : __tsan_get_current_fiber();
}

static void sanitizer_leave(struct fiber *from, struct fiber *to)
{
	(void)from;
	__tsan_switch_to_fiber(to->sanitizer, 0);
}

static void sanitizer_enter(struct fiber *fiber)
{
	(void)fiber;
}
#else
static void sanitizer_make(struct fiber *fiber)
{
	(void)fiber;
}

static void sanitizer_leave(struct fiber *from, struct fiber *to)
{
	(void)from;
	(void)to;
}

static void sanitizer_enter(struct fiber *fiber)
{
	(void)fiber;
}
#endif

static void enter_first(void)
{
	sanitizer_enter(NULL);
	first_run();
	BUG();
}

void fiber_make(struct fiber *fiber, void (*run)(void))
{
	first_run = run;
	fiber->size = STACK_SIZE;
	fiber->stack =
		mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	BUG_ON(fiber->stack == MAP_FAILED);
	BUG_ON(getcontext(&fiber->context));
	fiber->context.uc_stack.ss_sp = fiber->stack;
	fiber->context.uc_stack.ss_size = STACK_SIZE;
	fiber->context.uc_link = NULL;
	makecontext(&fiber->context, enter_first, 0);
	sanitizer_make(fiber);
}

void fiber_main(struct fiber *fiber)
{
	*fiber = (struct fiber){.stack = NULL};
	sanitizer_make(fiber);
}

void fiber_switch(struct fiber *from, struct fiber *to)
{
	leaving = from;
	sanitizer_leave(from, to);
	BUG_ON(swapcontext(&from->context, &to->context));
	sanitizer_enter(from);
}
