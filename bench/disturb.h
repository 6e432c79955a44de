/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the machine did to a repetition while it ran: for its row's flags, so
 * that a figure that something else had a part in says so. Looked at before
 * and after the timed region, never in it; some tens of microseconds in all.
 *
 * A watch is for one caller at a time; a thread's account is its own. A NULL
 * watch is no watch: every call is allowed, and finds nothing.
 */
#ifndef MNBENCH_DISTURB_H
#define MNBENCH_DISTURB_H

#include <stdbool.h>
#include <stdint.h>

struct pin_slot;
struct pin_topology;

enum disturbance {
	/*
	 * A measuring thread lost its PU against its will, and waited for one for more than 1 % of
	 * its time. Where the kernel does not tell how long: it lost it more often than our own
	 * waiting thread explains.
	 */
	DISTURB_PREEMPTED = 1,
	/*
	 * The hypervisor took more than 1 % of the PUs' time. Linux counts this in ticks of 10 ms,
	 * so of a short repetition it is said that a tick fell into it, and that over the last
	 * second or two, up to its end, it was more than 1 % even with a tick of each PU let off.
	 * Where /proc/stat takes long (hundreds of PUs) a tick may be of some repetitions before.
	 */
	DISTURB_STOLEN = 2,
	/* A PU's frequency at the end was not within 2 % of that at the beginning. */
	DISTURB_FREQUENCY = 4,
	/* A PU or its package throttled itself for heat (x86 counts it). */
	DISTURB_THROTTLED = 8,
	/* The process waited for a page from a disk. */
	DISTURB_FAULTED = 16,
	/* CLOCK_MONOTONIC went back or jumped: there are no figures. See clock_stepped. */
	DISTURB_CLOCK = 32,
};

struct disturb;

/* /proc and /sys are looked for under ROOT ("": the machine's own). 0, or -ENOMEM. */
int disturb_open(struct disturb **d, const struct pin_topology *topo, const char *root);
void disturb_close(struct disturb *d);

/*
 * Around a repetition with threads at these slots. Frequency and throttling are those of at most 8
 * PUs, spread over the slots; of threads that are not pinned they are not known. disturb_end()
 * returns what was found, by `enum disturbance`, without DISTURB_PREEMPTED.
 */
void disturb_begin(struct disturb *d, const struct pin_slot *slots, unsigned int threads);
unsigned int disturb_end(struct disturb *d);

/* The same for the calling thread. */
struct disturb_thread {
	int schedstat; /* -errno: not watched so */
	bool watched;
	uint64_t waited_ns;
	long switches;
};

/* Opens the account; some 10 us, so before anything that others wait for. */
void disturb_thread_open(const struct disturb *d, struct disturb_thread *t);
void disturb_thread_begin(struct disturb_thread *t);
/* After ELAPSED_NS on the clock: 0 or DISTURB_PREEMPTED. Can be begun again. */
unsigned int disturb_thread_end(struct disturb_thread *t, uint64_t elapsed_ns);
void disturb_thread_close(struct disturb_thread *t);

/* Both, for a repetition that the calling thread does alone. */
struct disturb_alone {
	struct disturb *d;
	struct disturb_thread thread, paused; /* as it was at the pause */
	uint64_t start, paused_at;
};

void disturb_alone_begin(struct disturb *d, struct disturb_alone *a, const struct pin_slot *slot);
unsigned int disturb_alone_end(struct disturb_alone *a);

/* Between these two the thread does not measure: nothing is counted. */
void disturb_alone_pause(struct disturb_alone *a);
void disturb_alone_resume(struct disturb_alone *a);

#endif
