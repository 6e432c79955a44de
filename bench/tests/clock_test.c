/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clocks: what is found out about them, and which are refused. */
#include "check.h"
#include "clock.h"
#include "sysfacts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES 10 /* for what a busy machine may spoil */
#define MS    1000000ull

/* ---- a clock with faults ---- */

static enum { SOUND, UNREADABLE, STILL, BACK, COARSE, DEAR } fault;
static uint64_t coarse_ns, looks;
static int64_t ahead_ns; /* of CLOCK_MONOTONIC alone */

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

static uint64_t faulty(uint64_t ns)
{
	struct timespec ts;

	switch (fault) {
	case STILL:
		return 1000;
	case BACK: /* once in a while, and not far */
		return ++looks % 500 ? ns : ns - 5000;
	case COARSE:
		return ns / coarse_ns * coarse_ns;
	case DEAR:
		for (int i = 0; i < 100; i++)
			__real_clock_gettime(CLOCK_MONOTONIC, &ts);
		return ns;
	default:
		return ns + (uint64_t)ahead_ns;
	}
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int ret = __real_clock_gettime(id, ts);
	uint64_t ns;

	if (id != CLOCK_MONOTONIC)
		return ret;
	if (fault == UNREADABLE) {
		errno = EINVAL;
		return -1;
	}
	ns = faulty((uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_nsec);
	ts->tv_sec = (time_t)(ns / 1000000000u);
	ts->tv_nsec = (long)(ns % 1000000000u);
	return ret;
}

/* ---- what is found out ---- */

static double ticks_in(const struct clock_facts *clock, uint64_t ns)
{
	uint64_t start = now_ns(), ticks = clock_ticks(clock), now;

	while ((now = now_ns()) < start + ns)
		;
	return (double)(clock_ticks(clock) - ticks) * clock->ns_per_tick / (double)(now - start);
}

static void check_facts(const struct clock_facts *clock)
{
	double ratio = 0;

	CHECK(!strcmp(clock->source, clock->counter ? ARCH_COUNTER_NAME : "clock_gettime"));
	CHECK(clock->cost_ns > 0 && clock->cost_ns < 100000);
	CHECK(clock->resolution_ns > 0 && clock->resolution_ns < 100000);
	for (int i = 0; i < TRIES && fabs(ratio - 1) > 0.01; i++)
		ratio = ticks_in(clock, 5 * MS);
	CHECK(fabs(ratio - 1) <= 0.01);
	printf("%s costs %.1f ns, steps by %.1f ns\n", clock->source, clock->cost_ns,
	       clock->resolution_ns);
}

static void test_survey(void)
{
	const struct clock_facts *clock = clock_survey();

	CHECK(clock == clock_survey());
	check_facts(clock);
}

/* The counter of a machine that trusts it is taken rather than a clock that costs more. */
static int survey_dear(void)
{
	char source[64] = "";
	const struct clock_facts *clock;
	bool trusted = fact_file("/sys/devices/system/clocksource/clocksource0/"
				 "current_clocksource",
				 source, sizeof(source)) &&
		       !strcmp(source, ARCH_COUNTER_CLOCKSOURCE);

	fault = DEAR;
	clock = clock_survey();
	CHECK(clock->counter == trusted);
	fault = SOUND;
	check_facts(clock);
	return check_result();
}

/* One survey a process. */
static void test_dear(void)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		exit(survey_dear());
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- what is refused ---- */

static void refuse(int expected, const char *what)
{
	char why[256] = "";

	CHECK(clock_check(why, sizeof(why)) == expected);
	CHECK_HAS(why, "CLOCK_MONOTONIC");
	CHECK_HAS(why, what);
	CHECK(!strchr(why, '\n'));
	CHECK(clock_check(NULL, 0) == expected);
	fault = SOUND;
}

static void test_refused(void)
{
	fault = UNREADABLE;
	refuse(-EINVAL, "cannot be read: Invalid argument");
	fault = STILL;
	refuse(-ERANGE, "stands still");
	fault = BACK;
	refuse(-ERANGE, "goes back");
	fault = COARSE;
	coarse_ns = 4 * MS;
	refuse(-ERANGE, "steps of ");
	fault = COARSE;
	coarse_ns = 1000;
	refuse(-ERANGE, "steps of ");
}

static void test_good(void)
{
	char why[256] = "";

	CHECK(!clock_check(why, sizeof(why)));
	CHECK_TEXT(why, "");
	/* As on machines whose counter runs at 10 MHz or less. */
	fault = COARSE;
	coarse_ns = 500;
	CHECK(!clock_check(why, sizeof(why)));
	/* One that takes so long that it never shows the same is not coarse for that. */
	fault = DEAR;
	CHECK(!clock_check(why, sizeof(why)));
	fault = SOUND;
}

/* ---- what happens meanwhile ---- */

static bool stepped_by(int64_t ns)
{
	struct timespec nap = {0, 5 * MS};
	struct clock_pair begin = clock_pair(), end;

	nanosleep(&nap, NULL);
	ahead_ns += ns;
	end = clock_pair();
	return clock_has_stepped(&begin, &end);
}

/* Less than 1 % of the time may be a slew; what cannot be told on a busy machine is not told. */
static void test_stepped(void)
{
	unsigned int small = 0, large = 0;

	for (int i = 0; i < TRIES; i++) {
		CHECK(!stepped_by(0));
		CHECK(stepped_by(-20 * (int64_t)MS));
		small += stepped_by(20 * 1000);
		large += stepped_by(1000 * 1000) && stepped_by(-1000 * 1000);
	}
	CHECK(small == 0 && large > 0);
}

static void test_no_raw(void)
{
	struct clock_pair begin = {.ns = 1000, .raw = 1000}, end = {.ns = 9000, .raw = 2000};

	CHECK(!clock_has_stepped(&begin, &end) && clock_has_stepped(&end, &begin));
	begin.both = end.both = true;
	CHECK(clock_has_stepped(&begin, &end));
	end.apart = 7000;
	CHECK(!clock_has_stepped(&begin, &end));
}

int main(void)
{
	test_dear();
	test_survey();
	test_good();
	test_refused();
	test_stepped();
	test_no_raw();
	return check_result();
}
