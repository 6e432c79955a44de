/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where threads run and where their memory lies: policies over hwloc's tree, the binding itself,
 * and the checks that it held. pin*.c are the only users of hwloc.
 *
 * A topology is loaded once, before anything is pinned, and only read afterwards: every function
 * that takes a const struct pin_topology may be called from any thread.
 *
 * Functions that take `why` leave there, when they fail, one line without a newline that says
 * what is wrong and with what; it may be NULL with a length of 0.
 */
#ifndef MNBENCH_PIN_H
#define MNBENCH_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pin_topology;

/* Where a topology comes from; NULL in place of it, or nothing set: this machine. */
struct pin_source {
	const char *xml;       /* a file that hwloc exported */
	const char *synthetic; /* hwloc's description, e.g. "node:2 core:8 pu:2" */
};

/*
 * The place of one thread. OS indexes; -1 where the machine does not have, or does not tell of,
 * the level. Where the OS numbers no such object (caches, mostly) it is hwloc's logical index.
 * Linux numbers cores anew in each package: a core is (package, core).
 */
struct pin_slot {
	int pu; /* -1: not pinned (policy `none`), and then so are the others */
	int core;
	int l3;
	int package;
	int node; /* of its memory: the nearest node that has any and that the process may use */
};

/* One kind of cache; sizes in bytes, 0 where unknown. */
struct pin_cache {
	unsigned level;
	const char *type; /* "data", "instruction" or "unified" */
	unsigned long long size;
	unsigned line;
	unsigned count;	 /* how many of them */
	unsigned shared; /* PUs of the one that the most PUs share */
};

/*
 * Load a topology. On this machine only the PUs of the caller's affinity mask (taskset, cgroup)
 * and the nodes of its cpuset are used, so call it before the process pins anything; a file is
 * obeyed in what it says was allowed.
 * 0; -EINVAL: bad source; -errno otherwise. Free with pin_topology_free() (NULL is fine).
 */
int pin_topology_load(struct pin_topology **topo, const struct pin_source *source, char *why,
		      size_t len);
void pin_topology_free(struct pin_topology *topo);

/* PUs that may be used, 1 or more; and the OS index of the nth, nearest neighbours together. */
unsigned pin_pu_count(const struct pin_topology *topo);
int pin_pu_at(const struct pin_topology *topo, unsigned n);

/* The slot of a PU, by OS index: 0; -ENOENT: not on the machine; -EPERM: not ours to use. */
int pin_slot_of(const struct pin_topology *topo, int pu, struct pin_slot *slot);

/* The nth kind of cache, outermost first: 0, or -ENOENT past the last. */
int pin_cache_at(const struct pin_topology *topo, unsigned n, struct pin_cache *cache);

/* One line, e.g. "1 package, 2 cores, 2 PUs, 1 L3, 1 NUMA node" of what may be used. */
void pin_describe(const struct pin_topology *topo, char *text, size_t len);

/*
 * Place `threads` threads by policy:
 *   none       unpinned
 *   compact    nearest first: hwloc's order, so all PUs of a core, then the next core, ...
 *   scatter    as far apart as the tree allows: in turn over nodes and packages, then caches, then
 *              cores; a second PU of a core only when every core has a thread
 *   smt        PUs of one core (the one with the most PUs)
 *   llc        PUs of one last-level cache (the one with the most PUs), distinct cores first
 *   xllc       in turn over last-level caches, nearest cache first, distinct cores first
 *   xnode      in turn over NUMA nodes, those without memory too, distinct cores first
 *   kind:N     PUs of one CPU kind, hwloc's numbers: 0 saves most power; distinct cores first
 *   list:LIST  PUs by OS index, in the order given: 0,2,5-7. A plain LIST is the same.
 * A PU's last-level cache is the outermost data or unified cache above it, whatever its level.
 *
 * PUs are distinct while they last. Then every policy starts again from its first PU and the plan
 * is oversubscribed, but for smt and llc, which would not be what their name says: too many
 * threads are -ENOTSUP there. A plan for fewer threads is the beginning of a plan for more.
 *
 * 0; -EINVAL: no such policy, or malformed, or no threads (bad input); -ENOTSUP: the topology
 * cannot serve it (a row to skip, with `why`); -ENOMEM. `slots` has room for `threads`;
 * `oversubscribed` may be NULL.
 */
