/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From operations to benchmarks: every operation times every choice of its
 * parameters, threads and placement is a case, with a name, measured in the
 * way that suits it when its turn comes, and made into rows.
 */
#ifndef MNBENCH_CASES_H
#define MNBENCH_CASES_H

#include <stddef.h>

#include "op.h"
#include "options.h"

struct bench_case;
struct rows;
struct schedule;

/* What the rows of a run have in common. */
struct case_context {
	const struct options *options;
	const struct pin_topology *topo;
	struct rows *rows;	 /* NULL: no file */
	struct disturb *disturb; /* what watches the machine; NULL: nothing does */
	struct baton *baton;	 /* takes turns with another program; NULL: alone */
	const char *run_id, *host, *execution;
	char *found_run_id;		 /* cases_find_run()'s */
	struct bench_case *first, *last; /* cases_make()'s */
	struct schedule *schedule;	 /* cases_prepare()'s */
	char why[1024];			 /* of the last failure */
};

/*
 * Makes a case of each that the options select of these tables; the context
 * stays until cases_free(). 0, or -errno with context->why: -EINVAL for a pin
 * policy that does not parse.
 */
int cases_make(struct case_context *context, const struct op_table *const *tables, size_t count);

/*
 * Leaves those that --benchmark_filter matches; needs gb_initialize(). With
 * --benchmark_list_tests their names go to standard output. 0, or -errno with
 * context->why: -ENOENT if none is left.
 */
int cases_select(struct case_context *context);

/*
 * For --resume: the run_id is from here on that of the run in the file, if it
 * has any rows. 0, or -errno with context->why.
 */
int cases_find_run(struct case_context *context);

/*
 * Plans their rounds, see schedule.h; for --resume, without what the rows in
 * the file have done. 0, or -errno with context->why.
 */
int cases_prepare(struct case_context *context);

/* Measures them and appends their rows. 0, or -errno with context->why. */
int cases_run(struct case_context *context);

/*
 * Instead: counts the instructions of those that one thread does alone, each
 * once, and appends their rows; after counts_open(). 0, or -errno with
 * context->why.
 */
int cases_count(struct case_context *context);

/* Frees all of them, but for what threads that are left may use. */
void cases_free(struct case_context *context);

#endif
