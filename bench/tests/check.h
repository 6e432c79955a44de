/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks that go on after a failure, so that one run shows them all. */
#ifndef MNBENCH_TESTS_CHECK_H
#define MNBENCH_TESTS_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define TEST_SKIP 77

static unsigned check_failures;

#define CHECK(condition)	   check_that(condition, #condition, __FILE__, __LINE__)
#define CHECK_TEXT(text, expected) check_text(text, expected, #text, __FILE__, __LINE__)
#define CHECK_HAS(text, part)	   check_has(text, part, #text, __FILE__, __LINE__)

static inline bool check_that(bool holds, const char *what, const char *file, int line)
{
	if (!holds) {
		fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
		check_failures++;
	}
	return holds;
}

static inline void check_text(const char *text, const char *expected, const char *what,
			      const char *file, int line)
{
	if (!check_that(!strcmp(text, expected), what, file, line))
		fprintf(stderr, "  is       '%s'\n  expected '%s'\n", text, expected);
}

static inline void check_has(const char *text, const char *part, const char *what, const char *file,
			     int line)
{
	if (!check_that(strstr(text, part), what, file, line))
		fprintf(stderr, "  is '%s'\n  without '%s'\n", text, part);
}

/* What main() returns. */
static inline int check_result(void)
{
	if (check_failures)
		fprintf(stderr, "%u checks failed\n", check_failures);
	return check_failures ? 1 : 0;
}

#endif
