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

/* Per cent of the operations more, or so many instructions an operation. */
struct size {
	double percent;
	unsigned int insns;
};

static struct {
	bool any;
	regex_t names;
	struct size size, now; /* now: of the benchmark that is run next */
} planted;

static int parse_size(const char *text, struct size *size)
{
	char *end;
	double value = strtod(text, &end);

	*size = (struct size){0};
	if (end == text || !(value >= 0 && value <= MOST_PERCENT))
		return -EINVAL;
	if (!strcmp(end, "i") && value == (unsigned int)value)
		size->insns = (unsigned int)value;
	else if (!*end)
		size->percent = value;
	else
		return -EINVAL;
	return 0;
}

/* The last one wins. */
static int plant(const char *value, char *why, size_t len)
{
	const char *colon = strrchr(value, ':');
	char names[512];

	if (!colon || (size_t)(colon - value) >= sizeof(names) ||
	    parse_size(colon + 1, &planted.size))
		return text_fail(-EINVAL, why, len,
				 "--plant=%s: wants NAME-REGEX:PERCENT, 0 to %d per cent, or "
				 "NAME-REGEX:Ni, N instructions",
				 value, MOST_PERCENT);
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

	planted.now = chosen ? planted.size : (struct size){0};
}

#define BLOCK 256

/* N of them, a multiple of BLOCK; the loop around these adds about one to a hundred. */
static void execute(uint64_t n)
{
	for (n /= BLOCK; n; n--)
		__asm__ __volatile__(".rept %c0\n\tnop\n\t.endr" ::"i"(BLOCK));
}

void plant_run(struct op_thread *t, uint64_t n)
{
	uint64_t more = (uint64_t)((double)n * planted.now.percent / 100);

	if (more)
		t->run->op->run(t, more);
	if (planted.now.insns)
		execute(n * planted.now.insns);
}
