/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MCS: a queue in which each waiter spins on a line of its own.
 *
 * mcs_queue_* is the lock as published, with a node from the caller;
 * mcs_spin_* puts it behind a spinlock's interface: the node comes from the
 * CPU's own stack of nodes and the lock remembers which one holds it.
 */
#ifndef MN_LOCKS_MCS_H
#define MN_LOCKS_MCS_H

#include <asm/barrier.h>
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct mcs_node {
	struct mcs_node *next;
	int locked;
};

/* Links NODE behind PREV and waits for its turn. */
void mcs_queue_lock_slowpath(struct mcs_node *prev, struct mcs_node *node);
/* A successor is between its exchange of the tail and its store of the link. */
/* Cold, so that callers keep nothing in saved registers for its sake. */
__attribute__((__cold__)) struct mcs_node *mcs_queue_await_next(struct mcs_node *node);

/* Puts NODE at the end of the queue; returns the one before it: NULL, and the lock is taken. */
static inline struct mcs_node *mcs_queue_enter(struct mcs_node **tail, struct mcs_node *node)
{
	WRITE_ONCE(node->next, NULL);
	WRITE_ONCE(node->locked, 0);
	/* Release: a successor that finds NODE must find it initialised. */
	return __atomic_exchange_n(tail, node, __ATOMIC_ACQ_REL);
}

static inline void mcs_queue_lock(struct mcs_node **tail, struct mcs_node *node)
{
	struct mcs_node *prev = mcs_queue_enter(tail, node);

	if (unlikely(prev))
		mcs_queue_lock_slowpath(prev, node);
}

static inline bool mcs_queue_trylock(struct mcs_node **tail, struct mcs_node *node)
{
	struct mcs_node *none = NULL;

	WRITE_ONCE(node->next, NULL);
	WRITE_ONCE(node->locked, 0);
	return __atomic_compare_exchange_n(tail, &none, node, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

static inline void mcs_queue_unlock(struct mcs_node **tail, struct mcs_node *node)
{
	/* Pairs with the release in mcs_queue_lock_slowpath(); only its address is used. */
	struct mcs_node *next = rcu_dereference(node->next);

	if (likely(!next)) {
		if (likely(cmpxchg_release(tail, node, NULL) == node))
			return;
		next = mcs_queue_await_next(node);
	}
	smp_store_release(&next->locked, 1);
}

/* As deep as spinlocks of these kinds may nest on one CPU. */
#define MCS_NODES 8

struct mcs_cpu {
	struct mcs_node node[MCS_NODES] __aligned(16); /* so an index fits below an address */
	u32 used; /* bit I: node[I] belongs to a lock held or waited for */
};

extern struct mcs_cpu *mcs_cpus; /* per-CPU */

/* A free node of this CPU; aborts when locks nest too deeply. */
static __always_inline struct mcs_node *mcs_node_get(struct mcs_cpu *cpu, unsigned int *index)
{
	*index = (unsigned int)__builtin_ctz(~cpu->used);
	if (unlikely(*index >= MCS_NODES))
		__builtin_trap();
	cpu->used |= 1u << *index;
	return &cpu->node[*index];
}

static __always_inline void mcs_node_put(struct mcs_cpu *cpu, unsigned int index)
{
	cpu->used &= ~(1u << index);
}

struct mcs_spinlock {
	struct mcs_node *tail;
	struct mcs_node *holder; /* written and read by the holder only */
};

#define MCS_SPINLOCK_INIT                                                                          \
	{                                                                                          \
		NULL, NULL                                                                         \
	}

/* The token is the node before ours, with the index of ours; 0 where this thread has no CPU yet. */
static inline bool mcs_spin_lock_fast(struct mcs_spinlock *l, unsigned long *token)
{
	struct mcs_cpu *cpu = this_cpu_ptr_again(mcs_cpus);
	struct mcs_node *node, *prev;
	unsigned int index;

	*token = 0;
	if (unlikely(cpu == mcs_cpus))
		return false;
	node = mcs_node_get(cpu, &index);
	prev = mcs_queue_enter(&l->tail, node);
	if (unlikely(prev)) {
		*token = (unsigned long)prev | index;
		return false;
	}
	l->holder = node;
	return true;
}

void mcs_spin_lock_slowpath(struct mcs_spinlock *l, unsigned long token);

static inline void mcs_spin_lock(struct mcs_spinlock *l)
{
	unsigned long token;

	if (unlikely(!mcs_spin_lock_fast(l, &token)))
		mcs_spin_lock_slowpath(l, token);
}

static inline bool mcs_spin_trylock(struct mcs_spinlock *l)
{
	struct mcs_cpu *cpu = this_cpu_ptr(mcs_cpus);
	unsigned int index;
	struct mcs_node *node = mcs_node_get(cpu, &index);

	if (!mcs_queue_trylock(&l->tail, node)) {
		mcs_node_put(cpu, index);
		return false;
	}
	l->holder = node;
	return true;
}

static inline void mcs_spin_unlock(struct mcs_spinlock *l)
{
	struct mcs_cpu *cpu = this_cpu_ptr_again(mcs_cpus);
	struct mcs_node *node = l->holder;

	mcs_queue_unlock(&l->tail, node);
	mcs_node_put(cpu, (unsigned int)(node - cpu->node));
}

#endif
