/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process with sleepers and readers forks, and now and then the child
 * becomes another program. A child has one thread, and may use what no other
 * thread could hold at that moment: an mm, intervals and a domain that only
 * the forking thread touched. Neither side disturbs the other.
 */
#include "intervals.h"

#include <errno.h>
#include <linux/srcu.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD "a-child-works-alone"
/* The child is ended by SIGALRM, should it hang. */
#define CHILD_SECONDS 10

static struct mm_struct *shared_mm, *own_mm;
static struct interval shared, own[2];
static struct srcu_struct own_domain[2]; /* the plain one, the fast one */

static void insert(struct interval *interval, struct mm_struct *mm)
{
	if (interval_insert(interval, mm))
		torture_fail("no-crash", "an interval cannot be inserted");
}

/* ---- the parent's threads ---- */

static void invalidate_shared(struct torture_thread *self)
{
	struct mmu_notifier_range range;

	torture_at(self, "mmu_notifier_invalidate_range_start");
	range_start(&range, shared_mm, random_pages(self, PAGES));
	torture_pause(self);
	torture_at(self, "mmu_notifier_invalidate_range_end");
	range_end(&range);
	torture_pause(self);
}

static void read_shared(struct torture_thread *self)
{
	torture_at(self, "mmu_interval_read_begin");
	mmu_interval_read_begin(&shared.sub);
	torture_pause(self);
}

/* ---- the child: no allocation, nothing that another thread may have held ---- */

static bool hears(struct interval *interval)
{
	struct mmu_notifier_range range;
	unsigned long seq, before = interval->calls;

	seq = mmu_interval_read_begin(&interval->sub);
	range_start(&range, own_mm, (struct pages){0, PAGES});
	range_end(&range);
	return interval->calls == before + 1 && mmu_interval_read_retry(&interval->sub, seq);
}

static bool grace_periods_end(void)
{
	struct srcu_ctr *ctrp = srcu_read_lock_fast(&own_domain[1]);
	int idx = srcu_read_lock(&own_domain[0]);

	srcu_read_unlock(&own_domain[0], idx);
	srcu_read_unlock_fast(&own_domain[1], ctrp);
	synchronize_srcu(&own_domain[0]);
	synchronize_srcu(&own_domain[1]);
	return true;
}

static int child_main(void)
{
	alarm(CHILD_SECONDS);
	insert(&own[1], own_mm);
	if (!hears(&own[0]) || !hears(&own[1]))
		return 2;
	mmu_interval_notifier_remove(&own[1].sub);
	return grace_periods_end() && hears(&own[0]) ? 0 : 3;
}

static void run_child(bool becomes_another)
{
	static char *const words[] = {"true", NULL};

	if (becomes_another) {
		alarm(CHILD_SECONDS);
		execv("/bin/true", words);
		_exit(errno == ENOENT ? 0 : 4);
	}
	_exit(child_main());
}

static void fork_once(struct torture_thread *self)
{
	bool becomes_another = !torture_random(self, 4);
	int status;
	pid_t pid;

	torture_at(self, "fork");
	pid = fork();
	if (pid < 0)
		torture_fail("no-crash", "fork: %s", strerror(errno));
	if (!pid)
		run_child(becomes_another);
	torture_at(self, "waitpid");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			torture_fail("no-crash", "waitpid: %s", strerror(errno));
	if (WIFSIGNALED(status))
		torture_fail(CHILD, "killed by signal %d (%s)", WTERMSIG(status),
			     strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status))
		torture_fail(CHILD, "step %d went wrong", WEXITSTATUS(status));
	/* The parent's own are as they were. */
	if (!hears(&own[0]))
		torture_fail(CHILD, "the parent's interval does not hear after a fork");
	torture_pause(self);
}

static void begin(void)
{
	shared_mm = new_mm();
	own_mm = new_mm();
	insert(&shared, shared_mm);
	insert(&own[0], own_mm);
	if (init_srcu_struct(&own_domain[0]) || init_srcu_struct_fast(&own_domain[1]))
		torture_fail("no-crash", "out of memory");
}

static void end(void)
{
	mmu_interval_notifier_remove(&shared.sub);
	mmu_interval_notifier_remove(&own[0].sub);
	end_mm(shared_mm);
	end_mm(own_mm);
	cleanup_srcu_struct(&own_domain[0]);
	cleanup_srcu_struct(&own_domain[1]);
}

const struct torture_test torture_forks[] = {
	{
		.name = "forks",
		.invariant = CHILD,
		.flags = TORTURE_STORM,
		.begin = begin,
		.end = end,
		.roles = {{.name = "forker", .step = fork_once, .threads = 1},
			  {.name = "reader", .step = read_shared},
			  {.name = "writer", .step = invalidate_shared, .threads = 2}},
	},
	{.name = NULL},
};
