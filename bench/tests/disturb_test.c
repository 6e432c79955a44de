/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What disturbs a repetition: told by files of our own, and by what we do to ourselves. */
#include "check.h"
#include "clock.h"
#include "disturb.h"
#include "fake_root.h"
#include "herd.h"
#include "places.h"
#include "team.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define PUS   16
#define MS    1000000ull
#define TRIES 50 /* for what a busy machine may spoil */

static struct pin_topology *sixteen; /* PUs, none of which need exist */
static struct pin_slot slots[PUS];
static struct disturb *d;

/* ---- a clock that we can put forward ---- */

static uint64_t ahead_ns, step_ns; /* in all; more at each look */
static int64_t apart_ns;	   /* CLOCK_MONOTONIC alone */

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int ret = __real_clock_gettime(id, ts);
	uint64_t ahead = __atomic_add_fetch(&ahead_ns, step_ns, __ATOMIC_SEQ_CST);
	uint64_t ns = (uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_nsec + ahead;

	if (id == CLOCK_MONOTONIC)
		ns += (uint64_t)__atomic_load_n(&apart_ns, __ATOMIC_SEQ_CST);
	ts->tv_sec = (time_t)(ns / 1000000000u);
	ts->tv_nsec = (long)(ns % 1000000000u);
	return ret;
}

/* ---- files ---- */

static void write_stat(unsigned long pu1, unsigned long pu15)
{
	char text[4096] = "cpu  1 2 3 4 5 6 7 999999 9 10\n";

	for (int pu = 0; pu < PUS; pu++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "cpu%d 1 2 3 4 5 6 7 %lu 9 10\n", pu,
			 pu == 1    ? pu1
			 : pu == 15 ? pu15
				    : 8);
	strcat(text, "intr 1 2 3\nctxt 5\n");
	fake_file("/proc/stat", text);
}

static void start(void)
{
	ahead_ns = step_ns = 0;
	for (int i = 0; i < PUS; i++)
		slots[i] = (struct pin_slot){.pu = i};
	CHECK(!disturb_open(&d, sixteen, fake_root));
}

static void stop(void)
{
	disturb_close(d);
	fake_remove();
	fake_make();
}

/* ---- stolen ---- */

static unsigned int stat_after(unsigned int threads, unsigned long pu1, unsigned long pu15)
{
	disturb_begin(d, slots, threads);
	write_stat(pu1, pu15);
	return disturb_end(d);
}

static void test_stolen(void)
{
	write_stat(8, 8);
	start();
	CHECK(stat_after(2, 8, 8) == 0);
	/* A tick may be of before, of each PU. */
	CHECK(stat_after(2, 9, 8) == 0);
	CHECK(stat_after(2, 10, 8) == 0);
	CHECK(stat_after(2, 11, 8) == DISTURB_STOLEN);
	/* In the same second, but not in this one. */
	CHECK(stat_after(2, 11, 8) == 0);
	/* A PU that nobody is on. */
	CHECK(stat_after(2, 11, 50) == 0);
	CHECK(stat_after(16, 11, 70) == DISTURB_STOLEN);
	/* Threads that are not pinned are on any. */
	slots[0].pu = -1;
	CHECK(stat_after(1, 11, 90) == DISTURB_STOLEN);
	stop();
}

/* Of one PU, as many ticks fell into a repetition that began so long ago. */
static unsigned int stolen_in(unsigned long ticks, uint64_t ns)
{
	unsigned int found;

	write_stat(8, 8);
	start();
	slots[0].pu = 1;
	disturb_begin(d, slots, 1);
	write_stat(8 + ticks, 8);
	ahead_ns += ns;
	found = disturb_end(d);
	stop();
	return found;
}

static void test_stolen_share(void)
{
	CHECK(stolen_in(2, 900 * MS) == DISTURB_STOLEN);
	CHECK(stolen_in(2, 1100 * MS) == 0);
	CHECK(stolen_in(3, 1100 * MS) == DISTURB_STOLEN);
	CHECK(stolen_in(30, 30000 * MS) == 0);
	CHECK(stolen_in(40, 30000 * MS) == DISTURB_STOLEN);
}

/* Repetitions too short to tell add up, but not for ever. */
static void test_stolen_stretch(void)
{
	unsigned int found = 0;

	write_stat(8, 8);
	start();
	slots[0].pu = 1;
	for (unsigned long i = 1; i <= 5; i++) {
		CHECK(!found);
		ahead_ns += 100 * MS;
		found = stat_after(1, 8 + i / 3, 8);
	}
	ahead_ns += 100 * MS;
	CHECK(stat_after(1, 11, 8) == DISTURB_STOLEN);
	/* In three seconds all that has aged. */
	for (unsigned long i = 0; i < 30; i++) {
		ahead_ns += 100 * MS;
		CHECK(stat_after(1, 11, 8) == 0);
	}
	CHECK(stat_after(1, 13, 8) == 0);
	/* What was stolen while nobody was looking is not of this repetition. */
	write_stat(500, 8);
	ahead_ns += 30000 * MS;
	CHECK(stat_after(1, 501, 8) == 0);
	CHECK(stat_after(1, 503, 8) == DISTURB_STOLEN);
	stop();
}

