/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads the module, lets its device hold subscriptions on this process's own mm while munmap() and
 * mprotect() are timed, kernel entry and exit included, and unloads it. Copies to standard output
 * what the kernel's log said meanwhile: the module's own lines without their prefix, every other
 * one behind "kernel: ".
 *
 * usage: control MODULE.ko [PARAMETER=VALUE ...]
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ranges.h"

#define NAME   "mnbench"
#define RECORD 8192

#define SETTLE_SECONDS 2

static int die(const char *what)
{
	fprintf(stderr, "control: %s: %s\n", what, strerror(errno));
	return 1;
}

/* One record: its text behind the first ';', up to the line's end. */
static void copy_record(char *record)
{
	static const char prefix[] = NAME ": ";
	char *text = strchr(record, ';'), *end;

	if (!text)
		return;
	end = strchr(++text, '\n');
	if (end)
		*end = '\0';
	if (!strncmp(text, prefix, sizeof(prefix) - 1))
		puts(text + sizeof(prefix) - 1);
	else
		printf("kernel: %s\n", text);
}

static void copy_log(int log)
{
	char record[RECORD + 1];
	ssize_t n;

	while ((n = read(log, record, RECORD)) > 0 || errno == EPIPE) {
		if (n < 0) {
			puts("kernel: lines were lost");
			continue;
		}
		record[n] = '\0';
		copy_record(record);
	}
	fflush(stdout);
}

static int load(const char *path, char *const *words)
{
	char parameters[1024] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;
	size_t at = 0;

	if (fd < 0)
		return die(path);
	for (; *words; words++)
		at += (size_t)snprintf(parameters + at, sizeof(parameters) - at, "%s ", *words);
	if (at >= sizeof(parameters)) {
		errno = E2BIG;
		return die("parameters");
	}
	ret = syscall(SYS_finit_module, fd, parameters, 0) ? die("finit_module") : 0;
	close(fd);
	return ret;
}

/* What the boot has left for later comes first: on one CPU it would be in the figures. */
static void settle(void)
{
	struct timespec left = {SETTLE_SECONDS, 0};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* Whether the parameters leave FAMILY/ in. */
static bool wanted(char *const *words, const char *family)
{
	static const char only[] = "only=";

	for (; *words; words++)
		if (!strncmp(*words, only, sizeof(only) - 1))
			return strstr(*words, family);
	return true;
}

static int run_ranges(void)
{
	const char *what;
	int ret = ranges_run("/dev/" NAME, &what);

	errno = -ret;
	return ret ? die(what) : 0;
}

int main(int argc, char **argv)
{
	int log, ret;

	if (argc < 2) {
		fputs("usage: control MODULE.ko [PARAMETER=VALUE ...]\n", stderr);
		return 2;
	}
	log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log < 0)
		return die("/dev/kmsg");
	settle();
	lseek(log, 0, SEEK_END);
	ret = load(argv[1], argv + 2);
	copy_log(log);
	if (ret)
		return ret;
	if (wanted(argv + 2, "mm/"))
		ret = run_ranges();
	if (syscall(SYS_delete_module, NAME, O_NONBLOCK))
		ret = die("delete_module");
	copy_log(log);
	close(log);
	return ret;
}
