/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The debug builds' checks of who holds a lock and who may sleep. */
#include <linux/lockdep.h>
#include <linux/percpu.h>
#include <linux/printk.h>

#ifdef CONFIG_PROVE_LOCKING

static __thread struct {
	int locks;     /* spinlocks held */
	int non_block; /* depth of non_block_start() */
} context;

void lockdep_acquire(struct lockdep_map *map)
{
	WRITE_ONCE(map->owner, (void *)&context);
	context.locks++;
}

void lockdep_release(struct lockdep_map *map)
{
	WARN_ON(!lockdep_is_held_map(map));
	WRITE_ONCE(map->owner, NULL);
	context.locks--;
}

bool lockdep_is_held_map(const struct lockdep_map *map)
{
	return READ_ONCE(map->owner) == (const void *)&context;
}

void might_sleep_at(const char *file, unsigned int line)
{
	if (likely(!context.locks && !context.non_block))
		return;
	pr_warn("%s:%u: may sleep with %d spinlocks held, in %d non-blocking sections\n", file,
		line, context.locks, context.non_block);
	WARN_ON(context.locks || context.non_block);
}

void non_block_start(void)
{
	context.non_block++;
}

void non_block_end(void)
{
	WARN_ON(!context.non_block--);
}

#endif
