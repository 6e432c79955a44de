/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/bug.h>
#include <linux/printk.h>
#include <stdlib.h>

static unsigned long warn_count;

void bug_warn(struct bug_site *site)
{
	__atomic_fetch_add(&warn_count, 1, __ATOMIC_RELAXED);
	if (!__atomic_fetch_add(&site->count, 1, __ATOMIC_RELAXED))
		pr_warn("WARNING: %s at %s:%u %s()\n", site->cond, site->file, site->line,
			site->func);
}

void bug_die(const char *file, unsigned int line, const char *func, const char *cond)
{
	pr_err("BUG: %s at %s:%u %s()\n", cond, file, line, func);
	abort();
}

unsigned long bug_warn_count(void)
{
	return READ_ONCE(warn_count);
}
