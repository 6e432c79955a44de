/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's twin of the benchmark: a table of operations, each timed by the kernel's own clock
 * in the process that loads the module, whose mm they are done to. A row is one line of the log.
 */
#ifndef MNBENCH_TWIN_H
#define MNBENCH_TWIN_H

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/version.h>
#include <linux/wait.h>

#include "scenarios.h"

#define TWIN_FIGURES 4
#define TWIN_VALUES  8

/* Operations on the clock before others may have the CPU: some ms at most, also where nothing else
 * would stop them. */
#define TWIN_PART 4096

#ifdef CONFIG_QUEUED_SPINLOCKS
#define TWIN_LOCK "queued"
#else
#define TWIN_LOCK "ticket"
#endif

struct twin_param {
	const char *name;
	unsigned int count;
	unsigned long values[TWIN_VALUES];
	const char *const *names; /* of the values, where they are no numbers */
};

/* What was timed in one repetition. */
struct twin_figure {
	u64 ns;
	u64 ops;
	u64 parts; /* times that the clock was started and stopped */
};

struct twin_trial;

struct twin_op {
	const char *family;
	const char *name[TWIN_FIGURES]; /* of each figure */
	const char *variant;
	struct twin_param param[2];
	unsigned int most; /* operations in a repetition; 0: as many as fit */
	bool sleeps;	   /* some of its time is waiting: its clock counts what no CPU executes */
	bool threads;	   /* run by a team of kthreads too: run() does N operations on each */
	const char *lacks; /* why this kernel does not have it; then nothing else is there */

	/* 0, or -errno; teardown() follows in any case. */
	int (*setup)(struct twin_trial *t);
	void (*teardown)(struct twin_trial *t);
	/* About N operations into figure[]: 0, or -errno. */
	int (*run)(struct twin_trial *t, u64 n);
};

struct twin_trial {
	const struct twin_op *op;
	unsigned long param[2];
	unsigned int threads;
	struct mm_struct *mm;
	struct scenario_batch base, extra;
	size_t base_in, extra_in; /* of each, the first so many are inserted */
	struct mmu_notifier *list;
	size_t listed;
	spinlock_t *user_lock; /* a copy of the trial has the same */
	void *own;	       /* the operation's */
	struct twin_figure figure[TWIN_FIGURES];
};

struct twin_table {
	const struct twin_op *ops;
	size_t count;
};

#define TWIN_TABLE(array)                                                                          \
	{                                                                                          \
		(array), ARRAY_SIZE(array)                                                         \
	}

/* The values of a factor. */
#define TWIN_LIST(...)                                                                             \
	ARRAY_SIZE(((unsigned long[]){__VA_ARGS__})),                                              \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

extern const struct twin_table twin_seq, twin_srcu, twin_list, twin_wake;

static inline u64 twin_begin(void)
{
	return ktime_get_ns();
}

/* OPS operations since BEGIN. */
static inline void twin_end(struct twin_trial *t, unsigned int figure, u64 begin, u64 ops)
{
	t->figure[figure].ns += ktime_get_ns() - begin;
	t->figure[figure].ops += ops;
	t->figure[figure].parts++;
}

/* A run() that is one loop over N operations. */
#define TWIN_LOOP(name, loop)                                                                      \
	static int name(struct twin_trial *t, u64 n)                                               \
	{                                                                                          \
		while (n) {                                                                        \
			u64 now = min_t(u64, n, TWIN_PART), begin = twin_begin();                  \
                                                                                                   \
			loop;                                                                      \
			twin_end(t, 0, begin, now);                                                \
			n -= now;                                                                  \
			cond_resched();                                                            \
		}                                                                                  \
		return 0;                                                                          \
	}

/* world.c: subscriptions of the trial's mm; whatever is there when it ends is taken away. */
extern const struct mmu_interval_notifier_ops twin_interval_ops;
extern const struct mmu_notifier_ops twin_list_ops;
int twin_range_start(struct mmu_notifier *subscription, const struct mmu_notifier_range *range);
void twin_range_end(struct mmu_notifier *subscription, const struct mmu_notifier_range *range);
int twin_batch_alloc(struct twin_trial *t, struct scenario_batch *b, size_t count);
int twin_base_insert(struct twin_trial *t); /* all of it */
int twin_list_register(struct twin_trial *t, size_t count);
void twin_world_free(struct twin_trial *t);

/* trial.c */
struct twin_limits {
	unsigned int repetitions, threads;
	u64 repetition_ns, budget_ns;
	unsigned long largest; /* sizes above it are left out */
	const char *only;      /* family/op has this in it; NULL: all */
};
int twin_run_all(const struct twin_table *table, const struct twin_limits *limits,
		 unsigned int *rows);

/* team.c: N operations by each of t->threads kthreads, each on a CPU of its own. */
int twin_team_run(struct twin_trial *t, u64 n);

/* hold.c: a device whose holder's mm has subscriptions for as long as it is open. */
int twin_hold_begin(void);
void twin_hold_end(void);

#endif
