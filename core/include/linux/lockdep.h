/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of the calling context. Real with CONFIG_PROVE_LOCKING (the debug
 * builds), nothing at all without: a measured build must not pay for them.
 */
#ifndef _MN_LINUX_LOCKDEP_H
#define _MN_LINUX_LOCKDEP_H

#include <linux/bug.h>
#include <linux/types.h>

#ifdef CONFIG_PROVE_LOCKING

/* Who holds a lock; changed by the holder only, so a stale read is never "me". */
struct lockdep_map {
	void *owner;
};

void lockdep_acquire(struct lockdep_map *map); /* takes the CPU into atomic context */
void lockdep_release(struct lockdep_map *map); /* WARNs when the caller is not the holder */
bool lockdep_is_held_map(const struct lockdep_map *map);

/* WARNs in atomic context, or between non_block_start() and _end(). */
void might_sleep_at(const char *file, unsigned int line);
void non_block_start(void);
void non_block_end(void);

#define lockdep_is_held(lock)	  lockdep_is_held_map(&(lock)->dep_map)
#define lockdep_assert_held(lock) ((void)WARN_ON(!lockdep_is_held(lock)))
#define might_sleep()		  might_sleep_at(__FILE__, __LINE__)

#else

struct lockdep_map {
};

static inline void lockdep_acquire(struct lockdep_map *map)
{
	(void)map;
}

static inline void lockdep_release(struct lockdep_map *map)
{
	(void)map;
}

#define lockdep_is_held(lock)	  ((void)(lock), 1)
#define lockdep_assert_held(lock) ((void)(lock))
#define might_sleep()		  ((void)0)
#define non_block_start()	  ((void)0)
#define non_block_end()		  ((void)0)

#endif

/* The kernel's order checker; there is none here, nor the map that a call names. */
#define lock_map_acquire(map)                                                                      \
	do {                                                                                       \
	} while (0)
#define lock_map_release(map)                                                                      \
	do {                                                                                       \
	} while (0)
#define might_lock(lock) ((void)(lock))

#endif