/* A machine on which /proc/stat takes long is not made to read it all the time. */
static void test_stolen_costly(void)
{
	write_stat(8, 8);
	start();
	slots[0].pu = 1;
	step_ns = MS;
	ahead_ns += 200 * MS;
	CHECK(stat_after(1, 8, 8) == 0);
	ahead_ns += 10 * MS;
	CHECK(stat_after(1, 48, 8) == 0);
	ahead_ns += 5000 * MS;
	CHECK(stat_after(1, 48, 8) == DISTURB_STOLEN);
	stop();
}

/* ---- frequency and heat ---- */

static unsigned int khz_after(int pu, const char *name, unsigned int threads, unsigned long khz)
{
	disturb_begin(d, slots, threads);
	fake_number(pu, name, khz);
	return disturb_end(d);
}

static void test_frequency(void)
{
	static const char cur[] = "cpufreq/scaling_cur_freq";
	static const char average[] = "cpufreq/cpuinfo_avg_freq";

	fake_number(0, cur, 2000000);
	fake_number(14, cur, 2000000);
	fake_number(2, cur, 2000000);
	fake_number(2, average, 2000000);
	start();
	CHECK(khz_after(0, cur, 1, 2000000) == 0);
	CHECK(khz_after(0, cur, 1, 2039000) == 0);
	CHECK(khz_after(0, cur, 1, 2100000) == DISTURB_FREQUENCY);
	CHECK(khz_after(0, cur, 1, 2000000) == DISTURB_FREQUENCY);
	/* Where there is nobody. */
	CHECK(khz_after(14, cur, 1, 1000000) == 0);
	/* Eight of sixteen, from the first on. */
	CHECK(khz_after(14, cur, 16, 2000000) == DISTURB_FREQUENCY);
	/* The average is believed rather than the other. */
	CHECK(khz_after(2, cur, 3, 1000000) == 0);
	CHECK(khz_after(2, average, 3, 1000000) == DISTURB_FREQUENCY);
	/* Not to be told any more, which is not a change. */
	CHECK(khz_after(0, cur, 1, 0) == 0);
	slots[0].pu = -1;
	CHECK(khz_after(0, cur, 1, 1000000) == 0);
	stop();
}

/* Some kernels wait while they are asked: not in every repetition. */
static void test_slow_frequency(void)
{
	static const char cur[] = "cpufreq/scaling_cur_freq";

	fake_number(0, cur, 2000000);
	start();
	step_ns = 2 * MS;
	CHECK(khz_after(0, cur, 1, 1000000) == DISTURB_FREQUENCY);
	CHECK(khz_after(0, cur, 1, 2000000) == DISTURB_FREQUENCY);
	CHECK(khz_after(0, cur, 1, 1000000) == DISTURB_FREQUENCY);
	CHECK(khz_after(0, cur, 1, 2000000) == 0);
	stop();
}

static void test_throttled(void)
{
	fake_number(0, "thermal_throttle/core_throttle_count", 5);
	fake_number(1, "thermal_throttle/package_throttle_count", 7);
	start();
	CHECK(khz_after(0, "thermal_throttle/core_throttle_count", 2, 5) == 0);
	CHECK(khz_after(0, "thermal_throttle/core_throttle_count", 2, 6) == DISTURB_THROTTLED);
	CHECK(khz_after(1, "thermal_throttle/package_throttle_count", 2, 8) == DISTURB_THROTTLED);
	CHECK(khz_after(1, "thermal_throttle/package_throttle_count", 1, 9) == 0);
	stop();
}

/* ---- the clock ---- */

static void step(int64_t ns)
{
	__atomic_add_fetch(&apart_ns, ns, __ATOMIC_SEQ_CST);
}

static unsigned int clock_after(int64_t ns)
{
	disturb_begin(d, slots, 1);
	step(ns);
	return disturb_end(d);
}

static void test_clock(void)
{
	start();
	CHECK(clock_after(0) == 0);
	CHECK(clock_after(1000 * (int64_t)MS) == DISTURB_CLOCK);
	CHECK(clock_after(-1000 * (int64_t)MS) == DISTURB_CLOCK);
	CHECK(clock_after(0) == 0);
	stop();
}

