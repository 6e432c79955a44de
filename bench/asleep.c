/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "asleep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char switches[] = "\nvoluntary_ctxt_switches:";

static int open_own(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/%s", syscall(SYS_gettid), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fd;
}

static const char *read_text(int fd, char *text, size_t room)
{
	ssize_t n = pread(fd, text, room - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/*
 * The last of schedstat's three numbers, a tenth of the price of status; or how often it went to
 * sleep, by status. 0: not told.
 */
static uint64_t count_runs(int fd)
{
	char text[4096], *end;
	const char *at = strstr(read_text(fd, text, sizeof(text)), switches);

	if (at)
		return strtoull(at + strlen(switches), NULL, 10);
	strtoull(text, &end, 10);
	strtoull(end, &end, 10);
	return strtoull(end, NULL, 10);
}

/* Kernels without statistics of their scheduler have no schedstat, or one of zeros. */
static int open_runs(void)
{
	int fd = open_own("schedstat");

	if (fd >= 0 && count_runs(fd))
		return fd;
	if (fd >= 0)
		close(fd);
	return open_own("status");
}

int asleep_open(struct asleep *a)
{
	*a = (struct asleep){.state = open_own("stat"), .runs = open_runs()};
	return a->state < 0 ? a->state : a->runs < 0 ? a->runs : 0;
}

void asleep_close(struct asleep *a)
{
	if (a->state >= 0)
		close(a->state);
	if (a->runs >= 0)
		close(a->runs);
}

/* What follows the last ')' is the state. */
static bool is_asleep(const struct asleep *a)
{
	char text[512], *paren;

	read_text(a->state, text, sizeof(text));
	paren = strrchr(text, ')');
	return paren && paren[1] && paren[2] == 'S';
}

/* First how often it has run: if it runs between the two looks here, the next one will tell. */
bool asleep_now(struct asleep *a)
{
	a->seen = count_runs(a->runs);
	return is_asleep(a);
}

/* Woken, it has the same count until it is given a PU, but not the same state. */
bool asleep_still(const struct asleep *a)
{
	return is_asleep(a) && count_runs(a->runs) == a->seen;
}