int pin_plan(const struct pin_topology *topo, const char *policy, unsigned threads,
	     struct pin_slot *slots, bool *oversubscribed, char *why, size_t len);

/*
 * Take the next policy off a comma separated text, e.g. "compact,list:0,2,5-7,smt": what begins
 * with a digit belongs to the list before it. Where it starts, with its length in `*len`, and
 * `*rest` moves on; NULL past the last.
 */
const char *pin_policy_next(const char **rest, size_t *len);

/* Print a plan, one thread a line: thread, PU, core, L3, package, node, by tabs; `-` for -1. */
void pin_print_plan(FILE *to, const struct pin_slot *slots, unsigned threads);

/*
 * Draw the machine with a plan's threads in it, at most 100 columns wide; the larger the machine
 * the less detail. 0 or -ENOMEM.
 */
int pin_draw(FILE *to, const struct pin_topology *topo, const struct pin_slot *slots,
	     unsigned threads);

/*
 * Bind the calling thread to its slot; one that is not pinned is left alone.
 * 0; -ENOTSUP: the topology is not this machine's; -errno.
 */
int pin_bind_self(const struct pin_topology *topo, const struct pin_slot *slot);

/* Give the calling thread the affinity that pin_topology_load() found. Errors as above. */
int pin_unbind_self(const struct pin_topology *topo);

/* The PU that the calling thread is on, by OS index, or -errno. */
int pin_where(void);

/* Whether the calling thread is now where its slot says; one that is not pinned always is. */
bool pin_in_place(const struct pin_slot *slot);

/*
 * Zeroed memory, every page present and on the slot's node, page aligned. Where the kernel refuses
 * to bind memory (see pin_memory_refused()) the pages are first touched from the slot's PU
 * instead. A NULL slot, or one without a node: wherever the kernel puts it. NULL: errno is set.
 */
void *pin_alloc(const struct pin_topology *topo, size_t size, const struct pin_slot *slot);
void pin_free(void *mem, size_t size); /* NULL is fine */

/* 0, or the -errno with which a trial to bind memory failed at load: containers, qemu-user. */
int pin_memory_refused(const struct pin_topology *topo);

/* The node (OS index) that a touched page is on; -errno where the kernel does not tell. */
int pin_node_of(const struct pin_topology *topo, const void *mem);

/* Seen in more than one place. Not an -errno that the kernel gives. */
#define PIN_SEVERAL (-10000)

/* Where a thread of a plan was found. A node is -errno where the kernel does not tell. */
struct pin_trial {
	int pu;
	int node;   /* of that PU */
	int memory; /* node of its memory */
};

/*
 * Start threads, bound to a plan's slots, each with some memory from pin_alloc(), and look where
 * the kernel says that they are. 0; -errno if they could not all be started and bound.
 */
int pin_try(const struct pin_topology *topo, const struct pin_slot *slots, unsigned threads,
	    struct pin_trial *trials, char *why, size_t len);

/* Whether a thread was where its slot says, and its memory too, as far as the kernel tells. */
bool pin_trial_holds(const struct pin_slot *slot, const struct pin_trial *trial);

/*
 * Whether the kernel tells the same of this machine as hwloc does: by
 * /sys/devices/system/cpu/online, /proc/cpuinfo, the affinity mask, and by where a thread bound to
 * a PU of each node finds itself. If not, `text` (not empty) gets one line that says where they
 * differ. Before anything is pinned; moves the calling thread for the while. True of a machine that
 * is not this one.
 */
bool pin_agrees(const struct pin_topology *topo, char *text, size_t len);

/* Write hwloc's XML of the whole machine, the allowed set noted in it. 0, or -errno with `why`. */
int pin_export_xml(const struct pin_topology *topo, const char *path, char *why, size_t len);

#ifdef __cplusplus
}
#endif

#endif