/* ---- nothing to see ---- */

static void test_no_files(void)
{
	struct disturb_alone alone;

	start();
	disturb_begin(d, slots, 16);
	CHECK(disturb_end(d) == 0);
	stop();
	d = NULL;
	disturb_begin(d, slots, 16);
	CHECK(disturb_end(d) == 0);
	disturb_alone_begin(d, &alone, slots);
	CHECK(disturb_alone_end(&alone) == 0);
}

static void test_garbage(void)
{
	fake_file("/proc/stat", "cpu\ncpu0\ncpu1 x\ncpu999 1 2 3 4 5 6 7 8\ncpux 1\ncpu2 1 2");
	fake_file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "<unknown>\n");
	start();
	disturb_begin(d, slots, 16);
	CHECK(disturb_end(d) == 0);
	stop();
}

/* ---- the threads themselves, on the real machine but for what a file tells ---- */

static void spin_ms(unsigned int ms)
{
	uint64_t until = now_ns() + ms * MS;

	while (now_ns() < until)
		;
}

static bool over;

static void *spin_on_first_place(void *arg)
{
	pin_bind_self(topo, &places[0]);
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
		;
	return arg;
}

static unsigned int alone_for(struct disturb *with, unsigned int ms)
{
	struct disturb_alone alone;

	disturb_alone_begin(with, &alone, &places[0]);
	spin_ms(ms);
	return disturb_alone_end(&alone);
}

/* Who waited, but went to sleep by itself before, has lost nothing. */
static void test_not_preempted(void)
{
	unsigned int found = DISTURB_PREEMPTED;
	struct disturb_thread thread;

	start();
	for (int i = 0; i < TRIES && found; i++) {
		fake_file("/proc/thread-self/schedstat", "1000000 12345 7\n");
		disturb_thread_open(d, &thread);
		disturb_thread_begin(&thread);
		sleep_ms(1);
		fake_file("/proc/thread-self/schedstat", "1000000 99999999 7\n");
		found = disturb_thread_end(&thread, MS);
		disturb_thread_close(&thread);
	}
	CHECK(!found);
	stop();
}

/* Two on one PU: whatever else the machine does, each has to wait. */
static void test_preempted(void)
{
	unsigned int found = DISTURB_PREEMPTED;
	struct disturb *real;
	pthread_t other;

	over = false;
	take_places("compact", 1);
	CHECK(!disturb_open(&real, topo, ""));
	CHECK(!pin_bind_self(topo, &places[0]));
	CHECK(!pthread_create(&other, NULL, spin_on_first_place, NULL));
	CHECK(alone_for(real, 200) & DISTURB_PREEMPTED);
	/* By the same thread, but nobody told how long it waited. */
	start();
	CHECK(alone_for(d, 200) & DISTURB_PREEMPTED);
	fake_file("/proc/thread-self/schedstat", "0 0 0\n");
	CHECK(alone_for(d, 200) & DISTURB_PREEMPTED);
	/* It was told, and was not long. */
	fake_file("/proc/thread-self/schedstat", "1000000 12345 7\n");
	CHECK(!(alone_for(d, 200) & DISTURB_PREEMPTED));
	stop();
	test_not_preempted();
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	pthread_join(other, NULL);
	/* With the PU to itself, mostly. */
	for (int i = 0; i < TRIES && found; i++)
		found = alone_for(real, 1) & DISTURB_PREEMPTED;
	CHECK(!found);
	disturb_close(real);
	pin_unbind_self(topo);
}

