/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Points where the core can be refused something, which the linker's --wrap
 * brings here: memory of each kind, the mm's locks, a thread. Of a scenario's
 * points each one fails in turn, until the scenario has none left to fail.
 */
#ifndef MN_TESTS_FAULTS_H
#define MN_TESTS_FAULTS_H

#include <linux/percpu.h>
#include <linux/slab.h>
#include <errno.h>
#include <sys/mman.h>

#include "recorder.h"

void *__real_kzalloc(size_t size, gfp_t flags);
void *__wrap_kzalloc(size_t size, gfp_t flags);
void __real_kfree(const void *ptr);
void __wrap_kfree(const void *ptr);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t off);
int __real_mm_take_all_locks(struct mm_struct *mm);
int __wrap_mm_take_all_locks(struct mm_struct *mm);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
			  void *arg);

#define CHUNK_SIZE (3 * sizeof(long)) /* percpu.c's struct chunk */

static struct {
	unsigned int passed; /* points since it was armed */
	unsigned int which;  /* the point that fails, from 1; 0: none */
	int error;	     /* what the failed one gave; 0: none has failed */
} fault;

static bool chunks_refused; /* beside the one point, all memory for new per-CPU chunks */
static long live;	    /* kzalloc()ed and not yet kfree()d */

/* The point that fails before main() already, for a program started anew. */
#define AT_START "MNBENCH_FAULT_AT_START"

static bool fails(int error)
{
	static bool looked;

	if (!looked) {
		looked = true;
		if (getenv(AT_START))
			fault.which = (unsigned int)strtoul(getenv(AT_START), NULL, 10);
	}
	if (!fault.which || __atomic_add_fetch(&fault.passed, 1, __ATOMIC_RELAXED) != fault.which)
		return false;
	fault.error = error;
	return true;
}

void *__wrap_kzalloc(size_t size, gfp_t flags)
{
	if (fails(-ENOMEM))
		return NULL;
	__atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
	return __real_kzalloc(size, flags);
}

void __wrap_kfree(const void *ptr)
{
	if (ptr)
		__atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
	__real_kfree(ptr);
}

/* A static program's C library comes here too: only the core's own are on trial, by their sizes. */
void *__wrap_calloc(size_t n, size_t size)
{
	if (n != 1 || size != CHUNK_SIZE)
		return __real_calloc(n, size);
	return chunks_refused || fails(-ENOMEM) ? NULL : __real_calloc(n, size);
}

void *__wrap_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t off)
{
	if (size < PCPU_CHUNK_SIZE || !fails(-ENOMEM))
		return __real_mmap(addr, size, prot, flags, fd, off);
	errno = ENOMEM;
	return MAP_FAILED;
}

/* The kernel's is interrupted by a signal that kills. */
int __wrap_mm_take_all_locks(struct mm_struct *mm)
{
	return fails(-EINTR) ? -EINTR : __real_mm_take_all_locks(mm);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
			  void *arg)
{
	return fails(-EAGAIN) ? EAGAIN : __real_pthread_create(thread, attr, run, arg);
}

/* What a refusal may not change. */
struct mm_state {
	int subscribed, users, count;
	long live;
};

static struct mm_state mm_look(struct mm_struct *mm)
{
	return (struct mm_state){mm && mm_has_notifiers(mm), mm ? atomic_read(&mm->mm_users) : 0,
				 mm ? atomic_read(&mm->mm_count) : 0, get(live)};
}

/*
 * STEP gives 0, or exactly what it was refused with; then all is as it was
 * before, mmap_lock is free, and the same step succeeds. *MM may be made by it.
 */
static void try_step(int (*step)(void), struct mm_struct **mm)
{
	struct mm_state before = mm_look(*mm), after;
	int failed_before = fault.error;
	int ret = step();

	if (fault.error == failed_before) {
		CHECK_EQ(ret, 0);
		return;
	}
	CHECK_EQ(ret, fault.error);
	after = mm_look(*mm);
	CHECK_EQ(after.subscribed, before.subscribed);
	CHECK_EQ(after.users, before.users);
	CHECK_EQ(after.count, before.count);
	CHECK_EQ(after.live, before.live);
	if (*mm && CHECK(!pthread_rwlock_trywrlock(&(*mm)->mmap_lock.lock)))
		pthread_rwlock_unlock(&(*mm)->mmap_lock.lock);
	CHECK_EQ(step(), 0);
}

/* The whole scenario, once for each of its POINTS; and nothing is left of it. */
static void fail_each(void (*scenario)(void), unsigned int points)
{
	long before = get(live);
	unsigned int n = 0;

	do {
		fault.which = ++n;
		fault.passed = 0;
		fault.error = 0;
		scenario();
		fault.which = 0;
		CHECK_EQ(get(live), before);
	} while (fault.error && n <= points);
	CHECK_EQ(n - 1, points); /* as many as there are: each has been seen to fail */
}

#endif
