/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SRCU: the read side of both kinds, the grace period, the callbacks, and the
 * baselines that need no library. liburcu's flavours are in urcu.c.
 */
#include <errno.h>
#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../platforms/kernel/loops.h"
#include "op.h"
#include "pin.h"
#include "srcu_load.h"

#define MAX_DOMAINS 64

struct domains {
	struct srcu_struct srcu[MAX_DOMAINS];
	unsigned int count;
	struct rcu_head *heads; /* call_srcu's */
};

static int domains_setup(struct op_run *run, unsigned int count, bool fast)
{
	struct domains *d = pin_alloc(run->topo, sizeof(*d), &run->slots[0]);
	int ret = 0;

	if (!d)
		return -ENOMEM;
	run->shared = d;
	d->heads = calloc(CALLBACKS, sizeof(*d->heads));
	if (!d->heads)
		return -ENOMEM;
	for (d->count = 0; d->count < count && !ret; d->count++)
		ret = fast ? init_srcu_struct_fast(&d->srcu[d->count])
			   : init_srcu_struct(&d->srcu[d->count]);
	return ret;
}

static void domains_teardown(struct op_run *run)
{
	struct domains *d = run->shared;

	while (d->count--)
		cleanup_srcu_struct(&d->srcu[d->count]);
	free(d->heads);
	pin_free(d, sizeof(*d));
}

static int full_setup(struct op_run *run)
{
	return domains_setup(run, 1, false);
}

static int fast_setup(struct op_run *run)
{
	return domains_setup(run, 1, true);
}

static int full_many_setup(struct op_run *run)
{
	return domains_setup(run, (unsigned int)op_param(run, "domains"), false);
}

static int fast_many_setup(struct op_run *run)
{
	return domains_setup(run, (unsigned int)op_param(run, "domains"), true);
}

static struct domains *domains_of(struct op_thread *t)
{
	return t->run->shared;
}

/* ---- readers ---- */

static void full_pair(struct op_thread *t, uint64_t n)
{
	scenario_srcu_pair(&domains_of(t)->srcu[0], n);
}

static void fast_pair(struct op_thread *t, uint64_t n)
{
	struct srcu_struct *ssp = &domains_of(t)->srcu[0];

	while (n--)
		srcu_read_unlock_fast(ssp, srcu_read_lock_fast(ssp));
}

static void full_nested(struct op_thread *t, uint64_t n)
{
	scenario_srcu_nested(&domains_of(t)->srcu[0], n);
}

static void fast_nested(struct op_thread *t, uint64_t n)
{
	struct srcu_struct *ssp = &domains_of(t)->srcu[0];

	while (n--) {
		struct srcu_ctr *outer = srcu_read_lock_fast(ssp);
		struct srcu_ctr *inner = srcu_read_lock_fast(ssp);

		srcu_read_unlock_fast(ssp, inner);
		srcu_read_unlock_fast(ssp, outer);
	}
}

/* In turn over the domains: what a reader pays when the counts are not at hand. */
static void full_domains(struct op_thread *t, uint64_t n)
{
	struct domains *d = domains_of(t);
	unsigned int i = 0;

	while (n--) {
		struct srcu_struct *ssp = &d->srcu[i++ & (d->count - 1)];

		srcu_read_unlock(ssp, srcu_read_lock(ssp));
	}
}

static void fast_domains(struct op_thread *t, uint64_t n)
{
	struct domains *d = domains_of(t);
	unsigned int i = 0;

	while (n--) {
		struct srcu_struct *ssp = &d->srcu[i++ & (d->count - 1)];

		srcu_read_unlock_fast(ssp, srcu_read_lock_fast(ssp));
	}
}

/* ---- updaters ---- */

static void synchronize_run(struct op_thread *t, uint64_t n)
{
	scenario_synchronize(&domains_of(t)->srcu[0], n);
}

static void synchronize_background(struct op_thread *t)
{
	synchronize_run(t, 1);
}

static void full_reader_background(struct op_thread *t)
{
	full_pair(t, 64);
}

static void fast_reader_background(struct op_thread *t)
{
	fast_pair(t, 64);
}

static void sleep_ns(long ns)
{
	struct timespec nap = {0, ns};

	nanosleep(&nap, NULL);
}

/* Inside most of the time, asleep. */
static void full_slow_background(struct op_thread *t)
{
	struct srcu_struct *ssp = &domains_of(t)->srcu[0];
	int idx = srcu_read_lock(ssp);

	sleep_ns(SLOW_READER_NS);
	srcu_read_unlock(ssp, idx);
}

static void fast_slow_background(struct op_thread *t)
{
	struct srcu_struct *ssp = &domains_of(t)->srcu[0];
	struct srcu_ctr *ctrp = srcu_read_lock_fast(ssp);

	sleep_ns(SLOW_READER_NS);
	srcu_read_unlock_fast(ssp, ctrp);
}

