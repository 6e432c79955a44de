/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SRCU's update side. The readers' is inline, in linux/srcu.h.
 *
 * A grace period, with the barriers that face the readers' two (in brackets
 * what the fast kind has instead: membarrier, which makes every thread that
 * runs pass a full barrier):
 *
 *	A  barrier         the updater's earlier stores come first
 *	   scan the idle rank until it is empty
 *	B  barrier
 *	   flip: readers enter the other rank from now on
 *	C  barrier
 *	   scan the rank that was left until it is empty
 *	D  barrier         the updater's later stores come last
 *
 * The first scan is needed since a reader may fetch the rank, stop, and count
 * itself in after a flip has passed it by: such stragglers of the last flip
 * but one are in the idle rank, and would not be seen by the second scan.
 *
 * A scan reads all unlock counts, a barrier, then all lock counts. An unlock
 * that is seen implies that its lock is seen, so equal sums mean that at the
 * moment between the two nobody was inside whom the barrier made visible.
 */
#include <errno.h>
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/membarrier.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- the two kinds' barriers ---- */

static void membarrier_register(void)
{
	BUG_ON(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
}

static void gp_barrier(const struct srcu_struct *ssp)
{
	smp_mb();
	if (!ssp->fast)
		return;
	BUG_ON(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
	smp_mb();
}

#ifdef CONFIG_PROVE_LOCKING
void srcu_check_kind(const struct srcu_struct *ssp, bool fast)
{
	WARN_ON(ssp->fast != fast);
}
#endif

void srcu_read_unlock_elsewhere(struct srcu_struct *ssp, struct srcu_ctr *ctrp)
{
	unsigned long distance = (unsigned long)ctrp - (unsigned long)ssp->sda;
	unsigned long rank = distance % PCPU_UNIT_SIZE / sizeof(*ctrp);

	__srcu_count_out(this_cpu_ptr(&ssp->sda[rank]));
}

/* ---- grace periods ---- */

static unsigned long sum_locks(const struct srcu_struct *ssp, unsigned int rank)
{
	unsigned long sum = 0;
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(ssp->sda, cpu)[rank].srcu_locks);
	return sum;
}

static unsigned long sum_unlocks(const struct srcu_struct *ssp, unsigned int rank)
{
	unsigned long sum = 0;
	unsigned int cpu;

	/* Acquire tells the sanitizer what the barrier after the loop does. */
	for_each_possible_cpu(cpu)
		sum += smp_load_acquire(&per_cpu_ptr(ssp->sda, cpu)[rank].srcu_unlocks);
	return sum;
}

static bool rank_is_empty(const struct srcu_struct *ssp, unsigned int rank)
{
	unsigned long unlocks = sum_unlocks(ssp, rank);

	/*
	 * Pairs with the barrier in srcu_read_lock(): without it a lock that
	 * precedes an unlock already counted could be missed, and a reader
	 * that came meanwhile would make up for one that is still inside.
	 */
	gp_barrier(ssp);
	return sum_locks(ssp, rank) == unlocks;
}

/* Most readers are short: look again at once, then ever more seldom. */
static void wait_for_rank(const struct srcu_struct *ssp, unsigned int rank)
{
	struct timespec pause = {0, 10 * 1000};
	unsigned int tries = 0;

	while (!rank_is_empty(ssp, rank)) {
		if (tries++ < 16) {
			cpu_relax();
			continue;
		}
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 1000 * 1000)
			pause.tv_nsec *= 2;
	}
}

static void grace_period(struct srcu_struct *ssp)
{
	unsigned int current = (unsigned int)(ssp->srcu_ctrp - ssp->sda);

	gp_barrier(ssp); /* A: pairs with the barrier in srcu_read_lock() */
	wait_for_rank(ssp, current ^ 1);
	/*
	 * B: a reader that is seen to have left may not go on to see the flip
	 * and be counted in the new rank by the scan that is done.
	 */
	gp_barrier(ssp);
	WRITE_ONCE(ssp->srcu_ctrp, &ssp->sda[current ^ 1]);
	/* C: a reader whose count the scan below misses has seen the flip. */
	gp_barrier(ssp);
	wait_for_rank(ssp, current);
	gp_barrier(ssp); /* D: pairs with the barrier in srcu_read_unlock() */
}

/* The value that gp_seq reaches when a grace period that begins after this call has ended. */
static unsigned long gp_snap(const struct srcu_usage *sup)
{
	/* Pairs with the barrier A of the one that serves the caller. */
	smp_mb();
	return (READ_ONCE(sup->gp_seq) + 3) & ~1UL;
}

static void wait_for_grace_period(struct srcu_struct *ssp)
{
	struct srcu_usage *sup = ssp->sup;
	unsigned long snap = gp_snap(sup);

	pthread_mutex_lock(&sup->gp_mutex);
	/* Those who waited for the mutex together share one grace period. */
	if ((long)(sup->gp_seq - snap) < 0) {
		WRITE_ONCE(sup->gp_seq, sup->gp_seq + 1);
		grace_period(ssp);
		WRITE_ONCE(sup->gp_seq, sup->gp_seq + 1);
	}
	pthread_mutex_unlock(&sup->gp_mutex);
	smp_mb();
}

