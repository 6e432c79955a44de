/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plant.h"

#include <errno.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op.h"
#include "text.h"

#define MOST_PERCENT 1000

static struct {
	bool any;
	regex_t names;
	double percent;
	double now; /* of the benchmark that is run next */
} planted;

static int parse_percent(const char *text, double *percent)
{
	char *end;

	*percent = strtod(text, &end);
	return end == text || *end || !(*percent >= 0 && *percent <= MOST_PERCENT) ? -EINVAL : 0;
}

/* The last one wins. */
static int plant(const char *value, char *why, size_t len)
{
	const char *colon = strrchr(value, ':');
	char names[512];

	if (!colon || (size_t)(colon - value) >= sizeof(names) ||
	    parse_percent(colon + 1, &planted.percent))
		return text_fail(-EINVAL, why, len,
				 "--plant=%s: wants NAME-REGEX:PERCENT, 0 to %d per cent", value,
				 MOST_PERCENT);
	snprintf(names, sizeof(names), "%.*s", (int)(colon - value), value);
	if (planted.any)
		regfree(&planted.names);
	planted.any = !regcomp(&planted.names, names, REG_EXTENDED | REG_NOSUB);
	if (!planted.any)
		return text_fail(-EINVAL, why, len, "--plant=%s: not a regular expression", value);
	return 0;
}

int plant_parse(int *argc, char **argv, char *why, size_t len)
{
	static const char flag[] = "--plant";
	int kept = 1, ret = 0;

	for (int i = 1; i < *argc && !ret; i++) {
		if (!strcmp(argv[i], flag))
			ret = plant(i + 1 < *argc ? argv[++i] : "", why, len);
		else if (!strncmp(argv[i], "--plant=", sizeof(flag)))
			ret = plant(argv[i] + sizeof(flag), why, len);
		else
			argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	*argc = kept;
	return ret;
}

void plant_choose(const char *name)
{
	bool chosen = planted.any && !regexec(&planted.names, name, 0, NULL, 0);

	planted.now = chosen ? planted.percent : 0;
}

void plant_run(struct op_thread *t, uint64_t n)
{
	uint64_t more = (uint64_t)((double)n * planted.now / 100);

	if (more)
		t->run->op->run(t, more);
}
