/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "perfctr.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sysfacts.h"

#define PARANOID "/proc/sys/kernel/perf_event_paranoid"
/* Empty parts, to know what the hooks cost: the cheapest of them is not disturbed by anything. */
#define TRIES 64

/* The first one leads: all are on the CPU together or not at all. */
static const struct {
	uint64_t event;
	bool kernel;
} events[PERFCTR_EVENTS] = {
	[USER_INSNS] = {PERF_COUNT_HW_INSTRUCTIONS, false},
	[USER_CYCLES] = {PERF_COUNT_HW_CPU_CYCLES, false},
	[KERNEL_INSNS] = {PERF_COUNT_HW_INSTRUCTIONS, true},
	[KERNEL_CYCLES] = {PERF_COUNT_HW_CPU_CYCLES, true},
};

/* What a read of the leader gives. */
struct group {
	uint64_t nr, time_enabled, time_running;
	uint64_t value[PERFCTR_EVENTS];
};

static int fds[PERFCTR_EVENTS] = {-1, -1, -1, -1};
static unsigned int opened; /* the user's, or all */
static uint64_t parts;
static uint64_t enabled, running;      /* at the last read: these are never reset */
static double of_part[PERFCTR_EVENTS]; /* one that is empty */

static int open_event(enum perfctr_event which)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = events[which].event,
		.disabled = which == 0,
		.exclude_user = events[which].kernel,
		.exclude_kernel = !events[which].kernel,
		.exclude_hv = 1,
		.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED |
			       PERF_FORMAT_TOTAL_TIME_RUNNING,
	};
	long fd = syscall(SYS_perf_event_open, &attr, 0, -1, which ? fds[0] : -1,
			  PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return -errno;
	fds[which] = (int)fd;
	return 0;
}

static void begin(void)
{
	parts++;
	ioctl(fds[0], PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP);
}

static void end(void)
{
	ioctl(fds[0], PERF_EVENT_IOC_DISABLE, PERF_IOC_FLAG_GROUP);
}

const struct part_hooks perfctr_hooks = {begin, end};

/* False: not all the time that was asked for was counted. */
static bool read_group(struct group *group)
{
	size_t size = offsetof(struct group, value) + opened * sizeof(group->value[0]);
	bool whole;

	if (read(fds[0], group, sizeof(*group)) != (ssize_t)size || group->nr != opened)
		return false;
	ioctl(fds[0], PERF_EVENT_IOC_RESET, PERF_IOC_FLAG_GROUP);
	whole = group->time_enabled - enabled == group->time_running - running;
	enabled = group->time_enabled;
	running = group->time_running;
	return whole;
}

/* What is on the counters since the last time, with what the hooks cost. */
static void take_raw(struct perfctr_counts *counts)
{
	struct group group;

	counts->multiplexed = !read_group(&group);
	for (unsigned int i = 0; i < PERFCTR_EVENTS; i++)
		counts->count[i] =
			i < opened && !counts->multiplexed ? (double)group.value[i] : NAN;
}

void perfctr_take(struct perfctr_counts *counts)
{
	take_raw(counts);
	for (unsigned int i = 0; i < opened; i++)
		counts->count[i] -= (double)parts * of_part[i];
	parts = 0;
}

/* Whether the CPU has room for all of the group, if it was but once. */
static bool weigh_hooks(void)
{
	struct perfctr_counts empty;
	bool ever = false;

	for (int try = 0; try < TRIES; try++) {
		begin();
		end();
		take_raw(&empty);
		for (unsigned int i = 0; i < opened && !empty.multiplexed; i++)
			if (!ever || empty.count[i] < of_part[i])
				of_part[i] = empty.count[i];
		ever |= !empty.multiplexed;
	}
	parts = 0;
	return ever;
}

/* Leaves the first COUNT of them. */
static void close_from(unsigned int count)
{
	for (unsigned int i = count; i < PERFCTR_EVENTS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
	opened = count;
}

/* All, or the user's alone, which are what is compared; half of a mode is nothing. */
static int open_events(void)
{
	int ret = 0;

	while (opened < PERFCTR_EVENTS && !ret) {
		ret = open_event((enum perfctr_event)opened);
		opened += !ret;
	}
	if (opened < PERFCTR_EVENTS)
		close_from(opened < KERNEL_INSNS ? 0 : KERNEL_INSNS);
	return opened ? 0 : ret;
}

static void describe(int ret, char *state, size_t len)
{
	char paranoid[32];

	if (!fact_file(PARANOID, paranoid, sizeof(paranoid)))
		snprintf(paranoid, sizeof(paranoid), "unknown");
	if (opened == PERFCTR_EVENTS)
		snprintf(state, len, "user and kernel mode");
	else if (opened)
		snprintf(state, len,
			 "user mode only: perf_event_paranoid is %s, and kernel mode wants "
			 "sysctl kernel.perf_event_paranoid=1 and four counters that are free",
			 paranoid);
	else if (ret == -EACCES || ret == -EPERM)
		snprintf(state, len,
			 "denied: perf_event_paranoid is %s; sysctl kernel.perf_event_paranoid=2 "
			 "allows user mode, unless a container denies it all",
			 paranoid);
	else
		snprintf(state, len,
			 "absent (%s; perf_event_paranoid is %s); a virtual machine has them if "
			 "its host passes them on",
			 ret == -ENOENT ? "no such events" : strerror(-ret), paranoid);
}

int perfctr_open(char *state, size_t len)
{
	int ret = open_events();

	if (!ret && !weigh_hooks() && opened == PERFCTR_EVENTS) {
		close_from(KERNEL_INSNS);
		weigh_hooks();
	}
	describe(ret, state, len);
	return ret;
}

bool perfctr_is_open(void)
{
	return opened;
}

void perfctr_close(void)
{
	close_from(0);
}
