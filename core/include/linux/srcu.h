/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sleepable RCU: readers count themselves in and out, per CPU and in one of
 * two ranks; a grace period waits until, in a rank that new readers no longer
 * use, as many have left as came.
 *
 * Two kinds of domain. In the plain one a reader has two full barriers. In
 * the fast one it has none, and the grace period makes every running thread
 * execute one instead, through membarrier(2): readers are cheap, grace
 * periods dear. A domain's readers all use the kind that it was made with.
 */
#ifndef _MN_LINUX_SRCU_H
#define _MN_LINUX_SRCU_H

#include <asm/barrier.h>
#include <linux/lockdep.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <pthread.h>

/* One CPU's counts of one rank. They only ever grow, and may wrap. */
struct srcu_ctr {
	unsigned long srcu_locks;
	unsigned long srcu_unlocks;
};

struct srcu_struct {
	struct srcu_ctr *srcu_ctrp; /* per-CPU rank that readers enter now */
	struct srcu_ctr *sda;	    /* per-CPU array of both ranks */
	bool fast;
	struct srcu_usage *sup; /* the update side's */
};

struct srcu_usage {
	struct srcu_struct *ssp;
	pthread_mutex_t gp_mutex;
	unsigned long gp_seq;	    /* odd: a grace period runs; under gp_mutex */
	struct rcu_head *callbacks; /* newest first */
	pthread_mutex_t cb_mutex;
	pthread_cond_t cb_cond; /* the worker has something to do, or is idle again */
	unsigned long cb_queued, cb_done;
	pthread_t worker;
	bool worker_runs, stop;
};

/**
 * init_srcu_struct - sets a domain up; the _fast form makes one of the fast kind
 * 0 or -ENOMEM. Readers and updaters may come once it has returned.
 */
int init_srcu_struct(struct srcu_struct *ssp);
int init_srcu_struct_fast(struct srcu_struct *ssp);

/**
 * cleanup_srcu_struct - ends a domain made by init_srcu_struct()
 * The caller has ended its readers and waited with srcu_barrier().
 */
void cleanup_srcu_struct(struct srcu_struct *ssp);

/**
 * synchronize_srcu - waits until every reader that was inside has left
 *
 * May sleep; not callable from a reader of the same domain. Everything before
 * it happens before what any later reader does, and what earlier readers did
 * happens before everything after it. Callbacks that were queued before have
 * run too: in the kernel it is one more in their line, and the notifiers of
 * mmu_notifier_put() are waited for by that. synchronize_srcu_expedited() is
 * the same: there is no lazier form here.
 */
void synchronize_srcu(struct srcu_struct *ssp);
#define synchronize_srcu_expedited(ssp) synchronize_srcu(ssp)

/**
 * call_srcu - calls func(head) after a grace period, from the domain's own thread
 * Any context that may take a mutex. HEAD belongs to the domain until FUNC runs.
 */
void call_srcu(struct srcu_struct *ssp, struct rcu_head *head, rcu_callback_t func);

/** srcu_barrier - waits until every callback queued before has run; may sleep */
void srcu_barrier(struct srcu_struct *ssp);

void srcu_define(struct srcu_struct *ssp);

/* A domain without a call to set it up: a constructor makes it, before main(). */
#define __DEFINE_SRCU(name, is_static, is_fast)                                                    \
	is_static struct srcu_struct name = {.fast = is_fast};                                     \
	static void __attribute__((__constructor__(200))) __srcu_define_##name(void)               \
	{                                                                                          \
		srcu_define(&name);                                                                \
	}                                                                                          \
	struct __srcu_semicolon
#define DEFINE_SRCU(name)	      __DEFINE_SRCU(name, , false)
#define DEFINE_STATIC_SRCU(name)      __DEFINE_SRCU(name, static, false)
#define DEFINE_SRCU_FAST(name)	      __DEFINE_SRCU(name, , true)
#define DEFINE_STATIC_SRCU_FAST(name) __DEFINE_SRCU(name, static, true)

#ifdef CONFIG_PROVE_LOCKING
void srcu_check_kind(const struct srcu_struct *ssp, bool fast);
#else
#define srcu_check_kind(ssp, fast) ((void)0)
#endif

/* Counts a reader out, on this CPU's copy. The sanitizer wants the barrier before it said here. */
static __always_inline void __srcu_count_out(struct srcu_ctr *mine)
{
#ifdef CONFIG_TSAN
	smp_store_release(&mine->srcu_unlocks, mine->srcu_unlocks + 1);
#else
	pcpu_inc_mine(&mine->srcu_unlocks);
#endif
}

/**
 * srcu_read_lock - enters a read section; returns what srcu_read_unlock() wants
 *
 * May be nested, slept in, and left on another thread. No registration.
 *
 * The barrier pairs with the one in the grace period between its scan of the
 * unlock counts and its scan of the lock counts: without it the section's
 * first reads could be done before the grace period can see the reader.
 */
static inline int srcu_read_lock(struct srcu_struct *ssp)
{
	struct srcu_ctr *ctrp = READ_ONCE(ssp->srcu_ctrp);

	srcu_check_kind(ssp, false);
	this_cpu_inc(ctrp->srcu_locks);
	smp_mb();
	return (int)(ctrp - ssp->sda);
}

/**
 * srcu_read_unlock - leaves the section that srcu_read_lock() returned IDX for
 *
 * The barrier pairs with the one after the grace period's scan of the unlock
 * counts: without it the section's last accesses could still be under way
 * when the updater frees what they reach.
 */
static inline void srcu_read_unlock(struct srcu_struct *ssp, int idx)
{
	srcu_check_kind(ssp, false);
	smp_mb();
	__srcu_count_out(this_cpu_ptr(&ssp->sda[idx]));
}

/**
 * srcu_read_lock_fast - the same in a domain of the fast kind
 *
 * Only the compiler is held back: where srcu_read_lock() has a barrier, the
 * grace period's membarrier(2) puts one into this thread at any point, which
 * serves since it does so on both sides of each of its scans.
 *
 * Returns this CPU's count, so that a pair reaches both halves of it through
 * one address: a CPU forwards a store to the next load of the same place
 * much sooner when it need not add the address up again.
 */
static inline struct srcu_ctr *srcu_read_lock_fast(struct srcu_struct *ssp)
{
	struct srcu_ctr *mine = this_cpu_ptr(READ_ONCE(ssp->srcu_ctrp));

	srcu_check_kind(ssp, true);
	pcpu_inc_mine(&mine->srcu_locks);
	barrier();
	return mine;
}

/* The reader came in on another CPU: only this one's counts are this thread's to change. */
void srcu_read_unlock_elsewhere(struct srcu_struct *ssp, struct srcu_ctr *ctrp);

static inline void srcu_read_unlock_fast(struct srcu_struct *ssp, struct srcu_ctr *ctrp)
{
	srcu_check_kind(ssp, true);
	barrier();
	if (likely(pcpu_is_mine(ctrp)))
		__srcu_count_out(ctrp);
	else
		srcu_read_unlock_elsewhere(ssp, ctrp);
}

/* Which readers may be inside cannot be told apart: true wherever it is asked. */
#define srcu_read_lock_held(ssp) ((void)(ssp), 1)

#endif
