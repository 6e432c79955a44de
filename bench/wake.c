/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waking everybody who waits for an event: the port's wait queue and what
 * else there is. The event is a counter that becomes the round's number.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../platforms/kernel/loops.h"
#include "herd.h"
#include "op.h"
#include "pin.h"

struct event {
	_Alignas(ARCH_ALIGN_OWN_LINE) uint32_t round;
	_Alignas(ARCH_ALIGN_OWN_LINE) wait_queue_head_t wq;
	_Alignas(ARCH_ALIGN_OWN_LINE) pthread_mutex_t mutex;
	pthread_cond_t cond;
	int fd[2]; /* eventfd: the first; pipe: both */
};

static int event_setup(struct op_run *run)
{
	struct event *e = pin_alloc(run->topo, sizeof(*e), &run->slots[0]);

	if (!e)
		return -ENOMEM;
	run->shared = e;
	init_waitqueue_head(&e->wq);
	pthread_mutex_init(&e->mutex, NULL);
	pthread_cond_init(&e->cond, NULL);
	e->fd[0] = e->fd[1] = -1;
	return 0;
}

static int eventfd_setup(struct op_run *run)
{
	int ret = event_setup(run);

	if (ret)
		return ret;
	((struct event *)run->shared)->fd[0] = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	return ((struct event *)run->shared)->fd[0] < 0 ? -errno : 0;
}

static int pipe_setup(struct op_run *run)
{
	int ret = event_setup(run);

	if (ret)
		return ret;
	return pipe(((struct event *)run->shared)->fd) ? -errno : 0;
}

static void event_teardown(struct op_run *run)
{
	struct event *e = run->shared;

	for (int i = 0; i < 2; i++)
		if (e->fd[i] >= 0)
			close(e->fd[i]);
	pthread_cond_destroy(&e->cond);
	pthread_mutex_destroy(&e->mutex);
	pin_free(e, sizeof(*e));
}

/* ---- the port ---- */

static void port_sleep(void *shared, unsigned int i, uint32_t round)
{
	struct event *e = shared;

	(void)i;
	wait_event(e->wq, READ_ONCE(e->round) == round);
}

static void port_wake(void *shared, unsigned int sleepers, uint32_t round)
{
	struct event *e = shared;

	(void)sleepers;
	WRITE_ONCE(e->round, round);
	wake_up_all(&e->wq);
}

static void port_nobody(struct op_thread *t, uint64_t n)
{
	scenario_wake_all(&((struct event *)t->run->shared)->wq, n);
}

/* ---- baselines ---- */

static void futex_sleep(void *shared, unsigned int i, uint32_t round)
{
	struct event *e = shared;
	uint32_t now;

	(void)i;
	/* Woken, changed already, or interrupted: look again in each case. */
	while ((now = __atomic_load_n(&e->round, __ATOMIC_ACQUIRE)) != round)
		syscall(SYS_futex, &e->round, FUTEX_WAIT_PRIVATE, now, NULL, NULL, 0);
}

