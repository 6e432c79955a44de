/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting instead of timing. Each case has a process of its own, so that its
 * count does not depend on which were counted before: a grace period, say,
 * looks at every thread that there has ever been.
 */
#include "case.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Who waits for others executes something else each time. */
static bool is_alone(const struct bench_case *c)
{
	return c->run.threads == 1 && !c->run.op->background && !c->run.op->herd;
}

static void fail(struct measurement *m, const char *what, const char *why)
{
	*m = (struct measurement){0};
	snprintf(m->error, sizeof(m->error), "%s: %s", what, why);
}

/* What the child has to say, which is one write. */
static void hear(int from, pid_t child, struct measurement *m)
{
	bool whole = read(from, m, sizeof(*m)) == (ssize_t)sizeof(*m);
	int status;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (!whole)
		fail(m, "its process ended",
		     WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "too soon");
}

static void measure_apart(struct bench_case *c, struct measurement *m)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC)) {
		fail(m, "pipe", strerror(errno));
		return;
	}
	child = fork();
	if (!child) {
		case_measure(c, m);
		_exit(write(ends[1], m, sizeof(*m)) == (ssize_t)sizeof(*m) ? 0 : 1);
	}
	close(ends[1]);
	if (child < 0)
		fail(m, "fork", strerror(errno));
	else
		hear(ends[0], child, m);
	close(ends[0]);
}

int cases_count(struct case_context *context)
{
	struct measurement m;
	int ret = 0;

	for (struct bench_case *c = context->first; c && !ret; c = c->next) {
		if (!is_alone(c))
			continue;
		if (c->run.op->uncounted && !c->why[0])
			snprintf(c->why, sizeof(c->why), "%s", c->run.op->uncounted);
		measure_apart(c, &m);
		ret = case_append(c, 0, &m);
	}
	return ret;
}
