// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module: loading it runs everything once, in the process that loads it, and it stays, with
 * nothing of it registered but its device, until it is unloaded. So that what it says is whole in
 * the log, whoever loads it sees whether it worked, and the device serves the process afterwards.
 */
#include "twin.h"

#include <generated/utsrelease.h>
#include <linux/init.h>
#include <linux/minmax.h>
#include <linux/module.h>

static unsigned int repetitions = 5;
module_param(repetitions, uint, 0444);
MODULE_PARM_DESC(repetitions, "of each operation, 2 to 32 (5)");

static unsigned int repetition_us = 500;
module_param(repetition_us, uint, 0444);
MODULE_PARM_DESC(repetition_us, "that a repetition takes, about, 10 to 100000 (500)");

static unsigned int budget_ms = 200;
module_param(budget_ms, uint, 0444);
MODULE_PARM_DESC(budget_ms, "an operation that took longer is not repeated further (200)");

static unsigned int threads = 1;
module_param(threads, uint, 0444);
MODULE_PARM_DESC(threads, "kthreads that do the same at once, each on a CPU of its own (1)");

static ulong largest = ULONG_MAX;
module_param(largest, ulong, 0444);
MODULE_PARM_DESC(largest, "number of intervals, or of sleepers (all that there are)");

static char *only;
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "run what has this in FAMILY/OPERATION (all)");

/* What the clock costs: what every part of an operation has in its time. */
static void print_clock(void)
{
	u64 total = 0;

	for (int i = 0; i < 1024; i++) {
		u64 begin = twin_begin();

		total += ktime_get_ns() - begin;
	}
	pr_info("clock,1024,%llu\n", total);
}

static int run_tables(void)
{
	static const struct twin_table *const tables[] = {&twin_seq, &twin_srcu, &twin_list,
							  &twin_wake};
	struct twin_limits limits = {
		.repetitions = clamp(repetitions, 2u, 32u),
		.threads = clamp(threads, 1u, num_online_cpus()),
		.repetition_ns = clamp(repetition_us, 10u, 100000u) * (u64)NSEC_PER_USEC,
		.budget_ns = budget_ms * (u64)NSEC_PER_MSEC,
		.largest = largest,
		.only = only,
	};
	unsigned int rows = 0;
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tables) && !ret; i++)
		ret = twin_run_all(tables[i], &limits, &rows);
	if (!ret)
		pr_info("end,%u\n", rows);
	else
		pr_err("stopped after %u rows: %d\n", rows, ret);
	return ret;
}

static int __init twin_init(void)
{
	int ret;

	if (!current->mm) {
		pr_err("to be loaded by a process that has an mm\n");
		return -EINVAL;
	}
	pr_info("begin,%s,%u\n", UTS_RELEASE, num_online_cpus());
	print_clock();
	ret = run_tables();
	return ret ?: twin_hold_begin();
}

static void __exit twin_exit(void)
{
	twin_hold_end();
}

module_init(twin_init);
module_exit(twin_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Times the synchronisation core of mmu notifiers");
