/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters that do what they are told: what is made of them, and of their absence. */
#include "case.h"
#include "check.h"
#include "gbench_c.h"
#include "perfctr.h"
#include "places.h"
#include "rows.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST_FD 1000
#define EVENTS	 4

/* A kernel with counters of its own. */
static struct {
	int denied[EVENTS]; /* the errno for the Nth event; 0: it may be had */
	unsigned int open, most_open;
	unsigned int room; /* events that fit on the CPU at once */
	bool shared;	   /* half the time another's */
	bool enabled;
	uint64_t value[EVENTS], enabled_ns, running_ns;
	uint64_t per_part[EVENTS]; /* what switching on and off costs in itself */
	struct perf_event_attr attr[EVENTS];
} kernel;

/* What an operation executes. */
static const uint64_t per_op[EVENTS] = {7, 3, 2, 5};

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	va_list args;
	long a[6];

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (number != SYS_perf_event_open)
		return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (kernel.open >= EVENTS || kernel.denied[kernel.open]) {
		errno = kernel.open < EVENTS ? kernel.denied[kernel.open] : EMFILE;
		return -1;
	}
	CHECK((int)a[3] == (kernel.open ? FIRST_FD : -1));
	kernel.attr[kernel.open] = *(const struct perf_event_attr *)a[0];
	kernel.most_open = kernel.open + 1;
	/* A file of its own for each, so that close() is the real one. */
	return dup2(STDIN_FILENO, FIRST_FD + (int)kernel.open++);
}

static bool fd_is_open(int fd)
{
	return __real_syscall(SYS_fcntl, fd, F_GETFD, 0, 0, 0, 0) >= 0;
}

static unsigned int members(void)
{
	unsigned int n = 0;

	while (n < EVENTS && fd_is_open(FIRST_FD + (int)n))
		n++;
	return n;
}

static void pass(uint64_t ns, const uint64_t *counts, uint64_t times)
{
	kernel.enabled_ns += ns;
	if (members() > kernel.room)
		return;
	kernel.running_ns += kernel.shared ? ns / 2 : ns;
	for (int i = 0; i < EVENTS; i++)
		kernel.value[i] += counts[i] * times;
}

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	CHECK(fd == FIRST_FD);
	switch (request) {
	case PERF_EVENT_IOC_ENABLE:
		CHECK(!kernel.enabled);
		kernel.enabled = true;
		break;
	case PERF_EVENT_IOC_DISABLE:
		CHECK(kernel.enabled);
		kernel.enabled = false;
		pass(100, kernel.per_part, 1);
		break;
	case PERF_EVENT_IOC_RESET:
		memset(kernel.value, 0, sizeof(kernel.value));
		break;
	default:
		CHECK(false);
	}
	return 0;
}

ssize_t __real_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size)
{
	uint64_t *at = to;
	unsigned int n = members();

	if (fd != FIRST_FD)
		return __real_read(fd, to, size);
	*at++ = n;
	*at++ = kernel.enabled_ns;
	*at++ = kernel.running_ns;
	memcpy(at, kernel.value, n * sizeof(*at));
	return (ssize_t)((3 + n) * sizeof(*at));
}

static char state[256];

static int open_them(void)
{
	int ret = perfctr_open(state, sizeof(state));

	if (!ret)
		CHECK(perfctr_is_open() && !kernel.enabled);
	return ret;
}

static void reset(void)
{
	perfctr_close();
	memset(&kernel, 0, sizeof(kernel));
	kernel.room = EVENTS;
	memcpy(kernel.per_part, (uint64_t[]){11, 13, 17, 19}, sizeof(kernel.per_part));
}

static struct perfctr_counts counted(uint64_t ops)
{
	struct perfctr_counts counts;

	perfctr_hooks.begin();
	pass(1000, per_op, ops);
	perfctr_hooks.end();
	perfctr_take(&counts);
	return counts;
}

/* ---- the counters ---- */

static void test_all(void)
{
	struct perfctr_counts counts;

	reset();
	CHECK(!open_them());
	CHECK_TEXT(state, "user and kernel mode");
	for (int i = 0; i < EVENTS; i++) {
		const struct perf_event_attr *attr = &kernel.attr[i];

		CHECK(attr->exclude_user == (i >= KERNEL_INSNS));
		CHECK(attr->exclude_kernel == (i < KERNEL_INSNS));
		CHECK(attr->config ==
		      (i % 2 ? PERF_COUNT_HW_CPU_CYCLES : PERF_COUNT_HW_INSTRUCTIONS));
		CHECK(attr->disabled == !i);
	}
	for (int again = 0; again < 2; again++) {
		counts = counted(100);
		CHECK(!counts.multiplexed);
		for (int i = 0; i < EVENTS; i++)
			CHECK(counts.count[i] == 100.0 * (double)per_op[i]);
	}
	perfctr_close();
	CHECK(!perfctr_is_open() && !members());
}

static void test_user_only(void)
{
	struct perfctr_counts counts;

	for (int denied = KERNEL_INSNS; denied < EVENTS; denied++) {
		reset();
		kernel.denied[denied] = EACCES;
		CHECK(!open_them());
		CHECK(members() == 2);
		CHECK_HAS(state, "user mode only: perf_event_paranoid is ");
		CHECK_HAS(state, "kernel.perf_event_paranoid=1");
		counts = counted(10);
		CHECK(counts.count[USER_INSNS] == 70 && counts.count[USER_CYCLES] == 30);
		CHECK(isnan(counts.count[KERNEL_INSNS]) && isnan(counts.count[KERNEL_CYCLES]));
	}
}

