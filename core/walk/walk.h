/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MN_WALK_WALK_H
#define MN_WALK_WALK_H

#include <linux/types.h>

#define STEPS_MAX 10000

/**
 * walk - the walk of SEED; the hash of its log
 * @keep: which of the STEPS are taken; the others are left out, and nothing
 * else changes
 */
u64 walk(unsigned long seed, unsigned long steps, const bool *keep, bool print);

#endif
