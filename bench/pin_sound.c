/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a topology that somebody hands over is sound. hwloc trusts its files: a damaged one may
 * end the process, loop, or leave a tree that contradicts itself, with a page of complaints on
 * standard error. So a child loads it first and lets hwloc check it, out of harm's way.
 */
#define _GNU_SOURCE 1
#include "pin_hw.h"
#include "text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 20 /* many times what the largest takes */

enum { SOUND, REFUSED, UNABLE };

/* In the child; what hwloc says goes where the parent reads it. */
static int examine(const struct pin_source *source, int said)
{
	static const struct rlimit no_core;
	hwloc_topology_t hw;

	setrlimit(RLIMIT_CORE, &no_core);
	alarm(SECONDS);
	if (dup2(said, STDERR_FILENO) < 0 || hwloc_topology_init(&hw))
		return UNABLE;
	if (pin_load_tree(hw, source))
		return REFUSED;
	hwloc_topology_check(hw);
	return SOUND;
}

/* The first line of the complaint that has a word in it other than its heading. */
static void shorten(char *said)
{
	char *rest = said, *line;

	while ((line = strsep(&rest, "\n"))) {
		line += strspn(line, "* \t");
		if (*line && strncmp(line, "hwloc ", strlen("hwloc "))) {
			memmove(said, line, strlen(line) + 1);
			return;
		}
	}
	*said = '\0';
}

static int judge(const struct pin_source *source, int status, int said, char *why, size_t len)
{
	const char *name = source->xml ? source->xml : source->synthetic;
	char text[1024];
	ssize_t n = pread(said, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	shorten(text);
	if (WIFEXITED(status) && WEXITSTATUS(status) == UNABLE)
		return text_fail(-ENOMEM, why, len, "%s: out of memory", name);
	if (*text)
		return text_fail(-EINVAL, why, len, "%s: contradicts itself, hwloc says: %s", name,
				 text);
	if (WIFSIGNALED(status))
		return text_fail(-EINVAL, why, len, "%s: damaged: hwloc ends on it by %s", name,
				 strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != SOUND)
		return text_fail(-EINVAL, why, len, "%s: not a topology; give %s", name,
				 source->xml ? "a file that hwloc exported"
					     : "a description as hwloc has it, \"node:2 core:8\"");
	return 0;
}

int pin_check_source(const struct pin_source *source, char *why, size_t len)
{
	int said = memfd_create("hwloc", MFD_CLOEXEC), status, err;
	pid_t child;

	if (said < 0)
		return text_fail(-errno, why, len, "memfd_create: %s", strerror(errno));
	child = fork();
	if (!child)
		_exit(examine(source, said));
	if (child < 0 || waitpid(child, &status, 0) != child)
		err = text_fail(-errno, why, len, "fork: %s", strerror(errno));
	else
		err = judge(source, status, said, why, len);
	close(said);
	return err;
}
