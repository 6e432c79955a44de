/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wait queues on one futex word.
 *
 *	sleeper                          waker
 *	word |= SLEEPERS  (full barrier) make the condition true
 *	if condition: done               full barrier
 *	futex_wait(word)                 if !(word & SLEEPERS): done
 *	                                 next generation, SLEEPERS off; futex_wake
 *
 * One of the two always sees the other: either the sleeper finds the
 * condition true, or the waker finds SLEEPERS set. A sleeper that is between
 * its check and its futex_wait finds the generation changed and looks again.
 */
#ifndef _MN_LINUX_WAIT_H
#define _MN_LINUX_WAIT_H

#include <sys/wait.h> /* first: the next one has as macros what this has as an enum */
#include_next <linux/wait.h>
#include <asm/barrier.h>
#include <linux/compiler.h>
#include <linux/lockdep.h>
#include <linux/types.h>

#define WQ_SLEEPERS   1u /* somebody sleeps or is about to */
#define WQ_GENERATION 2u /* the rest of the word counts wake-ups */

typedef struct wait_queue_head {
	u32 word;
} wait_queue_head_t;

#define __WAIT_QUEUE_HEAD_INITIALIZER(name)                                                        \
	{                                                                                          \
		0                                                                                  \
	}
#define DECLARE_WAIT_QUEUE_HEAD(name) wait_queue_head_t name = {0}

static inline void init_waitqueue_head(wait_queue_head_t *wq)
{
	wq->word = 0;
}

/* Announces a sleeper and returns the word to sleep on; a full barrier. */
u32 wait_queue_prepare(wait_queue_head_t *wq);
/* Sleeps while the word is VAL; returns at any time, the caller looks again. */
void wait_queue_sleep(wait_queue_head_t *wq, u32 val);
void wait_queue_wake(wait_queue_head_t *wq);

/**
 * wait_event - sleeps until CONDITION is true
 *
 * CONDITION is evaluated by the caller's thread, any number of times. Whoever
 * makes it true calls wake_up_all() afterwards. May sleep; signals do not end it.
 */
#define wait_event(wq, condition)                                                                  \
	do {                                                                                       \
		might_sleep();                                                                     \
		while (!(condition)) {                                                             \
			u32 __wq_val = wait_queue_prepare(&(wq));                                  \
			if (condition)                                                             \
				break;                                                             \
			wait_queue_sleep(&(wq), __wq_val);                                         \
		}                                                                                  \
	} while (0)

/**
 * wake_up_all - wakes every sleeper, to look at its condition again
 *
 * Any context. Full barrier before it looks for sleepers, which pairs with
 * the one in wait_queue_prepare(): without it the store that makes the
 * condition true could wait in the store buffer while the queue looks empty,
 * and the sleeper would never be woken. With nobody asleep: no system call.
 */
static inline void wake_up_all(wait_queue_head_t *wq)
{
	smp_mb();
	if (unlikely(READ_ONCE(wq->word) & WQ_SLEEPERS))
		wait_queue_wake(wq);
}

/* All sleepers here are of the kernel's non-exclusive sort: wake_up wakes them all. */
#define wake_up(wq) wake_up_all(wq)

/* A hint, without the barrier of wake_up_all(). */
static inline int waitqueue_active(wait_queue_head_t *wq)
{
	return !!(READ_ONCE(wq->word) & WQ_SLEEPERS);
}

#endif