static void futex_wake(void *shared, unsigned int sleepers, uint32_t round)
{
	struct event *e = shared;

	(void)sleepers;
	__atomic_store_n(&e->round, round, __ATOMIC_RELEASE);
	syscall(SYS_futex, &e->round, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void futex_nobody(struct op_thread *t, uint64_t n)
{
	while (n--)
		futex_wake(t->run->shared, 0, 0);
}

static void cond_sleep(void *shared, unsigned int i, uint32_t round)
{
	struct event *e = shared;

	(void)i;
	pthread_mutex_lock(&e->mutex);
	while (e->round != round)
		pthread_cond_wait(&e->cond, &e->mutex);
	pthread_mutex_unlock(&e->mutex);
}

static void cond_wake(void *shared, unsigned int sleepers, uint32_t round)
{
	struct event *e = shared;

	(void)sleepers;
	pthread_mutex_lock(&e->mutex);
	e->round = round;
	pthread_mutex_unlock(&e->mutex);
	pthread_cond_broadcast(&e->cond);
}

/* With the mutex held, as code often has it: who is woken before the unlock queues for it. */
static void cond_wake_held(void *shared, unsigned int sleepers, uint32_t round)
{
	struct event *e = shared;

	(void)sleepers;
	pthread_mutex_lock(&e->mutex);
	e->round = round;
	pthread_cond_broadcast(&e->cond);
	pthread_mutex_unlock(&e->mutex);
}

static void cond_nobody(struct op_thread *t, uint64_t n)
{
	while (n--)
		pthread_cond_broadcast(&((struct event *)t->run->shared)->cond);
}

static void eventfd_sleep(void *shared, unsigned int i, uint32_t round)
{
	struct event *e = shared;
	uint64_t one;

	(void)i;
	(void)round;
	while (read(e->fd[0], &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void eventfd_wake(void *shared, unsigned int sleepers, uint32_t round)
{
	struct event *e = shared;
	uint64_t all = sleepers;

	(void)round;
	if (write(e->fd[0], &all, sizeof(all)) < 0)
		abort(); /* a semaphore at 0 takes any count */
}

static void pipe_sleep(void *shared, unsigned int i, uint32_t round)
{
	struct event *e = shared;
	char one;

	(void)i;
	(void)round;
	while (read(e->fd[0], &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void pipe_wake(void *shared, unsigned int sleepers, uint32_t round)
{
	static const char bytes[4096];
	struct event *e = shared;

	(void)round;
	if (write(e->fd[1], bytes, sleepers) < 0)
		abort(); /* an empty pipe takes a page at once */
}

static void spin_sleep(void *shared, unsigned int i, uint32_t round)
{
	struct event *e = shared;

	(void)i;
	while (__atomic_load_n(&e->round, __ATOMIC_ACQUIRE) != round)
		cpu_relax();
}

static void spin_wake(void *shared, unsigned int sleepers, uint32_t round)
{
	struct event *e = shared;

	(void)sleepers;
	__atomic_store_n(&e->round, round, __ATOMIC_RELEASE);
}

static const struct herd_ops port_herd = {.sleep = port_sleep, .wake = port_wake};
static const struct herd_ops futex_herd = {.sleep = futex_sleep, .wake = futex_wake};
static const struct herd_ops cond_herd = {.sleep = cond_sleep, .wake = cond_wake};
static const struct herd_ops cond_held_herd = {.sleep = cond_sleep, .wake = cond_wake_held};
static const struct herd_ops eventfd_herd = {.sleep = eventfd_sleep, .wake = eventfd_wake};
static const struct herd_ops pipe_herd = {.sleep = pipe_sleep, .wake = pipe_wake};
static const struct herd_ops spin_herd = {.sleep = spin_sleep, .wake = spin_wake, .spins = true};

#define WAKE(who, name, what, init)                                                                \
	.family = "wake", .op = name, .subject = who, .variant = what, .setup = init,              \
	.teardown = event_teardown
#define HERD(who, what, init, ops)                                                                 \
	{                                                                                          \
		WAKE(who, "wake_all", what, init), .herd = &ops, .params = {                       \
			{"sleepers", 4, {1, 8, 64, 256}, PARAM_ALL_QUICK}                          \
		}                                                                                  \
	}
#define APART(who, what, init, ops)                                                                \
	{                                                                                          \
		WAKE(who, "wake_all_apart", what, init),                                           \
			.herd = &ops, .flags = OP_FULL_ONLY | OP_WAKER_APART, .params = {          \
				{"sleepers", 4, {1, 8, 64, 256}, 0}                                \
			}                                                                          \
	}
#define NOBODY(who, what, init, fn)                                                                \
	{                                                                                          \
		WAKE(who, "wake_all_waker", what, init), .run = fn, .params = {                    \
			{"sleepers", 1, {0}, PARAM_ALL_QUICK}                                      \
		}                                                                                  \
	}

static const struct bench_op ops[] = {
	NOBODY("port", "futex", event_setup, port_nobody),
	NOBODY("baseline", "futex", event_setup, futex_nobody),
	NOBODY("baseline", "condvar", event_setup, cond_nobody),
	HERD("port", "futex", event_setup, port_herd),
	HERD("baseline", "futex", event_setup, futex_herd),
	HERD("baseline", "condvar", event_setup, cond_herd),
	{WAKE("baseline", "wake_all", "condvar_held", event_setup), .herd = &cond_held_herd,
	 .flags = OP_FULL_ONLY, .params = {{"sleepers", 4, {1, 8, 64, 256}, 0}}},
	HERD("baseline", "eventfd", eventfd_setup, eventfd_herd),
	HERD("baseline", "pipe", pipe_setup, pipe_herd),
	HERD("baseline", "spin", event_setup, spin_herd),
	APART("port", "futex", event_setup, port_herd),
	APART("baseline", "futex", event_setup, futex_herd),
	APART("baseline", "condvar", event_setup, cond_herd),
	APART("baseline", "eventfd", eventfd_setup, eventfd_herd),
	APART("baseline", "pipe", pipe_setup, pipe_herd),
};

const struct op_table wake_ops = OP_TABLE(ops);
