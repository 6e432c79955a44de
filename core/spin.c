/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the spin locks of all kinds have out of line. */
#include <linux/spinlock.h>
#include <sched.h>

struct mcs_cpu *mcs_cpus;

/* First of all constructors: any of the others may take a lock. */
static void __attribute__((__constructor__(101))) spin_init(void)
{
	struct pthread_spin_spinlock unlocked = PTHREAD_SPIN_SPINLOCK_INIT;

	BUG_ON(!pthread_spin_spin_trylock(&unlocked)); /* this C library wants another value */
	pthread_spin_spin_unlock(&unlocked);
	mcs_cpus = alloc_percpu(struct mcs_cpu);
	BUG_ON(!mcs_cpus);
}

void spin_wait_yield(struct spin_wait *w)
{
	w->spins = 0;
	sched_yield();
}

/*
 * The waits of the simple kinds. Out of line, so that an uncontended lock does
 * not make its caller save registers: those stores would have to drain before
 * the atomic that follows them.
 */
void tas_spin_lock_slowpath(struct tas_spinlock *l, unsigned long token)
{
	struct spin_wait w = {0};

	(void)token;
	do
		spin_wait_relax(&w);
	while (!tas_spin_trylock(l));
}

void ttas_spin_lock_slowpath(struct ttas_spinlock *l, unsigned long token)
{
	struct spin_wait w = {0};

	(void)token;
	do
		spin_wait_relax(&w);
	while (!ttas_spin_trylock(l));
}

void ticket_spin_lock_slowpath(struct ticket_spinlock *l, unsigned long token)
{
	smp_cond_load_acquire(&l->serving, VAL == token);
}

void mcs_queue_lock_slowpath(struct mcs_node *prev, struct mcs_node *node)
{
	/*
	 * Release: without it NODE's own locked = 0 could still be on its way,
	 * on arm64 and riscv64, when PREV hands over, and undo that. The tail's
	 * exchange does not order it: of an exclusive pair with acquire and
	 * release, earlier stores may pass the load, later ones the store.
	 */
	smp_store_release(&prev->next, node);
	/* Pairs with the release in mcs_queue_unlock(). */
	smp_cond_load_acquire(&node->locked, VAL);
}

void mcs_spin_lock_slowpath(struct mcs_spinlock *l, unsigned long token)
{
	struct mcs_cpu *cpu = this_cpu_ptr(mcs_cpus);
	struct mcs_node *node = &cpu->node[token % MCS_NODES];

	if (!token) {
		mcs_spin_lock(l);
		return;
	}
	mcs_queue_lock_slowpath((struct mcs_node *)(token & ~(MCS_NODES - 1ul)), node);
	l->holder = node;
}

struct mcs_node *mcs_queue_await_next(struct mcs_node *node)
{
	return smp_cond_load_acquire(&node->next, VAL);
}

/* A tail names a node by CPU and index; 0 is no tail, hence the one that is added. */
static inline u16 encode_tail(unsigned int cpu, unsigned int index)
{
	_Static_assert(NR_CPUS * MCS_NODES < 1 << 16, "a tail has 16 bits");
	return (u16)(cpu * MCS_NODES + index + 1);
}

static inline struct mcs_node *decode_tail(u16 tail)
{
	unsigned int node = tail - 1u;

	return &per_cpu_ptr(mcs_cpus, node / MCS_NODES)->node[node % MCS_NODES];
}

/*
 * The second to come needs no node: it sets the pending bit and waits for
 * the owner to go. False: somebody was before it, or came with it; it queues.
 */
static bool lock_as_pending(struct queued_spinlock *l)
{
	u32 val = __atomic_fetch_or(&l->val, QUEUED_PENDING, __ATOMIC_ACQUIRE);

	if (unlikely(val & ~QUEUED_LOCKED_MASK)) {
		/* Ours only if it was not set before; the owner of it clears it. */
		if (!(val & QUEUED_PENDING))
			__atomic_store_n(&l->pending, 0, __ATOMIC_RELAXED);
		return false;
	}
	/* Pairs with the release in queued_spin_unlock(). */
	if (val & QUEUED_LOCKED_MASK)
		smp_cond_load_acquire(&l->locked, !VAL);
	/* Takes the lock and gives pending up in one store: no third one slips in. */
	__atomic_store_n(&l->locked_pending, QUEUED_LOCKED, __ATOMIC_RELAXED);
	return true;
}

/* At the head of the queue: waits for owner and pending to go, then takes the lock. */
static void lock_as_head(struct queued_spinlock *l, struct mcs_node *node, u16 tail)
{
	u32 val = smp_cond_load_acquire(&l->val, !(VAL & ~QUEUED_TAIL_MASK));
	struct mcs_node *next;

	/* The last one leaves an empty queue behind it. */
	if (val == (u32)tail << QUEUED_TAIL_SHIFT &&
	    cmpxchg_relaxed(&l->val, val, QUEUED_LOCKED) == val)
		return;

	/* Only the head may set the byte while a queue stands. */
	__atomic_store_n(&l->locked, QUEUED_LOCKED, __ATOMIC_RELAXED);
	next = smp_cond_load_acquire(&node->next, VAL);
	/* Pairs with the acquire in lock_queued(). */
	smp_store_release(&next->locked, 1);
}

static void lock_queued(struct queued_spinlock *l)
{
	struct mcs_cpu *cpu = this_cpu_ptr(mcs_cpus);
	struct mcs_node *node;
	unsigned int index;
	u16 tail, prev;

	node = mcs_node_get(cpu, &index);
	tail = encode_tail(smp_processor_id(), index);
	/* Whoever stood behind NODE last time wrote the same fields, with no order to this. */
	WRITE_ONCE(node->next, NULL);
	WRITE_ONCE(node->locked, 0);

	if (!queued_spin_trylock(l)) {
		/* Release: whoever links itself behind NODE finds it initialised. */
		prev = __atomic_exchange_n(&l->tail, tail, __ATOMIC_ACQ_REL);
		if (prev) {
			/* Release: as in mcs_queue_lock_slowpath(). */
			smp_store_release(&decode_tail(prev)->next, node);
			smp_cond_load_acquire(&node->locked, VAL);
		}
		lock_as_head(l, node, tail);
	}
	mcs_node_put(cpu, index);
}

void queued_spin_lock_slowpath(struct queued_spinlock *l, unsigned long token)
{
	u32 val = (u32)token;

	/* From pending to locked is a moment: wait it out rather than queue. */
	for (int i = 0; val == QUEUED_PENDING && i < 512; i++) {
		cpu_relax();
		val = READ_ONCE(l->val);
	}
	if (!(val & ~QUEUED_LOCKED_MASK) && lock_as_pending(l))
		return;
	lock_queued(l);
}
