/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A team: what is counted, who starts and ends when, and that nobody is left behind. */
#include "check.h"
#include "clock.h"
#include "op.h"
#include "places.h"
#include "team.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>

#define MS	  1000000ull
#define TRIES	  10 /* for what a busy machine may spoil */
#define NO_THREAD (-1)

/* What the operations below do and leave; see reset(). */
static struct {
	int slow, failing, starved; /* a thread's index, or NO_THREAD */
	const char *why;
	unsigned int set_up, torn_down, background_set_up;
	unsigned int too_early; /* runs before everybody was set up */
	unsigned int on_another_thread;
	unsigned int members, singles;
	uint64_t ops, batch, background;
	uint64_t first; /* when the first operation began; see settling_run() */
} seen;

static struct op_run run;
static struct team_result result;

static uint64_t add(uint64_t *sum, uint64_t more)
{
	return __atomic_add_fetch(sum, more, __ATOMIC_SEQ_CST);
}

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

/* ---- a window that is over at once ---- */

static bool no_window;

int __real_clock_nanosleep(clockid_t clock, int flags, const struct timespec *nap,
			   struct timespec *left);
int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *nap,
			   struct timespec *left);
int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *nap,
			   struct timespec *left)
{
	return no_window ? 0 : __real_clock_nanosleep(clock, flags, nap, left);
}

/* ---- operations ---- */

static int set_up(struct op_thread *t)
{
	if ((int)t->index == seen.slow)
		sleep_ms(50);
	if ((int)t->index == seen.failing) {
		t->run->why = seen.why;
		return -EPERM;
	}
	t->own = malloc(sizeof(pthread_t));
	*(pthread_t *)t->own = pthread_self();
	count(&seen.set_up);
	return 0;
}

static void tear_down(struct op_thread *t)
{
	if (!pthread_equal(*(pthread_t *)t->own, pthread_self()))
		count(&seen.on_another_thread);
	free(t->own);
	count(&seen.torn_down);
}

static void counting_run(struct op_thread *t, uint64_t n)
{
	(void)t;
	if (__atomic_load_n(&seen.set_up, __ATOMIC_SEQ_CST) != seen.members)
		count(&seen.too_early);
	if (n == 1)
		count(&seen.singles);
	else
		__atomic_store_n(&seen.batch, n, __ATOMIC_SEQ_CST); /* the same from everybody */
	add(&seen.ops, n);
}

/* Asleep, threads do not take each other's PU, whatever the machine is busy with. */
static void sleeping_run(struct op_thread *t, uint64_t n)
{
	while (n--)
		sleep_ms((int)t->index == seen.starved ? 60 : 2);
}

static void background_run(struct op_thread *t)
{
	(void)t;
	sleep_ms(1);
	add(&seen.background, 1);
}

/* Ends only when the background has gone on far longer than the window. */
static void waiting_run(struct op_thread *t, uint64_t n)
{
	uint64_t until = now_ns() + 5000 * MS, enough = add(&seen.background, 0) + 50;

	(void)t;
	while (add(&seen.background, 0) < enough && now_ns() < until)
		sleep_ms(1);
	add(&seen.ops, n);
}

