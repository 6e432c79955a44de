/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Torture: threads that get in each other's way at random moments, and checks
 * that fail if an invariant of the core ever breaks.
 *
 * A test is a set of roles. Each role's step is called over and over by the
 * role's threads until the test's time is over; a step undoes whatever it
 * began, so that the threads may end after any of them. In a test with
 * TORTURE_ROUNDS all threads meet before each step, so what one has missed in
 * a round nobody makes up for.
 *
 * Each test runs in a process of its own, with one thread more that watches:
 * who stays in one place for too long is named, with the place.
 */
#ifndef MN_TORTURE_H
#define MN_TORTURE_H

#include <asm/barrier.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/types.h>
#include <pthread.h>
#include <stdio.h>

#define TORTURE_ROLES 6

struct torture_thread {
	const struct torture_role *role;
	unsigned int index; /* among its role's threads */
	u64 random;
	unsigned long operations;
	/* For the watchdog: what it is doing, and a count that rises with each such note. */
	const char *place;
	unsigned long beats;
	void *own; /* the role's */
	pthread_t pthread;
	int tid;
};

struct torture_role {
	const char *name;
	void (*step)(struct torture_thread *self);
	void (*last)(struct torture_thread *self); /* after its last step; may be NULL */
	unsigned int threads;			   /* 0: as many as --threads says */
};

enum {
	TORTURE_ROUNDS = 1, /* all threads meet before each step */
	TORTURE_STORM = 2,  /* signals stop the threads anywhere, for a random while */
};

struct torture_test {
	const char *name;
	const char *invariant; /* what it is there to see broken; some see others too */
	unsigned int flags;
	void (*begin)(void); /* before the threads; may be NULL, as end */
	void (*end)(void);   /* after them, with nobody else about */
	struct torture_role roles[TORTURE_ROLES];
};

/* The groups of tests, each ended by one without a name. */
extern const struct torture_test torture_locks[], torture_waits[], torture_srcu[],
	torture_translations[], torture_sleepers[], torture_removals[], torture_passes[],
	torture_lists[], torture_firsts[], torture_teardowns[], torture_threads[], torture_forks[];

struct torture_options {
	double seconds;
	double stall; /* seconds in one place that the watchdog allows */
	u64 seed;
	unsigned int threads;
};

/* What a test's process tells the one that started it, in memory that both have. */
struct torture_report {
	bool failed;
	char why[1024]; /* "INVARIANT: what was seen" */
	unsigned long operations[TORTURE_ROLES];
};

/* ---- engine.c ---- */

/* Runs a test in the calling process, which has no other threads; exits 1 where it fails. */
void torture_run(const struct torture_test *test, const struct torture_options *options,
		 struct torture_report *report);

/* An invariant is broken: says so, and ends the process. */
void torture_fail(const char *invariant, const char *format, ...)
	__attribute__((__noreturn__, __cold__, __format__(__printf__, 2, 3)));

/* A number below N, from the thread's own sequence. */
unsigned long torture_random(struct torture_thread *self, unsigned long n);

/* Often nothing; else spins, gives the CPU away or sleeps for a moment. */
void torture_pause(struct torture_thread *self);

/* The same for those who may not sleep: at most a spin. */
void torture_spin(struct torture_thread *self);

/* The test's time is over. A step may end early for it, but need not look. */
bool torture_over(void);

/* All of the test's threads meet, in a step that all of them do. */
void torture_meet(struct torture_thread *self);

/* Says what the thread does next, for the watchdog. */
static inline void torture_at(struct torture_thread *self, const char *place)
{
	WRITE_ONCE(self->place, place);
	WRITE_ONCE(self->beats, self->beats + 1);
}

/* ---- watchdog.c ---- */

/* Watches THREADS until torture_unwatch(). */
void torture_watch(struct torture_thread *threads, unsigned int n, double stall);
void torture_unwatch(void);

/* ---- storm.c ---- */

/* Signals THREADS at random, until torture_calm(). */
void torture_storm(struct torture_thread *threads, unsigned int n, u64 seed);
void torture_calm(void);

/* The calling thread was stopped by the storm since it last asked. */
bool torture_was_stopped(void);

/* ---- memory.c ---- */

/* What is freed too early is found by what stands in it. First member of what is allocated. */
struct torture_life {
	u64 mark;
};

/* Zeroed memory that is alive. */
void *torture_alloc(size_t size);

/*
 * Poisons it and frees it, natively after a while: who still looks finds poison, and who still
 * writes is found out. LIFE is what torture_alloc() returned.
 */
void torture_free(struct torture_life *life, size_t size);

/* Frees what still waits for it, and looks whether anybody wrote there. */
void torture_free_all(void);

bool torture_alive(const struct torture_life *life);

#define get(x)	  __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define set(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELEASE)
#define bump(x)	  __atomic_add_fetch(&(x), 1, __ATOMIC_ACQ_REL)

#endif
