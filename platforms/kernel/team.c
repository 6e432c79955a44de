// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Several kthreads that do the same at once, each on a CPU of its own: they begin when all are
 * there, and stop when the first has done its share, so that none is ever on the clock alone.
 */

#include "twin.h"

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#define BATCH 512

struct team {
	const struct twin_trial *trial;
	u64 wanted;
	atomic_t there, away;
	wait_queue_head_t wait;
	bool go, stop;
};

struct member {
	struct team *team;
	struct task_struct *task;
	struct twin_trial own; /* a copy: its figures are the member's */
	int ret;
};

/* Ended by kthread_stop(), and by nothing else. */
static void await_stop(void)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

static int member_main(void *arg)
{
	struct member *m = arg;
	struct team *team = m->team;

	atomic_inc(&team->there);
	wake_up(&team->wait);
	while (!READ_ONCE(team->go))
		cond_resched();
	while (!READ_ONCE(team->stop) && !m->ret) {
		m->ret = m->own.op->run(&m->own, BATCH);
		if (m->own.figure[0].ops >= team->wanted || m->ret)
			WRITE_ONCE(team->stop, true);
	}
	atomic_inc(&team->away);
	wake_up(&team->wait);
	await_stop();
	return 0;
}

static int member_start(struct team *team, struct member *m, unsigned int cpu)
{
	m->team = team;
	m->own = *team->trial;
	m->task = kthread_create_on_node(member_main, m, cpu_to_node(cpu), "mnbench/%u", cpu);
	if (IS_ERR(m->task))
		return PTR_ERR(m->task);
	kthread_bind(m->task, cpu);
	wake_up_process(m->task);
	return 0;
}

static int team_start(struct team *team, struct member *members, unsigned int *started)
{
	unsigned int cpu;

	for (cpu = cpumask_first(cpu_online_mask); cpu < nr_cpu_ids;
	     cpu = cpumask_next(cpu, cpu_online_mask)) {
		int ret;

		if (*started == team->trial->threads)
			return 0;
		ret = member_start(team, &members[*started], cpu);
		if (ret)
			return ret;
		++*started;
	}
	return *started == team->trial->threads ? 0 : -ENODEV;
}

static int collect(struct twin_trial *t, const struct member *members, unsigned int count)
{
	int ret = 0;

	for (unsigned int i = 0; i < count; i++) {
		t->figure[0].ns += members[i].own.figure[0].ns;
		t->figure[0].ops += members[i].own.figure[0].ops;
		t->figure[0].parts += members[i].own.figure[0].parts;
		ret = ret ?: members[i].ret;
	}
	return ret;
}

int twin_team_run(struct twin_trial *t, u64 n)
{
	struct team team = {.trial = t, .wanted = n};
	struct member *members = kvcalloc(t->threads, sizeof(*members), GFP_KERNEL);
	unsigned int started = 0;
	int ret;

	if (!members)
		return -ENOMEM;
	init_waitqueue_head(&team.wait);
	cpus_read_lock();
	ret = team_start(&team, members, &started);
	cpus_read_unlock();
	if (!ret)
		wait_event(team.wait, atomic_read(&team.there) == started);
	WRITE_ONCE(team.stop, ret != 0);
	WRITE_ONCE(team.go, true);
	wait_event(team.wait, atomic_read(&team.away) == started);
	for (unsigned int i = 0; i < started; i++)
		kthread_stop(members[i].task);
	ret = ret ?: collect(t, members, started);
	kvfree(members);
	return ret;
}