/* A file's page that is not in memory, where this machine lets us have one. */
static void test_faulted(void)
{
	char path[64], page[4096] = {1};
	struct rusage before, after;
	unsigned int found;
	char *map;
	int fd;

	start();
	snprintf(path, sizeof(path), "%s/page", fake_root);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0 && write(fd, page, sizeof(page)) == sizeof(page) && !fsync(fd));
	CHECK(!posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	map = mmap(NULL, sizeof(page), PROT_READ, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	disturb_begin(d, slots, 1);
	getrusage(RUSAGE_SELF, &before);
	CHECK(*(volatile char *)map == 1);
	getrusage(RUSAGE_SELF, &after);
	found = disturb_end(d);
	if (after.ru_majflt > before.ru_majflt)
		CHECK(found == DISTURB_FAULTED);
	else
		fprintf(stderr, "no page of a file in /tmp can be put out of memory\n");
	munmap(map, sizeof(page));
	close(fd);
	stop();
}

/* ---- teams and herds ---- */

static void heat_up(void)
{
	fake_number(places[0].pu, "thermal_throttle/core_throttle_count", (unsigned long)now_ns());
}

static void heating_run(struct op_thread *t, uint64_t n)
{
	(void)n;
	if (t->index == 0)
		heat_up();
	spin_ms(1);
}

static void spinning_run(struct op_thread *t, uint64_t n)
{
	(void)t;
	(void)n;
	spin_ms(1);
}

static void test_team(void)
{
	struct bench_op op = {.batch = 1, .run = heating_run};
	struct op_run run = {.op = &op, .threads = 2, .topo = topo, .slots = places};
	struct team_result result;

	take_places("compact", 2);
	start();
	run.disturb = d;
	heat_up();
	CHECK(!team_measure(&run, 20 * MS, &result));
	CHECK(result.disturbed & DISTURB_THROTTLED);
	stop();

	/* Two of a team on one PU, in a window of many turns. */
	places[1] = places[0];
	op.run = spinning_run;
	CHECK(!disturb_open(&run.disturb, topo, ""));
	CHECK(!team_measure(&run, 200 * MS, &result));
	CHECK(!tasks_are_ours() || result.disturbed & DISTURB_PREEMPTED);
	disturb_close(run.disturb);
	run.disturb = NULL;
	CHECK(!team_measure(&run, 200 * MS, &result));
	CHECK(result.disturbed == 0);
}

/* On the first's clock it ends before it began. */
static void stepping_run(struct op_thread *t, uint64_t n)
{
	(void)n;
	sleep_ms(1);
	if (t->index == 0)
		step(-50 * (int64_t)MS);
}

static void test_team_clock(void)
{
	struct bench_op op = {.batch = 1, .run = stepping_run};
	struct op_run run = {.op = &op, .threads = 2, .topo = topo, .slots = places};
	struct team_result result;

	/* Seen by a thread, with nobody to watch. */
	take_places("compact", 2);
	CHECK(team_measure(&run, 20 * MS, &result) == -ERANGE);
	CHECK_TEXT(run.why ? run.why : "", clock_stepped);
}

static uint32_t round_now;
static int64_t step_at_wake, step_at_sleep;
static unsigned int linger_ms;

static void herd_sleep(void *shared, unsigned int i, uint32_t round)
{
	(void)shared;
	(void)i;
	while (__atomic_load_n(&round_now, __ATOMIC_SEQ_CST) != round)
		sleep_ms(1);
	step(step_at_sleep);
	sleep_ms(linger_ms);
}

static void herd_wake(void *shared, unsigned int sleepers, uint32_t round)
{
	(void)shared;
	(void)sleepers;
	heat_up();
	step(step_at_wake);
	__atomic_store_n(&round_now, round, __ATOMIC_SEQ_CST);
}

static const struct herd_ops herd = {.sleep = herd_sleep, .wake = herd_wake};

static void test_herd(void)
{
	struct bench_op op = {.herd = &herd};
	struct op_run run = {.op = &op, .threads = 1, .topo = topo, .slots = places};
	struct herd_result result;

	take_places("compact", 3);
	start();
	run.disturb = d;
	heat_up();
	CHECK(!herd_measure(&run, 2, 0, &result));
	CHECK(result.disturbed & DISTURB_THROTTLED);
	CHECK(!(result.disturbed & DISTURB_PREEMPTED));
	stop();
}

static void test_herd_clock(int64_t at_wake, int64_t at_sleep)
{
	struct bench_op op = {.herd = &herd};
	struct op_run run = {.op = &op, .threads = 1, .topo = topo, .slots = places};
	struct herd_result result;

	step_at_wake = at_wake;
	step_at_sleep = at_sleep;
	CHECK(herd_measure(&run, 2, 0, &result) == -ERANGE);
	CHECK_TEXT(run.why ? run.why : "", clock_stepped);
	step_at_wake = step_at_sleep = 0;
}

int main(void)
{
	const struct pin_source source = {.synthetic = "core:16 pu:1"};

	fake_make();
	load_topology();
	CHECK(!pin_topology_load(&sixteen, &source, NULL, 0));
	test_stolen();
	test_stolen_share();
	test_stolen_stretch();
	test_stolen_costly();
	test_frequency();
	test_slow_frequency();
	test_throttled();
	test_clock();
	test_no_files();
	test_garbage();
	if (tasks_are_ours())
		test_preempted();
	test_faulted();
	test_team();
	test_herd();
	test_team_clock();
	test_herd_clock(-1000 * (int64_t)MS, 0);
	test_herd_clock(0, -1000 * (int64_t)MS);
	/* Seen by the waker alone. */
	linger_ms = 50;
	test_herd_clock(-20 * (int64_t)MS, 0);
	fake_remove();
	pin_topology_free(sixteen);
	pin_topology_free(topo);
	return check_result();
}
