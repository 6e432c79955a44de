/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether threads sleep, by the kernel's own account.
 *
 * That one was seen asleep does not say that it sleeps where it should: it may
 * wait for a lock that another one holds, be given it when that one falls
 * asleep, and run while the other is looked at. But if all are asleep at one
 * moment, and nobody else has a lock of theirs, none of them waits for another.
 * So each is looked at, and then each once more: none may have run in between.
 */
#ifndef MNBENCH_ASLEEP_H
#define MNBENCH_ASLEEP_H

#include <stdbool.h>
#include <stdint.h>

/* One thread's files. */
struct asleep {
	int state; /* -errno: not open */
	int runs;
	uint64_t seen; /* how often it had been given a PU when it was looked at */
};

/* Of the calling thread. 0 or -errno. */
int asleep_open(struct asleep *a);
void asleep_close(struct asleep *a);

/* Whether it sleeps now, wherever. */
bool asleep_now(struct asleep *a);

/* Whether it has slept ever since asleep_now() said so. */
bool asleep_still(const struct asleep *a);

#endif
