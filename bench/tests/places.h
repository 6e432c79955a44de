/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This machine, places on it for an operation's threads, and what threads there are. */
#ifndef MNBENCH_TESTS_PLACES_H
#define MNBENCH_TESTS_PLACES_H

#include "machine.h"
#include "pin.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PLACES 64

static struct pin_topology *topo;
static struct pin_slot places[PLACES];

static inline void load_topology(void)
{
	char why[256];

	if (pin_topology_load(&topo, NULL, why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		exit(1);
	}
}

/* The first COUNT places by POLICY. */
static inline void take_places(const char *policy, unsigned int count)
{
	char why[256];

	if (pin_plan(topo, policy, count, places, NULL, why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		exit(1);
	}
}

static inline void sleep_ms(unsigned int ms)
{
	struct timespec nap = {ms / 1000, ms % 1000 * 1000000l};

	nanosleep(&nap, NULL);
}

static inline void *end_at_once(void *arg)
{
	return arg;
}

/* A sanitizer starts a thread of its own with the first one: it must not be counted as ours. */
static inline void start_first_thread(void)
{
	pthread_t id;

	if (!pthread_create(&id, NULL, end_at_once, NULL))
		pthread_join(id, NULL);
}

static inline unsigned int count_tasks(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned int count = 0;

	while (tasks && readdir(tasks))
		count++;
	if (tasks)
		closedir(tasks);
	return count - 2; /* . and .. */
}

/* An emulator has threads of its own, which come and go: nothing to be told from their number. */
static inline bool tasks_are_ours(void)
{
	return !strcmp(machine_execution(), "native");
}

/* A thread that has been joined may still be listed for a moment. */
static inline bool tasks_fall_to(unsigned int count)
{
	for (int i = 0; i < 1000; i++) {
		if (!tasks_are_ours() || count_tasks() == count)
			return true;
		sleep_ms(1);
	}
	return false;
}

#endif
