/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From operations to benchmarks: every operation times every choice of its
 * parameters, threads and placement is a case, with a name, registered with
 * Google Benchmark, run in the way that suits it, and made into rows.
 */
#ifndef MNBENCH_CASES_H
#define MNBENCH_CASES_H

#include <stddef.h>

#include "op.h"
#include "options.h"

struct gb_result;
struct rows;

/* What the rows of a run have in common. */
struct case_context {
	const struct options *options;
	const struct pin_topology *topo;
	struct rows *rows; /* NULL: no file */
	const char *run_id, *host, *execution;
	char why[1024]; /* of the last failure */
};

/*
 * Registers what the options select of these tables; the context stays until
 * cases_free(). 0, or -errno with context->why: -EINVAL for a pin policy that
 * does not parse.
 */
int cases_register(struct case_context *context, const struct op_table *const *tables,
		   size_t count);

/* Frees all of it, after gb_shutdown(). */
void cases_free(void);

/* Appends a result's rows; for gb_run(), USER is the context. 0, or -errno with context->why. */
int case_result(const struct gb_result *result, void *user);

#endif
