/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One test: its threads, their chance, where they meet, and how it ends. */
#include "torture.h"

#include <linux/bug.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 256

static const struct torture_test *test;
static struct torture_report *report;
static struct torture_thread threads[MAX_THREADS];
static unsigned int n_threads;
static bool over;

/* ---- chance ---- */

/* The top bits of a linear sequence: good enough to spread delays, and quick. */
unsigned long torture_random(struct torture_thread *self, unsigned long n)
{
	self->random = self->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned long)(self->random >> 33) % n;
}

void torture_spin(struct torture_thread *self)
{
	static const unsigned char longest[8] = {0, 0, 0, 0, 10, 10, 30, 200};

	for (unsigned long i = torture_random(self, 1 + longest[torture_random(self, 8)]); i; i--)
		cpu_relax();
}

void torture_pause(struct torture_thread *self)
{
	struct timespec moment = {0, 0};

	switch (torture_random(self, 32)) {
	case 0:
		moment.tv_nsec = (long)torture_random(self, 200 * 1000);
		nanosleep(&moment, NULL);
		return;
	case 1:
	case 2:
		sched_yield();
		return;
	default:
		torture_spin(self);
	}
}

/* ---- the end ---- */

bool torture_over(void)
{
	return READ_ONCE(over);
}

void torture_fail(const char *invariant, const char *format, ...)
{
	static bool claimed;
	va_list args;
	int used;

	if (!__atomic_exchange_n(&claimed, true, __ATOMIC_ACQ_REL)) {
		used = snprintf(report->why, sizeof(report->why), "%s: ", invariant);
		va_start(args, format);
		vsnprintf(report->why + used, sizeof(report->why) - (size_t)used, format, args);
		va_end(args);
		set(report->failed, true);
		_exit(1);
	}
	/* Another thread is on its way out with the process, and the first failure tells most. */
	for (;;)
		pause();
}

/* ---- meetings ---- */

static struct {
	unsigned int arrived __aligned(128);
	unsigned int nth __aligned(128);
	bool last; /* the meeting that has just been was the last */
} meeting;

/* Whoever comes last decides for all whether the test goes on; they leave close in time. */
static bool meet(struct torture_thread *self)
{
	unsigned int nth = READ_ONCE(meeting.nth), spins = 0;

	torture_at(self, "a meeting");
	if (__atomic_add_fetch(&meeting.arrived, 1, __ATOMIC_ACQ_REL) == n_threads) {
		meeting.arrived = 0;
		meeting.last = torture_over();
		set(meeting.nth, nth + 1);
		return meeting.last;
	}
	while (get(meeting.nth) == nth) {
		cpu_relax();
		if (++spins % 512 == 0)
			sched_yield();
	}
	return meeting.last;
}

void torture_meet(struct torture_thread *self)
{
	meet(self);
}

/* ---- threads ---- */

static void *thread_main(void *arg)
{
	struct torture_thread *self = arg;
	const struct torture_role *role = self->role;

	prctl(PR_SET_TIMERSLACK, 1000);
	set(self->tid, (int)syscall(SYS_gettid));
	while (test->flags & TORTURE_ROUNDS ? !meet(self) : !torture_over()) {
		role->step(self);
		self->operations++;
		torture_at(self, "between two steps");
	}
	if (role->last)
		role->last(self);
	torture_at(self, NULL);
	return NULL;
}

static void add_threads(const struct torture_options *options)
{
	const struct torture_role *role;

	for (role = test->roles; role < test->roles + TORTURE_ROLES && role->name; role++) {
		unsigned int n = role->threads ? role->threads : options->threads;

		for (unsigned int i = 0; i < n; i++) {
			struct torture_thread *self = &threads[n_threads++];

			BUG_ON(n_threads == MAX_THREADS); /* and one is kept for the main thread */
			*self = (struct torture_thread){.role = role, .index = i};
			self->random = options->seed * 0x9e3779b97f4a7c15u + n_threads;
			torture_random(self, 1);
			self->place = "its start";
		}
	}
}

static void wait_for(double seconds)
{
	struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

	while (nanosleep(&time, &time))
		;
}

static void end_threads(struct torture_thread *main_thread)
{
	set(over, true);
	if (test->flags & TORTURE_STORM)
		torture_calm();
	for (unsigned int i = 0; i < n_threads; i++) {
		pthread_join(threads[i].pthread, NULL);
		report->operations[threads[i].role - test->roles] += threads[i].operations;
	}
	torture_at(main_thread, "the end");
	if (test->end)
		test->end();
	torture_free_all();
	if (bug_warn_count())
		torture_fail("no-warning", "%lu warnings of the core; each place is on stderr",
			     bug_warn_count());
	torture_at(main_thread, NULL);
}

void torture_run(const struct torture_test *which, const struct torture_options *options,
		 struct torture_report *where)
{
	static const struct torture_role nobody = {.name = "main thread"};
	struct torture_thread *main_thread;

	test = which;
	report = where;
	add_threads(options);
	main_thread = &threads[n_threads];
	*main_thread = (struct torture_thread){.role = &nobody, .place = "the beginning"};
	main_thread->tid = (int)getpid();
	torture_watch(threads, n_threads + 1, options->stall);
	if (test->begin)
		test->begin();
	torture_at(main_thread, NULL);
	for (unsigned int i = 0; i < n_threads; i++)
		if (pthread_create(&threads[i].pthread, NULL, thread_main, &threads[i]))
			torture_fail("no-crash", "thread %u of %u cannot be made", i, n_threads);
	if (test->flags & TORTURE_STORM)
		torture_storm(threads, n_threads, options->seed);
	wait_for(options->seconds);
	torture_at(main_thread, NULL);
	end_threads(main_thread);
	torture_unwatch();
}
