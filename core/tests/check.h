/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every test here stands on: checks that count and go on, threads whose
 * sleep can be seen, children that may die. A test is a main() that RUN()s
 * its parts and returns check_exit(): 0 passed, 1 failed, 77 nothing to test.
 */
#ifndef MN_TESTS_CHECK_H
#define MN_TESTS_CHECK_H

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK_SKIP 77

static unsigned long check_passed __attribute__((__unused__));
static unsigned long check_failed __attribute__((__unused__));
static unsigned long check_skipped __attribute__((__unused__));

/* ---- checks: of any thread ---- */

#define CHECK(cond) check_that(!!(cond), __FILE__, __LINE__, #cond)
#define CHECK_EQ(got, want)                                                                        \
	check_equal((long long)(got), (long long)(want), __FILE__, __LINE__, #got " == " #want)
#define CHECK_STR(got, want) check_string((got), (want), __FILE__, __LINE__, #got)

static inline bool check_that(bool ok, const char *file, int line, const char *what)
{
	__atomic_fetch_add(ok ? &check_passed : &check_failed, 1, __ATOMIC_RELAXED);
	if (!ok) {
		printf("FAILED %s:%d: %s\n", file, line, what);
		fflush(stdout);
	}
	return ok;
}

static inline bool check_equal(long long got, long long want, const char *file, int line,
			       const char *what)
{
	if (got != want)
		printf("%lld, not %lld: ", got, want);
	return check_that(got == want, file, line, what);
}

static inline bool check_string(const char *got, const char *want, const char *file, int line,
				const char *what)
{
	bool same = !strcmp(got, want);

	if (!same)
		printf("\"%s\", not \"%s\": ", got, want);
	return check_that(same, file, line, what);
}

/* A part that cannot run here, with the reason; the others still count. */
static inline void check_skip(const char *reason)
{
	printf("skipped: %s\n", reason);
	check_skipped++;
}

#define RUN(part)                                                                                  \
	do {                                                                                       \
		printf("%s\n", #part);                                                             \
		fflush(stdout);                                                                    \
		part();                                                                            \
	} while (0)

static inline int check_exit(void)
{
	printf("%lu checks passed, %lu failed, %lu parts skipped\n", check_passed, check_failed,
	       check_skipped);
	if (check_failed)
		return 1;
	return check_passed ? 0 : CHECK_SKIP;
}

/* ---- how long: slow machines, emulators and sanitizers ask for less ---- */

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define CHECK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define CHECK_SANITIZED 1
#endif
#endif
#ifndef CHECK_SANITIZED
#define CHECK_SANITIZED 0
#endif

/* N rounds, times MNBENCH_TEST_SCALE from the environment; at least one. */
static inline unsigned long rounds(unsigned long n)
{
	const char *scale = getenv("MNBENCH_TEST_SCALE");
	double share = scale ? strtod(scale, NULL) : 1.0;

	if (CHECK_SANITIZED)
		share /= 5;
	return share * (double)n < 1 ? 1 : (unsigned long)(share * (double)n);
}

static inline double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static inline void sleep_ms(unsigned int ms)
{
	struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&pause, NULL);
}

/* Waits until COND holds; false after 20 s, which no test of ours needs. */
#define EVENTUALLY(cond)                                                                           \
	({                                                                                         \
		double __until = seconds() + 20;                                                   \
		bool __holds;                                                                      \
		while (!(__holds = !!(cond)) && seconds() < __until)                               \
			sleep_ms(1);                                                               \
		__holds;                                                                           \
	})

#define get(x)	  __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define set(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELEASE)
#define bump(x)	  __atomic_add_fetch(&(x), 1, __ATOMIC_ACQ_REL)

/* ---- threads ---- */

struct task {
	void (*run)(void *arg);
	void *arg;
	pthread_t thread;
	long tid;
	bool done;
};

static inline void *task_main(void *arg)
{
	struct task *task = arg;

	set(task->tid, syscall(SYS_gettid));
	task->run(task->arg);
	set(task->done, true);
	return NULL;
}

static inline void task_start(struct task *task, void (*run)(void *arg), void *arg)
{
	*task = (struct task){.run = run, .arg = arg};
	if (pthread_create(&task->thread, NULL, task_main, task)) {
		perror("pthread_create");
		exit(1);
	}
}

static inline void task_join(struct task *task)
{
	pthread_join(task->thread, NULL);
}

/* Its state in /proc: R, S, ...; 0 once it is gone. */
static inline char task_state(struct task *task)
{
	char path[64], stat[256] = "", *name_end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/stat", get(task->tid));
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (!fgets(stat, sizeof(stat), file))
		stat[0] = 0;
	fclose(file);
	name_end = strrchr(stat, ')');
	return name_end ? name_end[2] : 0;
}

/* It sleeps and goes on doing so: asleep in 8 looks, 1 ms apart. False if it ends instead. */
static inline bool task_blocks(struct task *task)
{
	double until = seconds() + 20;
	int looks = 0;

	while (looks < 8) {
		if (get(task->done) || seconds() > until)
			return false;
		looks = get(task->tid) && task_state(task) == 'S' ? looks + 1 : 0;
		sleep_ms(1);
	}
	return !get(task->done);
}

/* It runs to its end; the caller joins it. */
static inline bool task_ends(struct task *task)
{
	return EVENTUALLY(get(task->done));
}

/*
 * Where THREADS wait for each other, for the NTH time (from 1); they leave as
 * close in time as spinning gets them.
 */
static inline void meet(unsigned long *place, unsigned long threads, unsigned long nth)
{
	unsigned int spins = 0;

	__atomic_fetch_add(place, 1, __ATOMIC_SEQ_CST);
	while (get(*place) < threads * nth)
		if (++spins % 1024 == 0)
			sched_yield();
}

/* ---- children: for what aborts, or prints ---- */

/*
 * Runs RUN in a child, with what it writes to standard error in TEXT.
 * Returns the wait status; a child whose checks failed exits 1.
 */
static inline int in_child(void (*run)(void), char *text, size_t size)
{
	size_t used = 0;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	fflush(stdout);
	if (pipe(fds) || (pid = fork()) < 0) {
		perror("in_child");
		exit(1);
	}
	if (!pid) {
		dup2(fds[1], STDERR_FILENO);
		check_failed = 0;
		run();
		fflush(stdout);
		_exit(check_failed ? 1 : 0);
	}
	close(fds[1]);
	while (used < size - 1 && (n = read(fds[0], text + used, size - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = 0;
	close(fds[0]);
	waitpid(pid, &status, 0);
	return status;
}

static inline bool exited_ok(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static inline bool killed_by(int status, int signal)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

/* How often NEEDLE stands in TEXT. */
static inline unsigned int occurrences(const char *text, const char *needle)
{
	unsigned int n = 0;

	for (; (text = strstr(text, needle)); text += strlen(needle))
		n++;
	return n;
}

/* ---- a log of what happened, in order ---- */

static pthread_mutex_t check_log_mutex __attribute__((__unused__)) = PTHREAD_MUTEX_INITIALIZER;
static char check_log[8192] __attribute__((__unused__));

/* Appends to the log, after a blank. */
static inline void __attribute__((__format__(__printf__, 1, 2))) note(const char *format, ...)
{
	size_t used;
	va_list args;

	pthread_mutex_lock(&check_log_mutex);
	used = strlen(check_log);
	if (used && used + 1 < sizeof(check_log))
		check_log[used++] = ' ';
	va_start(args, format);
	vsnprintf(check_log + used, sizeof(check_log) - used, format, args);
	va_end(args);
	pthread_mutex_unlock(&check_log_mutex);
}

/* What was noted since the last time is WANT; forgets it. */
#define CHECK_NOTED(want)                                                                          \
	do {                                                                                       \
		pthread_mutex_lock(&check_log_mutex);                                              \
		CHECK_STR(check_log, want);                                                        \
		check_log[0] = 0;                                                                  \
		pthread_mutex_unlock(&check_log_mutex);                                            \
	} while (0)

#endif
