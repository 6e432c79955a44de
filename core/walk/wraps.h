/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Callbacks of call_srcu(), which a walk runs itself; and a count of
 * allocations. */
#ifndef MN_WALK_WRAPS_H
#define MN_WALK_WRAPS_H

#include <linux/types.h>

/* Some wait, and their grace period is over; runs them, oldest first. */
bool callbacks_wanted(void);
void callbacks_run(unsigned long which);

/** callbacks_forget - for a new walk, where a failed one has left some */
void callbacks_forget(void);

/** allocations_left - of the core, by anybody: kzalloc() without its kfree() */
long allocations_left(void);

#endif
