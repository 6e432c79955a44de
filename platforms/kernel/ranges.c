/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE 1
#include "ranges.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define RANGES	    64u
#define LENGTH	    0x10000ul /* of each; as long a gap follows */
#define STRIDE	    (2 * LENGTH)
#define REPETITIONS 5

static const unsigned int notifiers[] = {0, 1, 8};
static const char *const intervals[] = {"none", "hit", "miss"};

/* What the device is to hold; an interval is half a stride long. */
static int hold(int device, char *ranges, unsigned int listed, const char *which)
{
	int hits = !strcmp(which, "hit"), none = !strcmp(which, "none");
	char text[96];
	int len = snprintf(text, sizeof(text), "%u %u %lx %lx", listed, none ? 0 : RANGES,
			   (unsigned long)ranges + (hits ? 0 : LENGTH), STRIDE);

	return write(device, text, (size_t)len) == len ? 0 : -errno;
}

static int map_all(char *ranges)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE;

	for (unsigned int i = 0; i < RANGES; i++) {
		char *range = ranges + i * STRIDE;

		range = mmap(range, LENGTH, PROT_READ | PROT_WRITE, flags, -1, 0);
		if (range == MAP_FAILED)
			return -errno;
	}
	return 0;
}

static int protect_all(char *ranges, int protection)
{
	int ret = 0;

	for (unsigned int i = 0; i < RANGES; i++)
		ret |= mprotect(ranges + i * STRIDE, LENGTH, protection);
	return ret ? -errno : 0;
}

static int unmap_all(char *ranges)
{
	int ret = 0;

	for (unsigned int i = 0; i < RANGES; i++)
		ret |= munmap(ranges + i * STRIDE, LENGTH);
	return ret ? -errno : 0;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct times {
	uint64_t protect, unmap;
};

/* The first repetition warms up: its page tables are new. */
static int measure(char *ranges, struct times times[REPETITIONS])
{
	int ret = 0;

	for (int rep = -1; rep < REPETITIONS && !ret; rep++) {
		struct times *t = &times[rep < 0 ? 0 : rep];
		uint64_t begin;

		ret = map_all(ranges);
		begin = now();
		ret = ret ? ret : protect_all(ranges, PROT_READ);
		t->protect = now() - begin;
		begin = now();
		ret = ret ? ret : unmap_all(ranges);
		t->unmap = now() - begin;
	}
	return ret;
}

static void print_row(const char *op, unsigned int listed, const char *which,
		      const struct times times[REPETITIONS], size_t offset)
{
	printf("row,mm,%s,,1,intervals:%s;notifiers:%u,,%u,1,", op, which, listed, RANGES);
	for (int i = 0; i < REPETITIONS; i++) {
		uint64_t ns;

		memcpy(&ns, (const char *)&times[i] + offset, sizeof(ns));
		printf("%s%llu", i ? " " : "", (unsigned long long)ns);
	}
	printf(",\n");
}

static int run_one(int device, char *ranges, unsigned int listed, const char *which)
{
	struct times times[REPETITIONS];
	int ret = hold(device, ranges, listed, which);

	ret = ret ? ret : measure(ranges, times);
	if (ret)
		return ret;
	print_row("mprotect", listed, which, times, offsetof(struct times, protect));
	print_row("munmap", listed, which, times, offsetof(struct times, unmap));
	return 0;
}

int ranges_run(const char *path, const char **what)
{
	int device = open(path, O_WRONLY | O_CLOEXEC), ret = 0;
	unsigned int rows = 0;
	char *ranges;

	*what = path;
	if (device < 0)
		return -errno;
	ranges = mmap(NULL, RANGES * STRIDE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ranges == MAP_FAILED) {
		ret = -errno;
		close(device);
		return ret;
	}
	munmap(ranges, RANGES * STRIDE);
	for (size_t i = 0; i < sizeof(notifiers) / sizeof(*notifiers) && !ret; i++)
		for (size_t j = 0; j < sizeof(intervals) / sizeof(*intervals) && !ret; j++) {
			ret = run_one(device, ranges, notifiers[i], intervals[j]);
			rows += 2;
		}
	close(device);
	if (!ret)
		printf("end,%u\n", rows);
	return ret;
}
