/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/bug.h>
#include <linux/rwsem.h>

#ifdef CONFIG_PROVE_LOCKING
/* An address that tells threads apart for as long as they live. */
static __thread char me;

static void note_readers(struct rw_semaphore *sem, int change)
{
	__atomic_fetch_add(&sem->readers, change, __ATOMIC_RELAXED);
}

static void note_writer(struct rw_semaphore *sem, void *writer)
{
	__atomic_store_n(&sem->writer, writer, __ATOMIC_RELAXED);
}

static bool writer_is_me(struct rw_semaphore *sem)
{
	return READ_ONCE(sem->writer) == &me;
}

void rwsem_assert_held_write(struct rw_semaphore *sem)
{
	WARN_ON(!writer_is_me(sem));
}

/* A reader among several is not told apart: somebody's read lock passes. */
void rwsem_assert_held(struct rw_semaphore *sem)
{
	WARN_ON(!writer_is_me(sem) && !READ_ONCE(sem->readers));
}
#define WRITER_ME ((void *)&me)
#else
#define note_readers(sem, change) ((void)(sem))
#define note_writer(sem, writer)  ((void)(sem))
#define WRITER_ME		  NULL
#endif

void init_rwsem(struct rw_semaphore *sem)
{
	*sem = (struct rw_semaphore){.lock = PTHREAD_RWLOCK_INITIALIZER};
}

void down_read(struct rw_semaphore *sem)
{
	might_sleep();
	BUG_ON(pthread_rwlock_rdlock(&sem->lock)); /* EDEADLK: held for write by the caller */
	note_readers(sem, 1);
}

void up_read(struct rw_semaphore *sem)
{
	note_readers(sem, -1);
	pthread_rwlock_unlock(&sem->lock);
}

void down_write(struct rw_semaphore *sem)
{
	might_sleep();
	BUG_ON(pthread_rwlock_wrlock(&sem->lock)); /* EDEADLK: held by the caller */
	note_writer(sem, WRITER_ME);
}

void up_write(struct rw_semaphore *sem)
{
	note_writer(sem, NULL);
	pthread_rwlock_unlock(&sem->lock);
}
