/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The out-of-line half of wait queues: the sleeper's way down, the waker's with sleepers. */
#include <errno.h>
#include <limits.h>
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/futex.h>
#include <linux/wait.h>
#include <sys/syscall.h>
#include <unistd.h>

u32 wait_queue_prepare(wait_queue_head_t *wq)
{
	u32 val = __atomic_fetch_or(&wq->word, WQ_SLEEPERS, __ATOMIC_SEQ_CST) | WQ_SLEEPERS;

	/* Pairs with the barrier in wake_up_all(). */
	smp_mb__after_atomic();
	return val;
}

void wait_queue_sleep(wait_queue_head_t *wq, u32 val)
{
	if (!syscall(SYS_futex, &wq->word, FUTEX_WAIT_PRIVATE, val, NULL, NULL, 0))
		return; /* woken, or for no reason: the caller looks again */
	switch (errno) {
	case EAGAIN: /* a waker was faster */
	case EINTR:  /* a signal; wait_event() is not interruptible */
		return;
	default:
		BUG();
	}
}

/*
 * Taking SLEEPERS off leaves it to the next sleeper to set it again, so that
 * a waker with nobody asleep makes no system call. Who set it and has not
 * slept yet finds the word changed.
 */
void wait_queue_wake(wait_queue_head_t *wq)
{
	u32 old = READ_ONCE(wq->word);

	while (!__atomic_compare_exchange_n(&wq->word, &old, (old + WQ_GENERATION) & ~WQ_SLEEPERS,
					    true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	syscall(SYS_futex, &wq->word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
