/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sleeping reader-writer lock: the C library's, which nothing here times. */
#ifndef _MN_LINUX_RWSEM_H
#define _MN_LINUX_RWSEM_H

#include <linux/lockdep.h>
#include <pthread.h>

struct rw_semaphore {
	pthread_rwlock_t lock;
	int readers; /* those inside; kept in debug builds, as is writer */
	void *writer;
};

void init_rwsem(struct rw_semaphore *sem);
void down_read(struct rw_semaphore *sem);
void up_read(struct rw_semaphore *sem);
void down_write(struct rw_semaphore *sem);
void up_write(struct rw_semaphore *sem);

/* Debug builds WARN when nobody, or not the caller, holds it; others do nothing. */
#ifdef CONFIG_PROVE_LOCKING
void rwsem_assert_held_write(struct rw_semaphore *sem);
void rwsem_assert_held(struct rw_semaphore *sem);
#else
#define rwsem_assert_held_write(sem) ((void)(sem))
#define rwsem_assert_held(sem)	     ((void)(sem))
#endif

#endif
