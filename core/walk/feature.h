/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What not every version of the interface has: a walk keeps to what all its
 * subjects have. */
#ifndef MN_WALK_FEATURES_H
#define MN_WALK_FEATURES_H

#include <linux/types.h>

enum feature {
	CHANGE_PTE,
	SECONDARY_TLBS,
	INVALIDATE_RANGE,
	TWO_PASS,
	YOUNG_VALUES, /* the aging ops count, rather than say yes or no */
	FEATURES,
};

/** has - whether the walk may use it */
bool has(enum feature feature);

/** features_choose - those in the comma-separated LIST only; the first one
 * unknown here, or NULL */
const char *features_choose(const char *list);

/** features_print - the names, a line each, of those that this subject has */
void features_print(void);

#endif
