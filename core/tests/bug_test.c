/* SPDX-License-Identifier: GPL-2.0-or-later */
/* WARN_ON counts, prints once a place and goes on; BUG_ON says where and aborts. */
#include <linux/bug.h>
#include <linux/kernel.h>
#include <signal.h>

#include "check.h"

static char text[8192];

/* Where the text says that it happened: FUNC in this file, at LINE. */
static unsigned int at_place(int line, const char *func)
{
	char place[128];

	snprintf(place, sizeof(place), "%s:%d %s()\n", __FILE__, line, func);
	return occurrences(text, place);
}

enum { WARN_LINE = __LINE__ + 4 };

static bool warn_here(int n)
{
	return WARN_ON(n > 2);
}

static void warn_twice_in_two_places(void)
{
	unsigned long before = bug_warn_count();

	CHECK(!warn_here(1));
	CHECK_EQ(bug_warn_count(), before);
	CHECK(warn_here(3));
	CHECK(warn_here(4));
	CHECK_EQ(bug_warn_count(), before + 2);
	for (int i = 0; i < 3; i++)
		CHECK(WARN_ON_ONCE(i >= 0));
	CHECK_EQ(bug_warn_count(), before + 5);
}

static void warning(void)
{
	CHECK(exited_ok(in_child(warn_twice_in_two_places, text, sizeof(text))));
	CHECK_EQ(occurrences(text, "WARNING: "), 2);
	CHECK_EQ(occurrences(text, "\n"), 2);
	CHECK_EQ(occurrences(text, "WARNING: n > 2 at "), 1);
	CHECK_EQ(at_place(WARN_LINE, "warn_here"), 1);
	CHECK_EQ(occurrences(text, "warn_twice_in_two_places()"), 1);
}

static void counted_at_its_place(void)
{
	static struct bug_site site = {"a file", "a function", "a condition", 1, 0};

	for (unsigned int i = 1; i <= 3; i++) {
		unsigned long before = bug_warn_count();

		bug_warn(&site);
		CHECK_EQ(site.count, i);
		CHECK_EQ(bug_warn_count(), before + 1);
	}
}

static unsigned long warnings_each;
static unsigned long started;

static void warn_often(void *arg)
{
	meet(&started, *(unsigned long *)arg, 1);
	for (unsigned long i = 0; i < warnings_each; i++)
		warn_here(3);
}

static void warning_from_threads(void)
{
	unsigned long before = bug_warn_count();
	struct task tasks[4];
	unsigned long threads = ARRAY_SIZE(tasks);

	warnings_each = rounds(200000);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_start(&tasks[i], warn_often, &threads);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_join(&tasks[i]);
	CHECK_EQ(bug_warn_count(), before + ARRAY_SIZE(tasks) * warnings_each);
}

enum { BUG_ON_LINE = __LINE__ + 5 };

static void bug_on(void)
{
	BUG_ON(!warnings_each);
	BUG_ON(warnings_each);
	fprintf(stderr, "went on\n");
}

enum { BUG_LINE = __LINE__ + 4 };

static void bug(void)
{
	BUG();
}

static void death(void)
{
	CHECK(killed_by(in_child(bug_on, text, sizeof(text)), SIGABRT));
	CHECK_EQ(occurrences(text, "BUG: warnings_each at "), 1);
	CHECK_EQ(at_place(BUG_ON_LINE, "bug_on"), 1);
	CHECK_EQ(occurrences(text, "went on"), 0);
	CHECK(killed_by(in_child(bug, text, sizeof(text)), SIGABRT));
	CHECK_EQ(at_place(BUG_LINE, "bug"), 1);
}

int main(void)
{
	RUN(warning);
	RUN(counted_at_its_place);
	RUN(warning_from_threads);
	RUN(death);
	return check_exit();
}
