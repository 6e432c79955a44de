/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who stays in one place for too long, and where. */
#include "torture.h"

#include <string.h>
#include <time.h>

#define LOOKS_PER_SECOND 20

struct look {
	unsigned long beats;
	double since;
};

static struct torture_thread *watched;
static unsigned int n_watched;
static double allowed;
static struct look looks[512];
static pthread_t watchdog;
static bool done;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Its state in /proc: S sleeps, R runs. */
static char state_of(int tid)
{
	char path[64], stat[256] = "", *name_end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "r");
	if (!file)
		return '?';
	if (!fgets(stat, sizeof(stat), file))
		stat[0] = 0;
	fclose(file);
	name_end = strrchr(stat, ')');
	return name_end ? name_end[2] : '?';
}

static const char *doing(int tid)
{
	switch (state_of(tid)) {
	case 'S':
	case 'D':
		return "sleeping";
	case 'R':
		return "running";
	default:
		return "stopped";
	}
}

/* Waiting for the others is not what is wrong. */
static bool excused(const char *place)
{
	return !place || !strcmp(place, "a meeting");
}

static void tell_all(double time)
{
	for (unsigned int i = 0; i < n_watched; i++) {
		const char *place = READ_ONCE(watched[i].place);

		if (place)
			fprintf(stderr, "  %s %u: %s for %.1f s in %s\n", watched[i].role->name,
				watched[i].index, doing(get(watched[i].tid)), time - looks[i].since,
				place);
	}
}

/* The one that has been in its place for longest, of those who are not just waiting for others. */
static int longest(double time)
{
	int worst = -1;

	for (unsigned int i = 0; i < n_watched; i++) {
		unsigned long beats = READ_ONCE(watched[i].beats);

		if (beats != looks[i].beats || !READ_ONCE(watched[i].place)) {
			looks[i] = (struct look){beats, time};
			continue;
		}
		if (!excused(READ_ONCE(watched[i].place)) &&
		    (worst < 0 || looks[i].since < looks[worst].since))
			worst = (int)i;
	}
	return worst;
}

static void look(double time)
{
	int worst = longest(time);
	const char *how;

	if (worst < 0 || time - looks[worst].since < allowed)
		return;
	how = doing(get(watched[worst].tid));
	tell_all(time);
	torture_fail(strcmp(how, "sleeping") ? "every-step-ends" : "no-sleeper-for-ever",
		     "%s %u: %s for %.1f s in %s", watched[worst].role->name, watched[worst].index,
		     how, time - looks[worst].since, READ_ONCE(watched[worst].place));
}

static void *watch(void *arg)
{
	struct timespec moment = {0, 1000000000 / LOOKS_PER_SECOND};
	double before = now(), time;

	(void)arg;
	while (!get(done)) {
		nanosleep(&moment, NULL);
		time = now();
		/* The machine stood still, and with it everybody: that is nobody's fault. */
		if (time - before > allowed / 2)
			for (unsigned int i = 0; i < n_watched; i++)
				looks[i].since = time;
		before = time;
		look(time);
	}
	return NULL;
}

void torture_watch(struct torture_thread *threads, unsigned int n, double stall)
{
	watched = threads;
	n_watched = n;
	allowed = stall;
	for (unsigned int i = 0; i < n; i++)
		looks[i].since = now();
	if (pthread_create(&watchdog, NULL, watch, NULL))
		torture_fail("no-crash", "the watchdog's thread cannot be made");
}

void torture_unwatch(void)
{
	set(done, true);
	pthread_join(watchdog, NULL);
}