/* A CPU with fewer counters than that never counts the four of them. */
static void test_no_room_for_four(void)
{
	reset();
	kernel.room = 2;
	CHECK(!open_them());
	CHECK(kernel.most_open == 4 && members() == 2);
	CHECK_HAS(state, "user mode only");
	CHECK(counted(10).count[USER_INSNS] == 70);
}

static void test_none(void)
{
	const struct {
		int error;
		const char *told, *way_out;
	} cases[] = {
		{EACCES, "denied: perf_event_paranoid is ", "sysctl kernel.perf_event_paranoid=2"},
		{EPERM, "denied: perf_event_paranoid is ", "unless a container denies it"},
		{ENOENT, "absent (no such events; perf_event_paranoid is ", "virtual machine"},
		{ENOSYS, "absent (", "virtual machine"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int which = 0; which < KERNEL_INSNS; which++) {
			reset();
			kernel.denied[which] = cases[i].error;
			CHECK(open_them() == -cases[i].error);
			CHECK(!perfctr_is_open() && !members());
			CHECK_HAS(state, cases[i].told);
			CHECK_HAS(state, cases[i].way_out);
		}
}

static void test_multiplexed(void)
{
	struct perfctr_counts counts;

	reset();
	CHECK(!open_them());
	kernel.shared = true;
	counts = counted(10);
	CHECK(counts.multiplexed);
	for (int i = 0; i < EVENTS; i++)
		CHECK(isnan(counts.count[i]));
	kernel.shared = false; /* what was lost before is not held against this one */
	counts = counted(10);
	CHECK(!counts.multiplexed && counts.count[USER_INSNS] == 70);
}

/* ---- the rows ---- */

static void run(struct op_thread *t, uint64_t n)
{
	(void)t;
	if (kernel.enabled)
		pass(1000, per_op, n);
}

/* In passes of 256, the other half of which is not counted. */
static uint64_t timed(struct op_thread *t, uint64_t n)
{
	uint64_t ns = 0;

	for (uint64_t done = 0; done < n; done += 256) {
		uint64_t began = part_begin();

		run(t, 256);
		ns += part_end(began) + 256;
		run(t, 256);
	}
	return ns;
}

static const struct bench_op whole = {
	.family = "seq", .op = "whole", .subject = "port", .variant = "v", .run = run};
static const struct bench_op parts = {
	.family = "seq", .op = "parts", .subject = "port", .variant = "v", .timed = timed};

/* The row of one repetition. */
static const char *row_of(const struct bench_op *op)
{
	static char program[] = "perfctr_test", min_time[] = "--benchmark_min_time=0.0001";
	static char text[1024];
	char path[] = "/tmp/mnbench-perfctr-XXXXXX";
	char *argument[] = {program, min_time, NULL}, why[256];
	struct options options = {.quick = true, .repetitions = 1, .max_repetitions = 1};
	struct case_context context = {.options = &options,
				       .topo = topo,
				       .execution = "native",
				       .run_id = "id",
				       .host = "box"};
	const struct op_table table = {op, 1}, *const tables[] = {&table};
	int arguments = 2, fd = mkstemp(path);
	FILE *file;

	CHECK(fd >= 0);
	CHECK(!gb_initialize(&arguments, argument));
	CHECK(!rows_open(&context.rows, path, why, sizeof(why)));
	CHECK(!cases_make(&context, tables, 1) && !cases_select(&context));
	CHECK(!cases_prepare(&context) && !cases_run(&context));
	CHECK(!rows_close(context.rows, why, sizeof(why)));
	gb_shutdown();
	cases_free(&context);
	file = fopen(path, "r");
	for (int line = 0; line < 2; line++)
		CHECK(file && fgets(text, sizeof(text), file));
	if (file)
		fclose(file);
	close(fd);
	unlink(path);
	return text;
}

/* From insns_per_op on: that, overlap, fairness, flags, error. */
static const char *end_of(const char *row)
{
	for (int comma = 0; comma < 23 && row; comma++)
		row = strchr(row, ',') ? strchr(row, ',') + 1 : NULL;
	return row ? row : "";
}

static void test_rows(void)
{
	reset();
	CHECK_TEXT(end_of(row_of(&whole)), ",,,,\n");
	CHECK(!open_them());
	CHECK_TEXT(end_of(row_of(&whole)), "7,,,,\n");
	CHECK_TEXT(end_of(row_of(&parts)), "7,,,,\n");
	CHECK(!part_hooks && !kernel.enabled);
	kernel.shared = true;
	CHECK_TEXT(end_of(row_of(&whole)), ",,,multiplexed,\n");
	CHECK_TEXT(end_of(row_of(&parts)), ",,,multiplexed,\n");
	perfctr_close();
}

int main(void)
{
	load_topology();
	test_all();
	test_user_only();
	test_no_room_for_four();
	test_none();
	test_multiplexed();
	test_rows();
	pin_topology_free(topo);
	return check_result();
}
