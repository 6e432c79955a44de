/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "disturb.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "pin.h"

#define WATCHED_PUS   8	 /* of a repetition, for frequency and heat */
#define GAUGED_PUS    64 /* of a run, each with files that stay open */
#define LINE_ROOM     256
#define SHARE	      0.01 /* of the time, that may be lost */
#define FREQUENCY_OFF 0.02
#define OWN_WAKES     3 /* of a team's waiting thread, each on somebody's PU */
#define STRETCH_NS    1000000000u
#define STALE_NS      10000000u /* a look at /proc/stat before that was at another time */
#define COSTLY_NS     100000u	/* it takes longer on large machines, and is then looked at */
#define COSTLY_SHARE  100	/* only once in so many times as long */
#define SLOW_NS	      1000000u	/* for the files of all watched PUs */
#define SLOW_TIMES    5		/* running, and then never again */

/* Of a PU, each file open, or -1: none. */
struct gauges {
	int pu;
	int frequency, core_throttles, package_throttles;
};

struct reading {
	double khz[WATCHED_PUS];
	double throttles;
	long faults;
	struct clock_pair clocks;
};

/* The ticks stolen of each PU since boot, as they were once. */
struct steal {
	uint64_t time;
	uint64_t *ticks;
};

struct disturb {
	const struct pin_topology *topo;
	char *root;
	int pus; /* OS indexes are below */
	bool *used;

	int stat;
	char *text;
	size_t text_room;
	uint64_t stat_cost, stat_cost_before;
	struct steal now, last, recent, old; /* old: a stretch ago or longer, if there was one */

	struct gauges gauges[GAUGED_PUS];
	unsigned int gauged;
	const struct gauges *watched[WATCHED_PUS];
	unsigned int watching, slow;
	struct reading begin;
};

/* ---- files ---- */

