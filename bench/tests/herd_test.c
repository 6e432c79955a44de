/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A herd: that all sleep when the waker goes, what is in the figures, and what a lost one does. */
#include "check.h"
#include "clock.h"
#include "herd.h"
#include "op.h"
#include "places.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST	   8
#define MS	   1e6
#define NOBODY	   (-1)
#define TRIES	   10 /* for what a busy machine may spoil */
#define SKIP_ROUND 3

/* What the herd below does and leaves; see reset(). */
static struct {
	uint32_t round;
	pid_t task[MOST];
	unsigned int dawdle_ms, linger_ms, slow_wake_ms, slow_arm_ms, slow_again_ms;
	int forgotten; /* the sleeper that round SKIP_ROUND does not wake */
	bool moves, runs_on;
	bool chained; /* the first sleeper waits for the second before it goes to sleep */
	uint32_t chain;
	unsigned int armed, slept, woken, again;
	unsigned int awake_at_wake, out_of_order, waker_elsewhere;
} seen;

static struct op_run run;
static struct herd_result result;

static void count(unsigned int *what)
{
	__atomic_add_fetch(what, 1, __ATOMIC_SEQ_CST);
}

/* ---- threads that cannot be made ---- */

static unsigned int threads_left = -1u;

int __real_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	if (!threads_left)
		return EAGAIN;
	threads_left--;
	return __real_pthread_create(id, attr, fn, arg);
}

/* ---- a herd ---- */

static void arm(void *shared)
{
	(void)shared;
	count(&seen.armed);
	sleep_ms(seen.slow_arm_ms);
}

/* Busy, so that only a waker that looks for sleep finds it. */
static void dawdle(unsigned int ms)
{
	uint64_t until = now_ns() + ms * 1000000ull;

	while (now_ns() < until)
		sched_yield();
}

static bool is_over(unsigned int i, uint32_t round)
{
	if ((int)i == seen.forgotten && round == SKIP_ROUND)
		return false;
	return __atomic_load_n(&seen.round, __ATOMIC_SEQ_CST) == round;
}

