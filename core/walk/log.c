/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE 1 /* fopencookie */
#include "log.h"

#include "actors.h"

#include <linux/bug.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool printing;
static u64 hash;
static unsigned long warnings_told, lines, lines_told;

static void mix(u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
	hash ^= hash >> 32;
}

static void mix_string(const char *s)
{
	size_t length = strlen(s);
	u64 word;

	for (; length >= sizeof(word); s += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, s, sizeof(word));
		mix(word);
	}
	word = 0;
	memcpy(&word, s, length);
	mix(word | (u64)length << 56);
}

/* The arguments by what FMT says of them; the rest of it as a string. */
static void mix_line(const char *fmt, va_list args)
{
	mix_string(fmt);
	for (const char *at = strchr(fmt, '%'); at; at = strchr(at + 1, '%')) {
		if (at[1] == 's')
			mix_string(va_arg(args, const char *));
		else
			mix(va_arg(args, unsigned long));
	}
}

static void print_line(const char *fmt, va_list args)
{
	printf("%4lu %s  ", actor_step(), actor_name());
	vprintf(fmt, args);
	putchar('\n');
}

static void take_line(const char *fmt, va_list args)
{
	va_list again;

	va_copy(again, args);
	mix_line(fmt, args);
	if (printing)
		print_line(fmt, again);
	va_end(again);
}

static void write_line(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	take_line(fmt, args);
	va_end(args);
}

/* How often a place of the subject warns is compared; its words are its own. */
static void tell_warnings(void)
{
	unsigned long warnings = bug_warn_count();

	if (warnings != warnings_told)
		write_line("the subject warned, %lu", warnings - warnings_told);
	if (lines != lines_told)
		write_line("the subject printed lines, %lu", lines - lines_told);
	warnings_told = warnings;
	lines_told = lines;
}

void note(const char *fmt, ...)
{
	va_list args;

	tell_warnings();
	mix(actor_step());
	mix_string(actor_name());
	va_start(args, fmt);
	take_line(fmt, args);
	va_end(args);
}

void log_begin(bool print)
{
	hash = 0;
	printing = print;
	warnings_told = bug_warn_count();
	lines_told = lines;
}

u64 log_end(void)
{
	tell_warnings();
	return hash;
}

/* A warning is printed by the first walk that raises it only: it is counted,
 * not its line. */
static ssize_t caught(void *cookie, const char *text, size_t size)
{
	static const char warning[] = "WARNING:", bug[] = "BUG:";

	(void)cookie;
	if (size >= sizeof(bug) - 1 && !memcmp(text, bug, sizeof(bug) - 1)) {
		fflush(stdout);
		return write(STDERR_FILENO, text, size);
	}
	if (size < sizeof(warning) - 1 || memcmp(text, warning, sizeof(warning) - 1))
		lines++;
	return (ssize_t)size;
}

void log_catch_stderr(void)
{
	FILE *catcher = fopencookie(NULL, "w", (cookie_io_functions_t){.write = caught});

	BUG_ON(!catcher || setvbuf(catcher, NULL, _IOLBF, BUFSIZ));
	stderr = catcher;
}
