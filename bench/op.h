/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a family gives to be timed: an operation of one subject and variant,
 * with the parameters it is timed over. Everything else (registration,
 * placement, order, threads, clocks, rows) is the same for all and lies in
 * cases.c, schedule.c, case_run.c, team.c, herd.c and case_rows.c.
 *
 * An operation is timed in one of three ways:
 *   run        does N operations; the caller reads the clock around it. In a
 *              team also one alone now and then, for the percentiles
 *   timed      does N operations of which only a part counts, and says how
 *              many nanoseconds that part took; one thread only
 *   herd       see herd.h
 */
#ifndef MNBENCH_OP_H
#define MNBENCH_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disturb;
struct herd_ops;
struct pin_slot;
struct pin_topology;

#define OP_PARAMS 3
#define OP_VALUES 8

/* One factor: its values in the full profile, and by bit mask those of the quick one. */
struct op_param {
	const char *name;
	unsigned int count;
	long values[OP_VALUES];
	unsigned int quick;
};

/* The factor, if there is one, whose values are not numbers: names for 0, 1, ... */
struct op_names {
	const char *param;
	const char *const *names;
};

/* One run of an operation with its parameters chosen. */
struct op_run {
	const struct bench_op *op;
	long param[OP_PARAMS];
	unsigned int threads;
	const struct pin_topology *topo;
	const struct pin_slot *slots; /* of the measured threads, then of the background ones */
	struct disturb *disturb;      /* what watches the machine; NULL: nothing does */
	void *shared;		      /* setup()'s */
	const char *why;	      /* set with an error: the reason, for the row */
};

/* One thread of a run; on memory of its own node. */
struct op_thread {
	struct op_run *run;
	unsigned int index; /* measured threads from 0, background ones after them */
	void *own;	    /* thread_setup()'s */
};

enum op_flags {
	OP_SCALES = 1,	     /* timed with several threads too */
	OP_FULL_ONLY = 2,    /* not in the quick profile */
	OP_LEFT_OUT = 4,     /* not registered at all */
	OP_WAKER_APART = 32, /* a herd whose waker has a PU that no sleeper is on */
	OP_BY_TIME = 16,     /* run as a team even when alone: a batch is one act, however long */
	OP_PU_PAIRS = 8,     /* a pair of threads, on each pair of PUs: their list is the policy */
	OP_NOT_SAMPLED = 64, /* one operation alone is not like one of many: no percentiles */
};

struct bench_op {
	const char *family;
	const char *op;
	const char *subject; /* "port", "baseline", ... */
	const char *variant; /* the implementation */
	unsigned int flags;
	struct op_param params[OP_PARAMS];
	struct op_names named;
	unsigned int batch; /* operations between two looks at a team's stop flag; 0: 64 */
	unsigned int pass;  /* operations after which it repeats itself; 0: STEADY_OPS, or fewer */
	unsigned int background; /* threads of background() beside the measured ones */

	/* 0, or -errno with run->why: shared state, made before the threads, on the first's node */
	int (*setup)(struct op_run *run);
	void (*teardown)(struct op_run *run);
	/* Likewise for each thread, on that thread. */
	int (*thread_setup)(struct op_thread *t);
	void (*thread_teardown)(struct op_thread *t);

	void (*run)(struct op_thread *t, uint64_t n);
	uint64_t (*timed)(struct op_thread *t, uint64_t n);
	/* Once, again and again, until the measured threads stop. */
	void (*background_run)(struct op_thread *t);
	const struct herd_ops *herd;
	const void *data;      /* the family's own */
	const char *uncounted; /* why its instructions are not the same each time; NULL: they are */
};

/* A list of operations; each family has one, each notifier unit too. */
struct op_table {
	const struct bench_op *ops;
	size_t count;
};

#define OP_TABLE(array)                                                                            \
	{                                                                                          \
		(array), sizeof(array) / sizeof((array)[0])                                        \
	}

/* The value of a parameter by its name; aborts on one that the operation does not have. */
long op_param(const struct op_run *run, const char *name);

/* All of one value, only in the full profile or in both. */
#define PARAM_ALL_QUICK (~0u)

#endif
