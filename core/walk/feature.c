/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "feature.h"

#include <compat.h>
#include <stdio.h>
#include <string.h>

static const char *const names[FEATURES] = {
	[CHANGE_PTE] = "change-pte",
	[SECONDARY_TLBS] = "secondary-tlbs",
	[INVALIDATE_RANGE] = "invalidate-range",
	[TWO_PASS] = "two-pass",
	[YOUNG_VALUES] = "young-values",
};

static bool chosen[FEATURES] = {
	[CHANGE_PTE] = COMPAT_CHANGE_PTE,
	[SECONDARY_TLBS] = COMPAT_SECONDARY_TLBS,
	[INVALIDATE_RANGE] = COMPAT_INVALIDATE_RANGE,
	[TWO_PASS] = COMPAT_TWO_PASS,
	[YOUNG_VALUES] = __builtin_types_compatible_p(compat_young_t, int),
};

bool has(enum feature feature)
{
	return chosen[feature];
}

static bool is_named(const char *name, const char *word, size_t length)
{
	return strlen(name) == length && !memcmp(name, word, length);
}

const char *features_choose(const char *list)
{
	bool offered[FEATURES];
	int i;

	memcpy(offered, chosen, sizeof(chosen));
	memset(chosen, 0, sizeof(chosen));
	while (*list) {
		size_t length = strcspn(list, ",");

		for (i = 0; i < FEATURES; i++)
			if (offered[i] && is_named(names[i], list, length))
				break;
		if (i == FEATURES)
			return list;
		chosen[i] = true;
		list += length + (list[length] == ',');
	}
	return NULL;
}

void features_print(void)
{
	for (int i = 0; i < FEATURES; i++)
		if (chosen[i])
			puts(names[i]);
}
