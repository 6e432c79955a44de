/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * liburcu's flavours as baselines of SRCU, with their read sides inline, as
 * LGPL-compatible users get them. Their threads register themselves, their
 * readers may not sleep long, and one domain serves the whole process: they
 * do less than SRCU, and show what that is worth.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define _LGPL_SOURCE
#include <urcu/urcu-bp.h>
#include <urcu/urcu-mb.h>
#include <urcu/urcu-memb.h>
#include <urcu/urcu-qsbr.h>

#include "op.h"
#include "pin.h"
#include "srcu_load.h"

static void nothing(struct rcu_head *head)
{
	(void)head;
}

static void heads_teardown(struct op_run *run)
{
	free(run->shared);
}

/* A qsbr reader announces a quiescent state now and then; the others have none. */
#define urcu_memb_quiescent_state() ((void)0)
#define urcu_mb_quiescent_state()   ((void)0)
#define urcu_bp_quiescent_state()   ((void)0)

/* Their header declares these for one flavour a file; the library has them for all. */
#define FLAVOUR(f)                                                                                 \
	void f##_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head * head));            \
	void f##_barrier(void);                                                                    \
	static int f##_thread(struct op_thread *t)                                                 \
	{                                                                                          \
		(void)t;                                                                           \
		f##_register_thread();                                                             \
		return 0;                                                                          \
	}                                                                                          \
	static void f##_thread_end(struct op_thread *t)                                            \
	{                                                                                          \
		(void)t;                                                                           \
		f##_unregister_thread();                                                           \
	}                                                                                          \
	static void f##_pair(struct op_thread *t, uint64_t n)                                      \
	{                                                                                          \
		(void)t;                                                                           \
		while (n--) {                                                                      \
			f##_read_lock();                                                           \
			__asm__ __volatile__("" ::: "memory");                                     \
			f##_read_unlock();                                                         \
			__asm__ __volatile__("" : "+r"(n));                                        \
		}                                                                                  \
		f##_quiescent_state();                                                             \
	}                                                                                          \
	static void f##_nested(struct op_thread *t, uint64_t n)                                    \
	{                                                                                          \
		(void)t;                                                                           \
		while (n--) {                                                                      \
			f##_read_lock();                                                           \
			f##_read_lock();                                                           \
			__asm__ __volatile__("" ::: "memory");                                     \
			f##_read_unlock();                                                         \
			f##_read_unlock();                                                         \
			__asm__ __volatile__("" : "+r"(n));                                        \
		}                                                                                  \
		f##_quiescent_state();                                                             \
	}                                                                                          \
	static void f##_synchronize(struct op_thread *t, uint64_t n)                               \
	{                                                                                          \
		(void)t;                                                                           \
		while (n--)                                                                        \
			f##_synchronize_rcu();                                                     \
	}                                                                                          \
	static void f##_synchronize_background(struct op_thread *t)                                \
	{                                                                                          \
		f##_synchronize(t, 1);                                                             \
	}                                                                                          \
	static void f##_reader_background(struct op_thread *t)                                     \
	{                                                                                          \
		f##_pair(t, 64);                                                                   \
	}                                                                                          \
	static void f##_slow_background(struct op_thread *t)                                       \
	{                                                                                          \
		struct timespec nap = {0, SLOW_READER_NS};                                         \
                                                                                                   \
		(void)t;                                                                           \
		f##_read_lock();                                                                   \
		nanosleep(&nap, NULL);                                                             \
		f##_read_unlock();                                                                 \
		f##_quiescent_state();                                                             \
	}                                                                                          \
	/* Queues one before anybody is pinned: the worker inherits the affinity of the first. */  \
	static int f##_call_setup(struct op_run *run)                                              \
	{                                                                                          \
		struct rcu_head *heads = calloc(CALLBACKS, sizeof(*heads));                        \
                                                                                                   \
		if (!heads)                                                                        \
			return -ENOMEM;                                                            \
		run->shared = heads;                                                               \
		pin_unbind_self(run->topo);                                                        \
		f##_register_thread();                                                             \
		f##_call_rcu(heads, nothing);                                                      \
		f##_barrier();                                                                     \
		f##_unregister_thread();                                                           \
		return 0;                                                                          \
	}                                                                                          \
	static void f##_call(struct op_thread *t, uint64_t n)                                      \
	{                                                                                          \
		struct rcu_head *heads = t->run->shared;                                           \
                                                                                                   \
		for (uint64_t i = 0; i < n; i++)                                                   \
			f##_call_rcu(&heads[i], nothing);                                          \
		f##_barrier();                                                                     \
	}

#define FLAVOURS(X) X(urcu_memb) X(urcu_mb) X(urcu_qsbr) X(urcu_bp)
FLAVOURS(FLAVOUR)

#define BASE(name, f)                                                                              \
	.family = "srcu", .op = name, .subject = "baseline", .variant = #f,                        \
	.thread_setup = f##_thread, .thread_teardown = f##_thread_end
#define ROWS(f)                                                                                    \
	{BASE("read_pair", f), .flags = OP_SCALES, .run = f##_pair},                               \
		{BASE("read_nested", f), .flags = OP_SCALES, .run = f##_nested},                   \
		{BASE("read_under_updates", f), .flags = OP_SCALES, .background = 1,               \
		 .run = f##_pair, .background_run = f##_synchronize_background},                   \
		{BASE("synchronize_idle", f), .run = f##_synchronize},                             \
		{BASE("synchronize_busy", f), .background = 1, .batch = 1, .run = f##_synchronize, \
		 .background_run = f##_reader_background},                                         \
		{BASE("synchronize_slow_reader", f), .background = 1, .batch = 1,                  \
		 .run = f##_synchronize, .background_run = f##_slow_background},                   \
		{BASE("call_srcu", f),                                                             \
		 .flags = OP_BY_TIME,                                                              \
		 .batch = CALLBACKS,                                                               \
		 .setup = f##_call_setup,                                                          \
		 .teardown = heads_teardown,                                                       \
		 .run = f##_call,                                                                  \
		 .uncounted = CALLBACKS_UNCOUNTED},

static const struct bench_op ops[] = {FLAVOURS(ROWS)};

const struct op_table urcu_ops = OP_TABLE(ops);