/* As behind a lock: the first sleeps, but not for what it is to be woken from. */
static void wait_in_chain(unsigned int i, uint32_t round)
{
	if (i == 0) {
		while (__atomic_load_n(&seen.chain, __ATOMIC_SEQ_CST) != round)
			syscall(SYS_futex, &seen.chain, FUTEX_WAIT_PRIVATE, round - 1, NULL, NULL,
				0);
		dawdle(10);
	} else {
		dawdle(10);
		__atomic_store_n(&seen.chain, round, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &seen.chain, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
}

static void go_to_sleep(void *shared, unsigned int i, uint32_t round)
{
	(void)shared;
	count(&seen.slept);
	__atomic_store_n(&seen.task[i], (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	if (seen.moves && i == 0)
		pin_bind_self(topo, &places[0]);
	dawdle(i * seen.dawdle_ms);
	if (seen.chained)
		wait_in_chain(i, round);
	while (!is_over(i, round)) {
		if (seen.runs_on)
			sched_yield();
		else
			syscall(SYS_futex, &seen.round, FUTEX_WAIT_PRIVATE, round - 1, NULL, NULL,
				0);
	}
	sleep_ms(i * seen.linger_ms);
}

static void again(void *shared, unsigned int i)
{
	(void)shared;
	(void)i;
	count(&seen.again);
	sleep_ms(seen.slow_again_ms);
}

static bool task_sleeps(pid_t task)
{
	char path[64], text[256] = "", *name_end;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", task);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		text[0] = '\0';
	if (fd >= 0)
		close(fd);
	name_end = strrchr(text, ')');
	return name_end && name_end[1] && name_end[2] == 'S';
}

static void wake(void *shared, unsigned int sleepers, uint32_t round)
{
	(void)shared;
	count(&seen.woken);
	if (round != seen.woken)
		count(&seen.out_of_order);
	for (unsigned int i = 0; i < sleepers; i++)
		if (!task_sleeps(__atomic_load_n(&seen.task[i], __ATOMIC_SEQ_CST)))
			count(&seen.awake_at_wake);
	if (!pin_in_place(&places[0]))
		count(&seen.waker_elsewhere);
	sleep_ms(seen.slow_wake_ms);
	__atomic_store_n(&seen.round, round, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &seen.round, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static struct herd_ops herd;
static struct bench_op op;

static void reset(void)
{
	memset(&seen, 0, sizeof(seen));
	seen.forgotten = NOBODY;
	herd = (struct herd_ops){.arm = arm, .sleep = go_to_sleep, .again = again, .wake = wake};
	op = (struct bench_op){.herd = &herd};
	run = (struct op_run){.op = &op, .threads = 1, .topo = topo, .slots = places};
	take_places("none", 1 + MOST);
}

/* Measures where nobody is to be left behind. */
static int measure(unsigned int sleepers, unsigned int window_ms)
{
	unsigned int before = count_tasks();
	int ret = herd_measure(&run, sleepers, window_ms * 1000000ull, &result);

	CHECK(tasks_fall_to(before));
	CHECK(!ret == !run.why);
	CHECK(seen.out_of_order == 0);
	return ret;
}

/* ---- the tests ---- */

static void check_ordered(const struct herd_stat *a)
{
	CHECK(a->median > 0 && a->median <= a->all.max);
	CHECK(result.rounds < 20 ? isnan(a->all.p50) : a->all.p50 == a->median);
	CHECK(result.rounds < 100 ? isnan(a->all.p90) : a->all.p90 >= a->median);
	CHECK(result.rounds < 1000 ? isnan(a->all.p99) : a->all.p99 >= a->all.p90);
}

static void test_rounds(void)
{
	reset();
	CHECK(!measure(4, 0));
	CHECK(result.rounds == 5);
	/* One more to warm up. */
	CHECK(seen.woken == 6 && seen.armed == 6);
	CHECK(seen.slept == 4 * 6 && seen.again == 4 * 6);
	CHECK(seen.awake_at_wake == 0);

	reset();
	herd.arm = NULL;
	herd.again = NULL;
	CHECK(!measure(1, 30));
	CHECK(result.rounds > 5 && result.rounds + 1 == seen.woken && seen.slept == seen.woken);
	CHECK(seen.armed == 0 && seen.again == 0);
	CHECK(result.figure[HERD_FIRST].median == result.figure[HERD_LAST].median);
}

static void test_ordered(void)
{
	reset();
	CHECK(!measure(5, 20));
	for (int i = 0; i < HERD_FIGURES; i++)
		check_ordered(&result.figure[i]);
	CHECK(result.figure[HERD_FIRST].median <= result.figure[HERD_MEDIAN].median);
	CHECK(result.figure[HERD_MEDIAN].median <= result.figure[HERD_LAST].median);
	CHECK(result.figure[HERD_FIRST].all.max <= result.figure[HERD_LAST].all.max);
}

/* Sleeper I is on its way to sleep for I x 3 ms: the waker must wait for the last. */
static void test_asleep(void)
{
	reset();
	seen.dawdle_ms = 3;
	CHECK(!measure(4, 0));
	CHECK(seen.awake_at_wake == 0);
}

/* Seen asleep, but elsewhere: that one is waited for too. */
static void test_asleep_elsewhere(void)
{
	reset();
	seen.chained = true;
	CHECK(!measure(2, 0));
	CHECK(seen.awake_at_wake == 0 && seen.woken == 6);
}

/* Sleeper I comes I x 10 ms after the wake-up. */
static void test_latencies(void)
{
	const struct herd_stat *figure = result.figure;
	bool in_time = false;

	for (int i = 0; i < TRIES && !(in_time && i); i++) {
		reset();
		seen.linger_ms = 10;
		CHECK(!measure(5, 0));
		CHECK(figure[HERD_MEDIAN].median >= 20 * MS);
		CHECK(figure[HERD_LAST].median >= 40 * MS);
		in_time = figure[HERD_FIRST].median < 5 * MS &&
			  figure[HERD_WAKER].median < 5 * MS &&
			  figure[HERD_MEDIAN].median < 35 * MS;
	}
	CHECK(in_time);
}

static void test_slow_waker(void)
{
	reset();
	seen.slow_wake_ms = 5;
	CHECK(!measure(2, 0));
	CHECK(result.figure[HERD_WAKER].median >= 5 * MS);
	CHECK(result.figure[HERD_FIRST].median >= 5 * MS);
}

static void test_not_in_figures(void)
{
	double waker = 1e9, last = 1e9;

	for (int i = 0; i < TRIES && (waker > 10 * MS || last > 10 * MS); i++) {
		reset();
		seen.slow_arm_ms = 20;
		seen.slow_again_ms = 20;
		CHECK(!measure(2, 0));
		waker = result.figure[HERD_WAKER].median;
		last = result.figure[HERD_LAST].median;
	}
	CHECK(waker <= 10 * MS && last <= 10 * MS);
}

static void test_spinning(void)
{
	unsigned int pus = pin_pu_count(topo);

	reset();
	herd.spins = seen.runs_on = true;
	CHECK(measure(pus, 0) == -ENOTSUP);
	CHECK_HAS(run.why ? run.why : "", "PU");
	CHECK(seen.slept == 0);
	if (pus < 2)
		return;
	reset();
	herd.spins = seen.runs_on = true;
	CHECK(!measure(1, 0));
	CHECK(seen.slept == 6);
}

static void test_places(void)
{
	cpu_set_t before, after;

	reset();
	take_places("compact", 3);
	sched_getaffinity(0, sizeof(before), &before);
	CHECK(!measure(2, 0));
	sched_getaffinity(0, sizeof(after), &after);
	CHECK(seen.waker_elsewhere == 0);
	CHECK(!result.misplaced);
	CHECK(CPU_EQUAL(&before, &after));
	if (pin_pu_count(topo) < 2) {
		fprintf(stderr, "one PU only: a sleeper cannot be misplaced\n");
		return;
	}
	reset();
	take_places("compact", 2);
	seen.moves = true;
	CHECK(!measure(1, 0));
	CHECK(result.misplaced);
}

static void test_no_thread(void)
{
	for (unsigned int n = 0; n < 3; n++) {
		reset();
		threads_left = n;
		CHECK(measure(3, 0) == -EAGAIN);
		CHECK(seen.slept == 0);
	}
	threads_left = -1u;
}

/* Who cannot be watched cannot be seen asleep: said at once, not after the patience. */
static void test_no_file(void)
{
	struct rlimit limit, none;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
	reset();
	setrlimit(RLIMIT_NOFILE, &none);
	CHECK(herd_measure(&run, 2, 0, &result) == -EMFILE);
	setrlimit(RLIMIT_NOFILE, &limit);
	CHECK_TEXT(run.why ? run.why : "", "Too many open files");
	CHECK(seen.slept == 0);
}

/* ---- what is lost; in a process of its own, for the threads that are left ---- */

static int lose(const char *expected)
{
	uint64_t start = now_ns();
	int ret;

	herd.patience_ms = 300;
	ret = herd_measure(&run, 3, 0, &result);
	CHECK(ret == -ETIMEDOUT);
	CHECK(now_ns() - start >= 300 * 1000000ull);
	CHECK(now_ns() - start < 15000 * 1000000ull);
	CHECK_TEXT(run.why ? run.why : "", expected);
	return check_result();
}

static void check_lost(const char *expected)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		syscall(SYS_exit_group, lose(expected));
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_lost(void)
{
	reset();
	seen.forgotten = 1;
	check_lost("a sleeper was not woken");
	reset();
	seen.runs_on = true;
	check_lost("a sleeper did not fall asleep");
}

int main(void)
{
	load_topology();
	test_lost();
	start_first_thread();
	test_rounds();
	test_ordered();
	test_asleep();
	test_asleep_elsewhere();
	test_latencies();
	test_slow_waker();
	test_not_in_figures();
	test_spinning();
	test_places();
	test_no_thread();
	test_no_file();
	pin_topology_free(topo);
	return check_result();
}
