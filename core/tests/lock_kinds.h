/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every kind of spin lock behind functions, for tests that take any of them. */
#ifndef MN_TESTS_LOCK_KINDS_H
#define MN_TESTS_LOCK_KINDS_H

#include <linux/spinlock.h>

struct kind {
	const char *name;
	void (*init)(void *lock);
	void (*lock)(void *lock);
	bool (*trylock)(void *lock);
	void (*unlock)(void *lock);
};

#define KIND(k)                                                                                    \
	static void k##_kind_init(void *lock)                                                      \
	{                                                                                          \
		*(struct k##_spinlock *)lock = (struct k##_spinlock)k##_SPINLOCK_INIT;             \
	}                                                                                          \
	static void k##_kind_lock(void *lock)                                                      \
	{                                                                                          \
		k##_spin_lock(lock);                                                               \
	}                                                                                          \
	static bool k##_kind_trylock(void *lock)                                                   \
	{                                                                                          \
		return k##_spin_trylock(lock);                                                     \
	}                                                                                          \
	static void k##_kind_unlock(void *lock)                                                    \
	{                                                                                          \
		k##_spin_unlock(lock);                                                             \
	}                                                                                          \
	static const struct kind k##_kind = {                                                      \
		.name = #k,                                                                        \
		.init = k##_kind_init,                                                             \
		.lock = k##_kind_lock,                                                             \
		.trylock = k##_kind_trylock,                                                       \
		.unlock = k##_kind_unlock,                                                         \
	};

KIND(tas)
KIND(ttas)
KIND(ticket)
KIND(mcs)
KIND(queued)
KIND(pthread_spin)
KIND(pthread_mutex)

#endif
