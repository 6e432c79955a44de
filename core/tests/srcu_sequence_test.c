/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Grace periods one by one: what each adds to the count, which rank it leaves, whom it serves. */
#include <linux/kernel.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>

#include "check.h"

static struct srcu_struct domain;

static unsigned long count(void)
{
	return get(domain.sup->gp_seq);
}

static void synchronize(void *arg)
{
	(void)arg;
	synchronize_srcu(&domain);
}

/* ---- the count and the ranks ---- */

static void one_at_a_time(void)
{
	struct srcu_ctr *rank = domain.srcu_ctrp, *other = &domain.sda[rank == domain.sda];

	CHECK(rank == &domain.sda[0] || rank == &domain.sda[1]);
	for (unsigned long i = 0; i < 4; i++) {
		CHECK_EQ(count(), 2 * i);
		CHECK(domain.srcu_ctrp == (i & 1 ? other : rank));
		synchronize_srcu(&domain);
	}
}

/* Those who came before it began are all served by the next one: no second one is run. */
static void those_who_met(void)
{
	unsigned long before = count();
	struct task tasks[3];

	pthread_mutex_lock(&domain.sup->gp_mutex);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_start(&tasks[i], synchronize, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		CHECK(task_blocks(&tasks[i]));
	pthread_mutex_unlock(&domain.sup->gp_mutex);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++) {
		CHECK(task_ends(&tasks[i]));
		task_join(&tasks[i]);
	}
	CHECK_EQ(count(), before + 2);
}

/* Where the count stands at its end it wraps, and nobody waits longer or shorter for that. */
static void over_the_wrap(void)
{
	struct srcu_ctr *rank;
	struct task task;
	int idx;

	domain.sup->gp_seq = ~0ul - 3;
	for (int i = 0; i < 4; i++) {
		rank = domain.srcu_ctrp;
		idx = srcu_read_lock(&domain);
		task_start(&task, synchronize, NULL);
		CHECK(task_blocks(&task));
		srcu_read_unlock(&domain, idx);
		CHECK(task_ends(&task));
		task_join(&task);
		CHECK(domain.srcu_ctrp != rank);
	}
	CHECK_EQ(count(), 4);
}

/*
 * Who fetched the rank before a flip and counts itself in after it is waited
 * for by the next grace period, whichever the rank.
 */
static void stragglers_in_both_ranks(void)
{
	for (int i = 0; i < 4; i++) {
		struct srcu_ctr *idle = &domain.sda[domain.srcu_ctrp == domain.sda];
		struct srcu_ctr *rank = domain.srcu_ctrp;
		struct task task;

		this_cpu_inc(idle->srcu_locks);
		task_start(&task, synchronize, NULL);
		CHECK(task_blocks(&task));
		CHECK(get(domain.srcu_ctrp) ==
		      rank); /* not even the flip comes before it has left */
		this_cpu_inc(idle->srcu_unlocks);
		CHECK(task_ends(&task));
		task_join(&task);
		CHECK(domain.srcu_ctrp == idle);
	}
}

/* ---- callbacks ---- */

static struct rcu_head head[2];
static bool may_end;
static unsigned int called;

static void call_slowly(struct rcu_head *rcu)
{
	CHECK(rcu == &head[get(called)]);
	while (!get(may_end))
		sleep_ms(1);
	bump(called);
}

/* A grace period's end is behind the callbacks that were queued before its begin. */
static void synchronize_waits_for_callbacks(void)
{
	struct task task;

	set(may_end, false);
	called = 0;
	call_srcu(&domain, &head[0], call_slowly);
	call_srcu(&domain, &head[1], call_slowly);
	task_start(&task, synchronize, NULL);
	CHECK(task_blocks(&task));
	set(may_end, true);
	CHECK(task_ends(&task));
	task_join(&task);
	CHECK_EQ(get(called), 2);
}

/* What a callback did is seen behind a grace period, also where that need not wait for it. */
static unsigned long done_by_callback;

static void call_and_write(struct rcu_head *rcu)
{
	(void)rcu;
	done_by_callback++; /* plain: the thread sanitizer checks the order */
}

