/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A topology as pin.c and its neighbours have it: they are the only users of hwloc. */
#ifndef MNBENCH_PIN_HW_H
#define MNBENCH_PIN_HW_H

#include "pin_table.h"

#include <hwloc.h>

#if HWLOC_API_VERSION < 0x00020500 || HWLOC_API_VERSION >= 0x00030000
#error "written to hwloc 2.5 and later 2.x"
#endif

struct pin_topology {
	hwloc_topology_t hw;
	hwloc_cpuset_t original; /* the affinity found; NULL: not this machine */
	struct pin_table table;
	hwloc_obj_t *pu; /* of each place in the table */
	int memory_refused;
};

/* Have hwloc load the tree of a source: 0 or -1. */
int pin_load_tree(hwloc_topology_t hw, const struct pin_source *source);

/* See whether a source that is not this machine is sound: 0, -EINVAL or -errno with `why`. */
int pin_check_source(const struct pin_source *source, char *why, size_t len);

/* Fill the table from hwloc's tree: 0; -ENOENT: no PU may be used; -EINVAL: an OS
 * index is absurd; -ENOMEM. */
int pin_read_tree(struct pin_topology *topo);

/* Try to bind memory, for pin_memory_refused(): 0 or -errno. */
int pin_try_memory(const struct pin_topology *topo);

/* Bind the calling thread to a set of PUs: 0; -ENOTSUP: not this machine's topology; -errno. */
int pin_bind_to(const struct pin_topology *topo, hwloc_const_cpuset_t set);

/* An object's OS index, hwloc's logical one where the OS has none; -1 for no object. */
static inline int pin_os_index(hwloc_obj_t obj)
{
	if (!obj)
		return -1;
	return (int)(obj->os_index == HWLOC_UNKNOWN_INDEX ? obj->logical_index : obj->os_index);
}

#endif