/* Three times as long in the first 8 ms. */
static void settling_run(struct op_thread *t, uint64_t n)
{
	uint64_t now = now_ns(), none = 0;

	(void)t;
	__atomic_compare_exchange_n(&seen.first, &none, now, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	while (n--)
		sleep_ms(now - __atomic_load_n(&seen.first, __ATOMIC_SEQ_CST) < 8 * MS ? 6 : 2);
}

/* By nearly a third in each millisecond. */
static void slowing_run(struct op_thread *t, uint64_t n)
{
	uint64_t start = now_ns(), none = 0;
	double age;

	(void)t;
	(void)n;
	__atomic_compare_exchange_n(&seen.first, &none, start, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	age = (double)(start - __atomic_load_n(&seen.first, __ATOMIC_SEQ_CST)) / MS;
	while ((double)(now_ns() - start) < 1000 * pow(1.3, fmin(age, 25)))
		;
}

static void moving_run(struct op_thread *t, uint64_t n)
{
	struct pin_slot elsewhere = places[1 - t->index % 2];

	(void)n;
	if (t->index == 0)
		pin_bind_self(topo, &elsewhere);
	sleep_ms(1);
}

static struct bench_op op;

static void reset(void (*fn)(struct op_thread *, uint64_t), unsigned int threads)
{
	memset(&seen, 0, sizeof(seen));
	seen.slow = seen.failing = seen.starved = NO_THREAD;
	seen.members = threads;
	op = (struct bench_op){
		.batch = 1, .run = fn, .thread_setup = set_up, .thread_teardown = tear_down};
	run = (struct op_run){.op = &op, .threads = threads, .topo = topo, .slots = places};
	take_places("none", 16);
}

/* Measures, and checks what holds whatever is measured. */
static int measure(unsigned int window_ms)
{
	unsigned int before = count_tasks();
	int ret = team_measure(&run, window_ms * MS, &result);

	CHECK(tasks_fall_to(before));
	CHECK(seen.torn_down == seen.set_up);
	CHECK(seen.on_another_thread == 0);
	CHECK(!ret == !run.why);
	return ret;
}

/* ---- the tests ---- */

static void test_counts(void)
{
	reset(counting_run, 1);
	op.batch = 7;
	op.flags = OP_NOT_SAMPLED;
	CHECK(!measure(20));
	/* Those of the warm-up do not count. */
	CHECK(seen.batch == 7 && seen.ops > result.ops && result.ops % 7 == 0 && result.ops > 0);
	CHECK(fabs(result.ops_per_s * result.real_ns_per_op - 1e9) < 1e3);
	CHECK(result.fairness == 1 && result.overlap == 1);
	CHECK(seen.singles == 0 && isnan(result.latency.p50) && isnan(result.latency.max));

	reset(counting_run, 3);
	op.batch = 0;
	CHECK(!measure(20));
	CHECK(seen.batch == 64 && seen.ops > result.ops && result.ops > 0);
	CHECK(seen.too_early == 0);
	CHECK(result.cpu_ns_per_op > 0);
	CHECK(result.cpu_ns_per_op < 1.1 * result.real_ns_per_op);
}

/* One alone now and then, and so seldom that the others hardly notice. */
static void test_sampled(void)
{
	const struct clock_facts *clock = clock_survey();
	double share = 1;

	for (int i = 0; i < TRIES && share > 0.02; i++) {
		reset(counting_run, 2);
		op.batch = 7;
		CHECK(!measure(100));
		CHECK(seen.singles > 0);
		CHECK(result.latency.p50 > 0 && result.latency.p50 <= result.latency.max);
		share = seen.singles * 4 * clock->cost_ns /
			((double)result.ops * result.real_ns_per_op);
	}
	CHECK(share <= 0.02);

	reset(counting_run, 1);
	op.batch = 7;
	op.flags = OP_BY_TIME;
	CHECK(!measure(20));
	CHECK(seen.singles == 0 && isnan(result.latency.max));
}

/* Every second one of these, whose times are known. */
static void test_latency(void)
{
	double p50 = 1e9;

	for (int i = 0; i < TRIES && !(p50 < 3e6); i++) {
		reset(sleeping_run, 4);
		seen.starved = 0;
		CHECK(!measure(100));
		p50 = result.latency.p50;
		CHECK(!(p50 < 2e6) && isnan(result.latency.p99));
		/* Of all members, merged. */
		CHECK(result.latency.max >= 59e6);
	}
	CHECK(p50 < 3e6);
}

/* An operation of 2 ms: the figures are known beforehand, but for what a busy machine adds. */
static void test_times(void)
{
	bool as_expected = false;

	for (int i = 0; i < TRIES && !as_expected; i++) {
		double real, elapsed;

		reset(sleeping_run, 4);
		CHECK(!measure(100));
		real = result.real_ns_per_op;
		elapsed = (double)result.ops * real / 4;
		CHECK(real >= 2e6 && result.cpu_ns_per_op < real / 2);
		CHECK(result.ops_per_s <= 4 / 2e-3);
		as_expected = real < 4e6 && result.ops_per_s > 4 / 4e-3 && elapsed > 90e6 &&
			      elapsed < 150e6;
	}
	CHECK(as_expected);
}

static void test_alike(void)
{
	double overlap = 0, fairness = 0;

	for (int i = 0; i < TRIES && !(overlap > 0.9 && fairness > 0.95); i++) {
		reset(sleeping_run, 4);
		CHECK(!measure(100));
		overlap = result.overlap;
		fairness = result.fairness;
		CHECK(overlap >= 0 && overlap <= 1);
		CHECK(fairness >= 0.25 && fairness <= 1);
	}
	CHECK(overlap > 0.9 && fairness > 0.95);
}

/* Nobody begins before the last is ready: a long set-up is in no figure. */
static void test_slow_setup(void)
{
	double overlap = 0;

	for (int i = 0; i < TRIES && overlap < 0.8; i++) {
		reset(counting_run, 2);
		seen.slow = 1;
		CHECK(!measure(60));
		CHECK(seen.too_early == 0);
		overlap = result.overlap;
	}
	CHECK(overlap >= 0.8);
}

/*
 * One whose operation is longer than the window: the window begins when that
 * one has too, so they run together, but not for long enough.
 */
static void test_late(void)
{
	reset(sleeping_run, 2);
	seen.starved = 1;
	CHECK(!measure(40));
	CHECK(result.overlap > 0 && result.overlap < 0.5);
}

/* What goes on only at first is in no figure. */
static void test_settling(void)
{
	double real = 1e9;

	for (int i = 0; i < TRIES && real > 2.5e6; i++) {
		reset(settling_run, 2);
		CHECK(!measure(100));
		real = result.real_ns_per_op;
		CHECK(result.warm_ns >= 8 * MS);
	}
	CHECK(real < 2.5e6);
}

static void test_steady(void)
{
	bool steady = false;

	for (int i = 0; i < TRIES && !steady; i++) {
		reset(counting_run, 1);
		CHECK(!measure(100));
		CHECK(result.warm_ns >= 3 * MS);
		CHECK(result.steady || result.warm_ns >= 20 * MS);
		steady = result.steady && result.warm_ns < 20 * MS;
	}
	CHECK(steady);
}

/* Nobody waits longer than a fifth of the window for what does not become steady, or 2 ms. */
static void test_never_steady(void)
{
	uint64_t warm_ns = UINT64_MAX;

	for (int i = 0; i < TRIES && warm_ns > 30 * MS; i++) {
		reset(slowing_run, 1);
		CHECK(!measure(100));
		CHECK(!result.steady && result.warm_ns >= 20 * MS);
		warm_ns = result.warm_ns;
	}
	CHECK(warm_ns <= 30 * MS);
	for (int i = 0; i < TRIES && warm_ns > 5 * MS; i++) {
		reset(slowing_run, 1);
		CHECK(!measure(1));
		CHECK(!result.steady && result.warm_ns >= 2 * MS);
		warm_ns = result.warm_ns;
	}
	CHECK(warm_ns <= 5 * MS);
}

static void test_starved(void)
{
	reset(sleeping_run, 2);
	seen.starved = 0;
	CHECK(!measure(120));
	CHECK(result.fairness > 0.5 && result.fairness < 0.75);
}

static void test_background(void)
{
	bool as_expected = false;

	for (int i = 0; i < TRIES && !as_expected; i++) {
		reset(waiting_run, 1);
		op.background = 2;
		op.background_run = background_run;
		CHECK(!measure(5));
		CHECK(seen.set_up == 3 && result.fairness == 1 && result.overlap == 1);
		/* An operation to warm up, which is not of the measured ones, and a measured one.
		 */
		as_expected = seen.background >= 100 && result.ops > 0 && result.ops < seen.ops;
	}
	CHECK(as_expected);
}

static void test_failing_setup(int which)
{
	reset(counting_run, 3);
	op.background = 1;
	op.background_run = background_run;
	seen.failing = which;
	CHECK(measure(20) == -EPERM);
	CHECK_TEXT(run.why ? run.why : "", "Operation not permitted");
	CHECK(seen.set_up == 3 && seen.ops == 0 && seen.background == 0);
	CHECK(result.ops == 0);

	seen.set_up = seen.torn_down = 0;
	seen.why = "it is Sunday";
	run.why = NULL;
	CHECK(measure(20) == -EPERM);
	CHECK_TEXT(run.why ? run.why : "", "it is Sunday");
}

static void test_no_thread(void)
{
	for (unsigned int n = 0; n < 4; n++) {
		reset(counting_run, 3);
		op.background = 1;
		op.background_run = background_run;
		threads_left = n;
		CHECK(measure(20) == -EAGAIN);
		CHECK(seen.set_up == n && seen.ops == 0);
	}
	threads_left = -1u;
}

/* A window that is over at once holds a batch of each. */
static void test_no_time(void)
{
	no_window = true;
	for (int i = 0; i < 50; i++) {
		reset(counting_run, 2);
		op.batch = 7;
		take_places("compact", 1);
		places[1] = places[0];
		pin_bind_self(topo, &places[0]);
		CHECK(!measure(0));
		pin_unbind_self(topo);
		CHECK(result.ops >= 14 && result.ops <= seen.ops);
		CHECK(isfinite(result.real_ns_per_op) && isfinite(result.ops_per_s));
		CHECK(result.fairness > 0.499 && result.fairness <= 1);
		CHECK(result.overlap >= 0 && result.overlap <= 1);
	}
	no_window = false;
}

static void test_places(void)
{
	if (pin_pu_count(topo) < 2) {
		fprintf(stderr, "one PU only: a thread cannot be misplaced\n");
		return;
	}
	reset(sleeping_run, 2);
	take_places("compact", 2);
	CHECK(!measure(10));
	CHECK(!result.misplaced);
	reset(moving_run, 2);
	take_places("compact", 2);
	CHECK(!measure(10));
	CHECK(result.misplaced);
	reset(moving_run, 2);
	take_places("none", 2);
	CHECK(!measure(10));
	CHECK(!result.misplaced);
}

int main(void)
{
	load_topology();
	start_first_thread();
	test_counts();
	test_sampled();
	test_latency();
	test_times();
	test_alike();
	test_slow_setup();
	test_late();
	test_settling();
	test_steady();
	test_never_steady();
	test_starved();
	test_background();
	test_failing_setup(0);
	test_failing_setup(2);
	test_failing_setup(3);
	test_no_thread();
	test_no_time();
	test_places();
	pin_topology_free(topo);
	return check_result();
}