static void synchronize_sees_callbacks(void)
{
	for (unsigned long i = 1; i <= 20; i++) {
		unsigned long want = READ_ONCE(domain.sup->cb_queued) + 1;

		call_srcu(&domain, &head[0], call_and_write);
		CHECK(EVENTUALLY(READ_ONCE(domain.sup->cb_done) == want));
		synchronize_srcu(&domain);
		CHECK_EQ(done_by_callback, i);
	}
}

static void never_queued(void)
{
	unsigned long before = count();

	srcu_barrier(&domain); /* returns at once, with no grace period */
	CHECK_EQ(count(), before);
}

/* ---- readers of the fast kind that are left on another thread ---- */

static struct srcu_struct fast;

static void leave_fast(void *ctr)
{
	unsigned long *mine = &this_cpu_ptr(fast.srcu_ctrp)->srcu_unlocks, before = *mine;

	srcu_read_unlock_fast(&fast, ctr);
	CHECK_EQ(*mine, before + 1);
}

/* Nobody writes another CPU's counts: two that do would lose one. */
static void left_on_its_own_copy(void)
{
	struct srcu_ctr *ctr;
	struct task task;

	CHECK_EQ(init_srcu_struct_fast(&fast), 0);
	ctr = srcu_read_lock_fast(&fast);
	task_start(&task, leave_fast, ctr);
	task_join(&task);
	CHECK_EQ(ctr->srcu_locks, 1);
	CHECK_EQ(ctr->srcu_unlocks, 0);
	ctr = srcu_read_lock_fast(&fast);
	leave_fast(ctr);
	CHECK_EQ(ctr->srcu_unlocks, 1);
	synchronize_srcu(&fast);
	cleanup_srcu_struct(&fast);
}

/* ---- ends ---- */

/* Callbacks that nobody waited for are called before the domain goes. */
static void ended_with_a_callback(void)
{
	struct srcu_struct ssp;

	set(may_end, true);
	called = 0;
	CHECK_EQ(init_srcu_struct(&ssp), 0);
	call_srcu(&ssp, &head[0], call_slowly);
	cleanup_srcu_struct(&ssp);
	CHECK_EQ(get(called), 1);
	CHECK(!ssp.srcu_ctrp && !ssp.sda && !ssp.sup);
}

/* Its counts' memory goes back, and comes again as new. */
static void made_again(void)
{
	struct srcu_struct ssp;
	struct srcu_ctr *first;

	CHECK_EQ(init_srcu_struct(&ssp), 0);
	first = ssp.sda;
	for (int i = 0; i < 3; i++) {
		srcu_read_unlock(&ssp, srcu_read_lock(&ssp));
		synchronize_srcu(&ssp);
		cleanup_srcu_struct(&ssp);
		CHECK_EQ(init_srcu_struct(&ssp), 0);
		CHECK(ssp.sda == first);
		CHECK_EQ(this_cpu_ptr(&ssp.sda[0])->srcu_locks, 0);
		CHECK_EQ(this_cpu_ptr(&ssp.sda[1])->srcu_locks, 0);
		CHECK_EQ(ssp.sup->gp_seq, 0);
	}
	cleanup_srcu_struct(&ssp);
}

/* ---- the debug build's checks of the caller ---- */

static void sleeping_calls(void)
{
#ifdef CONFIG_PROVE_LOCKING
	static DEFINE_SPINLOCK(lock);
	unsigned long before = bug_warn_count();

	spin_lock(&lock);
	synchronize_srcu(&domain);
	CHECK_EQ(bug_warn_count(), before + 1);
	srcu_barrier(&domain);
	CHECK_EQ(bug_warn_count(), before + 2);
	spin_unlock(&lock);
#endif
}

int main(void)
{
	CHECK_EQ(init_srcu_struct(&domain), 0);
	RUN(one_at_a_time);
	RUN(never_queued);
	RUN(those_who_met);
	RUN(over_the_wrap);
	RUN(stragglers_in_both_ranks);
	RUN(synchronize_waits_for_callbacks);
	RUN(synchronize_sees_callbacks);
	RUN(sleeping_calls);
	cleanup_srcu_struct(&domain);
	RUN(left_on_its_own_copy);
	RUN(ended_with_a_callback);
	RUN(made_again);
	return check_exit();
}
