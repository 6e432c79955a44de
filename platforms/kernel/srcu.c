// SPDX-License-Identifier: GPL-2.0-or-later
/* SRCU in a domain of its own: the read side of both kinds, and the grace period. */
#include "twin.h"

#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/slab.h>

static int domain_setup(struct twin_trial *t)
{
	struct srcu_struct *ssp = kzalloc(sizeof(*ssp), GFP_KERNEL);
	int ret;

	if (!ssp)
		return -ENOMEM;
	ret = init_srcu_struct(ssp);
	if (ret)
		kfree(ssp);
	else
		t->own = ssp;
	return ret;
}

static void domain_teardown(struct twin_trial *t)
{
	if (!t->own)
		return;
	cleanup_srcu_struct(t->own);
	kfree(t->own);
}

/* ---- with a reader, on another CPU where there is one, that never stops for long ---- */

struct busy {
	struct srcu_struct srcu;
	struct task_struct *reader;
};

static int reader_main(void *arg)
{
	while (!kthread_should_stop()) {
		scenario_srcu_pair(arg, 64);
		cond_resched();
	}
	return 0;
}

static int busy_setup(struct twin_trial *t)
{
	struct busy *b = kzalloc(sizeof(*b), GFP_KERNEL);
	unsigned int cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());
	struct task_struct *reader;
	int ret;

	if (!b)
		return -ENOMEM;
	ret = init_srcu_struct(&b->srcu);
	if (ret) {
		kfree(b);
		return ret;
	}
	t->own = b;
	reader = kthread_create(reader_main, &b->srcu, "mnbench_reader");
	if (IS_ERR(reader))
		return PTR_ERR(reader);
	if (cpu < nr_cpu_ids)
		kthread_bind(reader, cpu);
	b->reader = reader;
	wake_up_process(reader);
	return 0;
}

static void busy_teardown(struct twin_trial *t)
{
	struct busy *b = t->own;

	if (!b)
		return;
	if (b->reader)
		kthread_stop(b->reader);
	cleanup_srcu_struct(&b->srcu);
	kfree(b);
}

TWIN_LOOP(synchronize_busy, scenario_synchronize(&((struct busy *)t->own)->srcu, now))

/* ---- without ---- */

TWIN_LOOP(read_pair, scenario_srcu_pair(t->own, now))
TWIN_LOOP(read_nested, scenario_srcu_nested(t->own, now))
TWIN_LOOP(synchronize, scenario_synchronize(t->own, now))

#define DOMAIN .setup = domain_setup, .teardown = domain_teardown

/* The kind without the reader's barriers has got names of its own in 6.15. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
static void scenario_srcu_fast_pair(struct srcu_struct *ssp, u64 n)
{
	while (n--)
		srcu_read_unlock_fast(ssp, srcu_read_lock_fast(ssp));
}

TWIN_LOOP(fast_pair, scenario_srcu_fast_pair(t->own, now))
#define FAST DOMAIN, .threads = true, .run = fast_pair
#else
#define FAST .lacks = "this kernel has no srcu_read_lock_fast(), which came with 6.15"
#endif

static const struct twin_op ops[] = {
	{"srcu", {"read_pair"}, "full", DOMAIN, .threads = true, .run = read_pair},
	{"srcu", {"read_pair"}, "fast", FAST},
	{"srcu", {"read_nested"}, "full", DOMAIN, .run = read_nested},
	{"srcu", {"synchronize_idle"}, "full", DOMAIN, .sleeps = true, .run = synchronize},
	{"srcu",
	 {"synchronize_busy"},
	 "full",
	 .sleeps = true,
	 .setup = busy_setup,
	 .teardown = busy_teardown,
	 .run = synchronize_busy},
};

const struct twin_table twin_srcu = TWIN_TABLE(ops);