static int open_under(const char *root, const char *path)
{
	char whole[512];
	int fd;

	if (snprintf(whole, sizeof(whole), "%s%s", root, path) >= (int)sizeof(whole))
		return -ENAMETOOLONG;
	fd = open(whole, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fd;
}

static void close_one(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* Its bytes, with a 0 after them; 0: none. */
static size_t read_text(int fd, char *text, size_t room)
{
	ssize_t n = fd < 0 ? -1 : pread(fd, text, room - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* 0 where there is no file or no number in it. */
static double read_number(int fd)
{
	char text[64];

	return read_text(fd, text, sizeof(text)) ? strtod(text, NULL) : 0;
}

/* ---- what is stolen ---- */

/* User, nice, system, idle, iowait, irq, softirq: then what we look for. */
static uint64_t eighth_number(char *at)
{
	uint64_t number = 0;

	for (int i = 0; i < 8; i++)
		number = strtoull(at, &at, 10);
	return number;
}

/* Into d->now. /proc/stat starts with the lines of the PUs, after one of all of them. */
static void read_steal(struct disturb *d)
{
	char *line = d->text, *next, *end;
	uint64_t cost;

	d->now.time = now_ns();
	read_text(d->stat, d->text, d->text_room);
	cost = now_ns() - d->now.time;
	/* The less of two: others may take the PU away in the middle of one. */
	d->stat_cost = cost < d->stat_cost_before ? cost : d->stat_cost_before;
	d->stat_cost_before = cost;
	for (; !strncmp(line, "cpu", 3); line = next + 1) {
		long pu = strtol(line + 3, &end, 10);

		next = strchr(line, '\n');
		if (!next)
			return;
		if (end != line + 3 && pu < d->pus)
			d->now.ticks[pu] = eighth_number(end);
	}
}

static void keep(const struct disturb *d, struct steal *to, const struct steal *from)
{
	to->time = from->time;
	memcpy(to->ticks, from->ticks, (size_t)d->pus * sizeof(*to->ticks));
}

static uint64_t ticks_since(const struct disturb *d, const struct steal *then)
{
	uint64_t ticks = 0;

	for (int pu = 0; pu < d->pus; pu++)
		if (d->used[pu] && d->now.ticks[pu] > then->ticks[pu])
			ticks += d->now.ticks[pu] - then->ticks[pu];
	return ticks;
}

static unsigned int used_pus(const struct disturb *d)
{
	unsigned int n = 0;

	for (int pu = 0; pu < d->pus; pu++)
		n += d->used[pu];
	return n;
}

/* What is surely beyond the share: a PU's last tick may be of time before the stretch. */
static bool too_much_stolen(const struct disturb *d)
{
	uint64_t ticks = ticks_since(d, &d->old);
	unsigned int pus = used_pus(d);
	double time = (double)(d->now.time - d->old.time) * pus;

	return ticks > pus &&
	       (double)(ticks - pus) * 1e9 / (double)sysconf(_SC_CLK_TCK) > SHARE * time;
}

static void age_steal(struct disturb *d)
{
	uint64_t age = d->now.time - d->recent.time;

	keep(d, &d->last, &d->now);
	if (age < STRETCH_NS)
		return;
	/* After a long time without a look the stretch starts anew. */
	keep(d, &d->old, age < 2 * STRETCH_NS ? &d->recent : &d->now);
	keep(d, &d->recent, &d->now);
}

static void begin_steal(struct disturb *d)
{
	if (d->stat_cost > COSTLY_NS || now_ns() - d->last.time < STALE_NS)
		return;
	read_steal(d);
	age_steal(d);
}

static bool was_stolen(struct disturb *d)
{
	bool stolen;

	if (d->stat_cost > COSTLY_NS && now_ns() - d->last.time < COSTLY_SHARE * d->stat_cost)
		return false;
	read_steal(d);
	stolen = ticks_since(d, &d->last) && too_much_stolen(d);
	age_steal(d);
	return stolen;
}

/* ---- frequency and heat ---- */

static int open_gauge(const struct disturb *d, int pu, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/%s", pu, name);
	return open_under(d->root, path);
}

/* NULL: there are files for so many PUs already. */
static const struct gauges *gauges_of(struct disturb *d, int pu)
{
	struct gauges *g = d->gauges;

	for (; g < d->gauges + d->gauged; g++)
		if (g->pu == pu)
			return g;
	if (d->gauged == GAUGED_PUS)
		return NULL;
	d->gauged++;
	g->pu = pu;
	/* The kernel's own average where it has one; the other may be what was asked for. */
	g->frequency = open_gauge(d, pu, "cpufreq/cpuinfo_avg_freq");
	if (g->frequency < 0)
		g->frequency = open_gauge(d, pu, "cpufreq/scaling_cur_freq");
	g->core_throttles = open_gauge(d, pu, "thermal_throttle/core_throttle_count");
	g->package_throttles = open_gauge(d, pu, "thermal_throttle/package_throttle_count");
	return g;
}

static void take_reading(struct disturb *d, struct reading *r)
{
	struct rusage usage;
	uint64_t start = now_ns();

	*r = (struct reading){0};
	for (unsigned int i = 0; i < d->watching; i++) {
		r->khz[i] = read_number(d->watched[i]->frequency);
		r->throttles += read_number(d->watched[i]->core_throttles) +
				read_number(d->watched[i]->package_throttles);
	}
	/* Some kernels wait for a while to measure a frequency. */
	d->slow = now_ns() - start > SLOW_NS ? d->slow + 1 : 0;
	getrusage(RUSAGE_SELF, &usage);
	r->faults = usage.ru_majflt;
	r->clocks = clock_pair();
}

static bool frequency_moved(const struct disturb *d, const struct reading *end)
{
	for (unsigned int i = 0; i < d->watching; i++) {
		double before = d->begin.khz[i], after = end->khz[i];

		if (before && after && fabs(after - before) > FREQUENCY_OFF * before)
			return true;
	}
	return false;
}

/* ---- a repetition ---- */

/* Where the threads are, and which of these PUs are looked at one by one. */
static void choose(struct disturb *d, const struct pin_slot *slots, unsigned int threads)
{
	unsigned int pus = pin_pu_count(d->topo),
		     looks = threads < WATCHED_PUS ? threads : WATCHED_PUS;

	memset(d->used, 0, (size_t)d->pus * sizeof(*d->used));
	for (unsigned int i = 0; i < threads; i++)
		if (slots[i].pu >= 0 && slots[i].pu < d->pus)
			d->used[slots[i].pu] = true;
	if (slots[0].pu < 0)
		for (unsigned int i = 0; i < pus; i++)
			d->used[pin_pu_at(d->topo, i)] = true;
	d->watching = 0;
	for (unsigned int i = 0; i < looks && d->slow < SLOW_TIMES; i++) {
		int pu = slots[(size_t)i * threads / looks].pu;
		const struct gauges *g = pu < 0 ? NULL : gauges_of(d, pu);

		if (g)
			d->watched[d->watching++] = g;
	}
}

void disturb_begin(struct disturb *d, const struct pin_slot *slots, unsigned int threads)
{
	if (!d)
		return;
	choose(d, slots, threads);
	begin_steal(d);
	take_reading(d, &d->begin);
}

unsigned int disturb_end(struct disturb *d)
{
	struct reading end;
	unsigned int found = 0;

	if (!d)
		return 0;
	/* First, while the PUs still run as fast as they did. */
	take_reading(d, &end);
	if (frequency_moved(d, &end))
		found |= DISTURB_FREQUENCY;
	if (end.throttles > d->begin.throttles)
		found |= DISTURB_THROTTLED;
	if (end.faults > d->begin.faults)
		found |= DISTURB_FAULTED;
	if (clock_has_stepped(&d->begin.clocks, &end.clocks))
		found |= DISTURB_CLOCK;
	if (was_stolen(d))
		found |= DISTURB_STOLEN;
	return found;
}

/* ---- a thread ---- */

/* How long it waited for a PU so far; false: the kernel does not tell. */
static bool read_waited(const struct disturb_thread *t, uint64_t *ns)
{
	unsigned long long ran, waited, turns;
	char text[128];

	if (!read_text(t->schedstat, text, sizeof(text)) ||
	    sscanf(text, "%llu %llu %llu", &ran, &waited, &turns) != 3 || !turns)
		return false;
	*ns = waited;
	return true;
}

static long switches_so_far(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

void disturb_thread_open(const struct disturb *d, struct disturb_thread *t)
{
	*t = (struct disturb_thread){.watched = d, .schedstat = -ENOENT};
	if (d)
		t->schedstat = open_under(d->root, "/proc/thread-self/schedstat");
}

void disturb_thread_begin(struct disturb_thread *t)
{
	if (!t->watched)
		return;
	read_waited(t, &t->waited_ns);
	t->switches = switches_so_far();
}

unsigned int disturb_thread_end(struct disturb_thread *t, uint64_t elapsed_ns)
{
	long switches = t->watched ? switches_so_far() - t->switches : 0;
	uint64_t waited;

	if (!switches)
		return 0;
	if (!read_waited(t, &waited))
		return switches > OWN_WAKES ? DISTURB_PREEMPTED : 0;
	return (double)(waited - t->waited_ns) > SHARE * (double)elapsed_ns ? DISTURB_PREEMPTED : 0;
}

void disturb_thread_close(struct disturb_thread *t)
{
	close_one(t->schedstat);
}

void disturb_alone_begin(struct disturb *d, struct disturb_alone *a, const struct pin_slot *slot)
{
	a->d = d;
	disturb_thread_open(d, &a->thread);
	disturb_begin(d, slot, 1);
	disturb_thread_begin(&a->thread);
	a->start = now_ns();
}

unsigned int disturb_alone_end(struct disturb_alone *a)
{
	unsigned int found = disturb_thread_end(&a->thread, now_ns() - a->start);

	disturb_thread_close(&a->thread);
	return found | disturb_end(a->d);
}

void disturb_alone_pause(struct disturb_alone *a)
{
	a->paused = a->thread;
	disturb_thread_begin(&a->paused);
	a->paused_at = now_ns();
}

/* As if the account had been opened later by what the pause has added to it. */
void disturb_alone_resume(struct disturb_alone *a)
{
	struct disturb_thread now = a->thread;

	disturb_thread_begin(&now);
	a->thread.waited_ns += now.waited_ns - a->paused.waited_ns;
	a->thread.switches += now.switches - a->paused.switches;
	a->start += now_ns() - a->paused_at;
}

/* ---- a run ---- */

static bool make_steal(const struct disturb *d, struct steal *s)
{
	s->ticks = calloc((size_t)d->pus + 1, sizeof(*s->ticks));
	return s->ticks;
}

static int make_room(struct disturb *d, const char *root)
{
	d->pus = 1;
	for (unsigned int i = 0; i < pin_pu_count(d->topo); i++)
		if (pin_pu_at(d->topo, i) >= d->pus)
			d->pus = pin_pu_at(d->topo, i) + 1;
	d->text_room = ((size_t)d->pus + 2) * LINE_ROOM;
	d->root = strdup(root);
	d->text = malloc(d->text_room);
	d->used = calloc((size_t)d->pus + 1, sizeof(*d->used)); /* of 0 it may be NULL */
	if (!d->root || !d->text || !d->used)
		return -ENOMEM;
	if (!make_steal(d, &d->now) || !make_steal(d, &d->last) || !make_steal(d, &d->recent) ||
	    !make_steal(d, &d->old))
		return -ENOMEM;
	return 0;
}

int disturb_open(struct disturb **result, const struct pin_topology *topo, const char *root)
{
	struct disturb *d = calloc(1, sizeof(*d));

	*result = d;
	if (!d)
		return -ENOMEM;
	d->topo = topo;
	d->stat = -1;
	if (make_room(d, root)) {
		disturb_close(d);
		*result = NULL;
		return -ENOMEM;
	}
	d->stat = open_under(root, "/proc/stat");
	read_steal(d);
	keep(d, &d->last, &d->now);
	keep(d, &d->recent, &d->now);
	keep(d, &d->old, &d->now);
	return 0;
}

void disturb_close(struct disturb *d)
{
	if (!d)
		return;
	close_one(d->stat);
	for (unsigned int i = 0; i < d->gauged; i++) {
		close_one(d->gauges[i].frequency);
		close_one(d->gauges[i].core_throttles);
		close_one(d->gauges[i].package_throttles);
	}
	free(d->now.ticks);
	free(d->last.ticks);
	free(d->recent.ticks);
	free(d->old.ticks);
	free(d->used);
	free(d->text);
	free(d->root);
	free(d);
}
