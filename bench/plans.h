/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of a topology instead of timing: --plan, --draw and --try-plan. */
#ifndef MNBENCH_PLANS_H
#define MNBENCH_PLANS_H

#include <stdbool.h>
#include <stddef.h>

struct options;
struct pin_topology;

/* Whether the options ask for any of them. */
bool plans_asked(const struct options *options);

/*
 * Answer on standard output. 0; -EINVAL or -ENOTSUP: bad input; -EIO: threads were not where the
 * plan put them; -errno otherwise. `why` has one line then.
 */
int plans_answer(const struct options *options, const struct pin_topology *topo, char *why,
		 size_t len);

#endif