/* ---- callbacks ---- */

/* Oldest first, as they were queued. */
static struct rcu_head *reverse(struct rcu_head *newest)
{
	struct rcu_head *oldest = NULL, *next;

	for (; newest; newest = next) {
		next = newest->next;
		newest->next = oldest;
		oldest = newest;
	}
	return oldest;
}

static unsigned long invoke(struct rcu_head *head)
{
	struct rcu_head *next;
	unsigned long n = 0;

	for (; head; head = next, n++) {
		next = head->next; /* func frees it */
		head->func(head);
	}
	return n;
}

static void *srcu_worker(void *arg)
{
	struct srcu_usage *sup = arg;
	struct rcu_head *batch;
	unsigned long done;

	pthread_mutex_lock(&sup->cb_mutex);
	for (;;) {
		while (!sup->callbacks && !sup->stop)
			pthread_cond_wait(&sup->cb_cond, &sup->cb_mutex);
		if (!sup->callbacks)
			break;
		batch = sup->callbacks;
		sup->callbacks = NULL;
		pthread_mutex_unlock(&sup->cb_mutex);
		wait_for_grace_period(sup->ssp);
		done = invoke(reverse(batch));
		pthread_mutex_lock(&sup->cb_mutex);
		smp_store_release(&sup->cb_done, sup->cb_done + done);
		pthread_cond_broadcast(&sup->cb_cond);
	}
	pthread_mutex_unlock(&sup->cb_mutex);
	return NULL;
}

void call_srcu(struct srcu_struct *ssp, struct rcu_head *head, rcu_callback_t func)
{
	struct srcu_usage *sup = ssp->sup;

	head->func = func;
	pthread_mutex_lock(&sup->cb_mutex);
	if (unlikely(!sup->worker_runs)) {
		BUG_ON(pthread_create(&sup->worker, NULL, srcu_worker, sup));
		sup->worker_runs = true;
	}
	head->next = sup->callbacks;
	sup->callbacks = head;
	WRITE_ONCE(sup->cb_queued, sup->cb_queued + 1);
	/* The worker needs a word only when it may be asleep. */
	if (!head->next)
		pthread_cond_broadcast(&sup->cb_cond);
	pthread_mutex_unlock(&sup->cb_mutex);
}

static void wait_for_callbacks(struct srcu_usage *sup, unsigned long want)
{
	pthread_mutex_lock(&sup->cb_mutex);
	while ((long)(sup->cb_done - want) < 0)
		pthread_cond_wait(&sup->cb_cond, &sup->cb_mutex);
	pthread_mutex_unlock(&sup->cb_mutex);
}

void srcu_barrier(struct srcu_struct *ssp)
{
	might_sleep();
	wait_for_callbacks(ssp->sup, READ_ONCE(ssp->sup->cb_queued));
}

void synchronize_srcu(struct srcu_struct *ssp)
{
	struct srcu_usage *sup = ssp->sup;
	unsigned long queued = READ_ONCE(sup->cb_queued);

	might_sleep();
	wait_for_grace_period(ssp);
	if (smp_load_acquire(&sup->cb_done) != queued)
		wait_for_callbacks(sup, queued);
}

/* ---- setting up ---- */

static int srcu_init(struct srcu_struct *ssp, bool fast)
{
	struct srcu_usage *sup = kzalloc(sizeof(*sup), GFP_KERNEL);

	ssp->fast = fast;
	ssp->sda = alloc_percpu_size(2 * sizeof(*ssp->sda));
	if (!sup || !ssp->sda) {
		free_percpu_size(ssp->sda, 2 * sizeof(*ssp->sda));
		kfree(sup);
		return -ENOMEM;
	}
	ssp->srcu_ctrp = &ssp->sda[0];
	sup->ssp = ssp;
	pthread_mutex_init(&sup->gp_mutex, NULL);
	pthread_mutex_init(&sup->cb_mutex, NULL);
	pthread_cond_init(&sup->cb_cond, NULL);
	ssp->sup = sup;
	if (fast)
		membarrier_register();
	return 0;
}

int init_srcu_struct(struct srcu_struct *ssp)
{
	return srcu_init(ssp, false);
}

int init_srcu_struct_fast(struct srcu_struct *ssp)
{
	return srcu_init(ssp, true);
}

void srcu_define(struct srcu_struct *ssp)
{
	BUG_ON(srcu_init(ssp, ssp->fast));
}

void cleanup_srcu_struct(struct srcu_struct *ssp)
{
	struct srcu_usage *sup = ssp->sup;

	pthread_mutex_lock(&sup->cb_mutex);
	sup->stop = true;
	pthread_cond_broadcast(&sup->cb_cond);
	pthread_mutex_unlock(&sup->cb_mutex);
	if (sup->worker_runs)
		pthread_join(sup->worker, NULL);
	WARN_ON(sup->callbacks);
	free_percpu_size(ssp->sda, 2 * sizeof(*ssp->sda));
	kfree(sup);
	*ssp = (struct srcu_struct){0};
}