static void nothing(struct rcu_head *head)
{
	(void)head;
}

/*
 * The domain's worker thread inherits the affinity of whoever queues first:
 * that is here, before anybody is pinned, so that it does not share the PU of
 * the thread that is timed.
 */
static int call_setup(struct op_run *run, bool fast)
{
	int ret = domains_setup(run, 1, fast);
	struct domains *d = run->shared;

	if (ret)
		return ret;
	pin_unbind_self(run->topo);
	call_srcu(&d->srcu[0], &d->heads[0], nothing);
	srcu_barrier(&d->srcu[0]);
	return 0;
}

static int full_call_setup(struct op_run *run)
{
	return call_setup(run, false);
}

static int fast_call_setup(struct op_run *run)
{
	return call_setup(run, true);
}

/* Queues a batch of CALLBACKS and has them run: a head serves again once its callback has. */
static void call_run(struct op_thread *t, uint64_t n)
{
	struct domains *d = domains_of(t);

	for (uint64_t i = 0; i < n; i++)
		call_srcu(&d->srcu[0], &d->heads[i], nothing);
	srcu_barrier(&d->srcu[0]);
}

/* ---- baselines ---- */

struct base_shared {
	_Alignas(ARCH_ALIGN_OWN_LINE) unsigned long refcount;
	_Alignas(ARCH_ALIGN_OWN_LINE) pthread_rwlock_t rwlock;
	_Alignas(ARCH_ALIGN_OWN_LINE) unsigned long data;
	struct percpu_lock {
		_Alignas(ARCH_ALIGN_OWN_LINE) pthread_rwlock_t rwlock;
	} * percpu;
	unsigned int threads;
};

static int base_setup(struct op_run *run)
{
	struct base_shared *s = pin_alloc(run->topo, sizeof(*s), &run->slots[0]);
	unsigned int threads = run->threads + run->op->background;

	if (!s)
		return -ENOMEM;
	run->shared = s;
	s->threads = threads;
	/* A zeroed pthread_rwlock_t is an unlocked one, as pthread_rwlock_init() leaves it. */
	s->percpu = pin_alloc(run->topo, threads * sizeof(*s->percpu), &run->slots[0]);
	return s->percpu ? 0 : -ENOMEM;
}

static void base_teardown(struct op_run *run)
{
	struct base_shared *s = run->shared;

	pin_free(s->percpu, s->threads * sizeof(*s->percpu));
	pin_free(s, sizeof(*s));
}

static struct base_shared *base_of(struct op_thread *t)
{
	return t->run->shared;
}

static void empty_pair(struct op_thread *t, uint64_t n)
{
	(void)t;
	while (n--)
		__asm__ __volatile__("" : "+r"(n));
}

static void load_pair(struct op_thread *t, uint64_t n)
{
	struct base_shared *s = base_of(t);

	while (n--)
		__asm__ __volatile__("" ::"r"(READ_ONCE(s->data)));
}

static void refcount_pair(struct op_thread *t, uint64_t n)
{
	struct base_shared *s = base_of(t);

	while (n--) {
		__atomic_fetch_add(&s->refcount, 1, __ATOMIC_ACQUIRE);
		__atomic_fetch_sub(&s->refcount, 1, __ATOMIC_RELEASE);
	}
}

static void rwlock_pair(struct op_thread *t, uint64_t n)
{
	struct base_shared *s = base_of(t);

	while (n--) {
		pthread_rwlock_rdlock(&s->rwlock);
		pthread_rwlock_unlock(&s->rwlock);
	}
}

static void rwlock_nested(struct op_thread *t, uint64_t n)
{
	struct base_shared *s = base_of(t);

	while (n--) {
		pthread_rwlock_rdlock(&s->rwlock);
		pthread_rwlock_rdlock(&s->rwlock);
		pthread_rwlock_unlock(&s->rwlock);
		pthread_rwlock_unlock(&s->rwlock);
	}
}

static void rwlock_synchronize(struct op_thread *t)
{
	struct base_shared *s = base_of(t);

	pthread_rwlock_wrlock(&s->rwlock);
	pthread_rwlock_unlock(&s->rwlock);
}

/* A reader locks its own, an updater all of them. */
static void percpu_pair(struct op_thread *t, uint64_t n)
{
	pthread_rwlock_t *mine = &base_of(t)->percpu[t->index].rwlock;

	while (n--) {
		pthread_rwlock_rdlock(mine);
		pthread_rwlock_unlock(mine);
	}
}

static void percpu_synchronize(struct op_thread *t)
{
	struct base_shared *s = base_of(t);

	for (unsigned int i = 0; i < s->threads; i++) {
		pthread_rwlock_wrlock(&s->percpu[i].rwlock);
		pthread_rwlock_unlock(&s->percpu[i].rwlock);
	}
}

