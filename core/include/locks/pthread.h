/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The C library's spinlock and mutex, behind the interface of the other kinds. */
#ifndef MN_LOCKS_PTHREAD_H
#define MN_LOCKS_PTHREAD_H

#include <pthread.h>
#include <stdbool.h>

struct pthread_spin_spinlock {
	pthread_spinlock_t lock;
};

/*
 * What pthread_spin_init() stores, for want of a static form: glibc on x86
 * takes 1 for unlocked. spin_init() checks it at start-up.
 */
#if defined(__GLIBC__) && defined(__x86_64__)
#define PTHREAD_SPIN_SPINLOCK_INIT                                                                 \
	{                                                                                          \
		1                                                                                  \
	}
#else
#define PTHREAD_SPIN_SPINLOCK_INIT                                                                 \
	{                                                                                          \
		0                                                                                  \
	}
#endif

static inline void pthread_spin_spin_lock(struct pthread_spin_spinlock *l)
{
	pthread_spin_lock(&l->lock);
}

static inline bool pthread_spin_spin_trylock(struct pthread_spin_spinlock *l)
{
	return !pthread_spin_trylock(&l->lock);
}

static inline void pthread_spin_spin_unlock(struct pthread_spin_spinlock *l)
{
	pthread_spin_unlock(&l->lock);
}

struct pthread_mutex_spinlock {
	pthread_mutex_t lock;
};

#define PTHREAD_MUTEX_SPINLOCK_INIT                                                                \
	{                                                                                          \
		PTHREAD_MUTEX_INITIALIZER                                                          \
	}

static inline void pthread_mutex_spin_lock(struct pthread_mutex_spinlock *l)
{
	pthread_mutex_lock(&l->lock);
}

static inline bool pthread_mutex_spin_trylock(struct pthread_mutex_spinlock *l)
{
	return !pthread_mutex_trylock(&l->lock);
}

static inline void pthread_mutex_spin_unlock(struct pthread_mutex_spinlock *l)
{
	pthread_mutex_unlock(&l->lock);
}

#endif