/* What the plain kind cannot do without: the limit that it is held against. */
static __thread unsigned long mine[2];

static void two_barriers_pair(struct op_thread *t, uint64_t n)
{
	(void)t;
	while (n--) {
		WRITE_ONCE(mine[0], READ_ONCE(mine[0]) + 1);
		smp_mb();
		smp_mb();
		WRITE_ONCE(mine[1], READ_ONCE(mine[1]) + 1);
	}
}

static void two_increments_pair(struct op_thread *t, uint64_t n)
{
	(void)t;
	while (n--) {
		WRITE_ONCE(mine[0], READ_ONCE(mine[0]) + 1);
		barrier();
		WRITE_ONCE(mine[1], READ_ONCE(mine[1]) + 1);
	}
}

#define PORT(name, kind) .family = "srcu", .op = name, .subject = "port", .variant = #kind
#define KINDS(X)                                                                                   \
	X(full)                                                                                    \
	X(fast)
#define PORT_ROWS(kind)                                                                            \
	{PORT("read_pair", kind), .flags = OP_SCALES, .setup = kind##_setup,                       \
	 .teardown = domains_teardown, .run = kind##_pair},                                        \
		{PORT("read_nested", kind), .flags = OP_SCALES, .setup = kind##_setup,             \
		 .teardown = domains_teardown, .run = kind##_nested},                              \
		{PORT("read_domains", kind),                                                       \
		 .flags = OP_SCALES | OP_FULL_ONLY | OP_NOT_SAMPLED,                               \
		 .params = {{"domains", 3, {1, 8, 64}, 0}},                                        \
		 .setup = kind##_many_setup,                                                       \
		 .teardown = domains_teardown,                                                     \
		 .run = kind##_domains},                                                           \
		{PORT("read_under_updates", kind),                                                 \
		 .flags = OP_SCALES,                                                               \
		 .background = 1,                                                                  \
		 .setup = kind##_setup,                                                            \
		 .teardown = domains_teardown,                                                     \
		 .run = kind##_pair,                                                               \
		 .background_run = synchronize_background},                                        \
		{PORT("synchronize_idle", kind), .setup = kind##_setup,                            \
		 .teardown = domains_teardown, .run = synchronize_run},                            \
		{PORT("synchronize_busy", kind),                                                   \
		 .background = 1,                                                                  \
		 .batch = 1,                                                                       \
		 .setup = kind##_setup,                                                            \
		 .teardown = domains_teardown,                                                     \
		 .run = synchronize_run,                                                           \
		 .background_run = kind##_reader_background},                                      \
		{PORT("synchronize_slow_reader", kind),                                            \
		 .background = 1,                                                                  \
		 .batch = 1,                                                                       \
		 .setup = kind##_setup,                                                            \
		 .teardown = domains_teardown,                                                     \
		 .run = synchronize_run,                                                           \
		 .background_run = kind##_slow_background},
#define CALL_ROW(kind)                                                                             \
	{PORT("call_srcu", kind),	  .flags = OP_BY_TIME,		.batch = CALLBACKS,        \
	 .setup = kind##_call_setup,	  .teardown = domains_teardown, .run = call_run,           \
	 .uncounted = CALLBACKS_UNCOUNTED},

#define BASE(name, what, fn)                                                                       \
	{                                                                                          \
		.family = "srcu", .op = name, .subject = "baseline", .variant = what,              \
		.flags = OP_SCALES, .setup = base_setup, .teardown = base_teardown, .run = fn      \
	}
#define UPDATED(what, fn, updater)                                                                 \
	{                                                                                          \
		.family = "srcu", .op = "read_under_updates", .subject = "baseline",               \
		.variant = what, .flags = OP_SCALES, .background = 1, .setup = base_setup,         \
		.teardown = base_teardown, .run = fn, .background_run = updater                    \
	}

static const struct bench_op ops[] = {
	KINDS(PORT_ROWS) KINDS(CALL_ROW) BASE("read_pair", "empty", empty_pair),
	BASE("read_pair", "load", load_pair),
	BASE("read_pair", "two_increments", two_increments_pair),
	BASE("read_pair", "two_barriers", two_barriers_pair),
	BASE("read_pair", "refcount", refcount_pair),
	BASE("read_pair", "rwlock", rwlock_pair),
	BASE("read_pair", "percpu_rwlock", percpu_pair),
	BASE("read_nested", "rwlock", rwlock_nested),
	UPDATED("rwlock", rwlock_pair, rwlock_synchronize),
	UPDATED("percpu_rwlock", percpu_pair, percpu_synchronize),
};

const struct op_table srcu_ops = OP_TABLE(ops);
