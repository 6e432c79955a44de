/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Binding threads to their slots, and memory to its node. */
#define _GNU_SOURCE 1
#include "pin_hw.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- Binding threads --- */

int pin_bind_to(const struct pin_topology *topo, hwloc_const_cpuset_t set)
{
	/* hwloc would say that all went well. */
	if (!topo->original)
		return -ENOTSUP;
	return hwloc_set_cpubind(topo->hw, set, HWLOC_CPUBIND_THREAD) ? -errno : 0;
}

int pin_bind_self(const struct pin_topology *topo, const struct pin_slot *slot)
{
	hwloc_obj_t pu;

	if (slot->pu < 0)
		return 0;
	pu = hwloc_get_pu_obj_by_os_index(topo->hw, (unsigned)slot->pu);
	return pu ? pin_bind_to(topo, pu->cpuset) : -ENOENT;
}

int pin_unbind_self(const struct pin_topology *topo)
{
	return pin_bind_to(topo, topo->original);
}

int pin_where(void)
{
	int pu = sched_getcpu();

	return pu < 0 ? -errno : pu;
}

bool pin_in_place(const struct pin_slot *slot)
{
	return slot->pu < 0 || pin_where() == slot->pu;
}

/* --- Placing memory --- */

static int bind_memory(const struct pin_topology *topo, void *mem, size_t size, int node)
{
	hwloc_obj_t obj = hwloc_get_numanode_obj_by_os_index(topo->hw, (unsigned)node);

	if (hwloc_set_area_membind(topo->hw, mem, size, obj->nodeset, HWLOC_MEMBIND_BIND,
				   HWLOC_MEMBIND_BYNODESET))
		return -errno;
	return 0;
}

static void *map_memory(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

int pin_try_memory(const struct pin_topology *topo)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	int node = topo->table.place[0].slot.node, err;
	void *mem;

	if (!topo->original || node < 0)
		return -ENOTSUP;
	mem = map_memory(size);
	if (!mem)
		return -errno;
	err = bind_memory(topo, mem, size, node);
	munmap(mem, size);
	return err;
}

/* Pages come from the node of the PU that touches them first. */
static void touch_from(const struct pin_topology *topo, const struct pin_slot *slot, void *mem,
		       size_t size)
{
	hwloc_cpuset_t before = hwloc_bitmap_alloc();
	bool moved = before && !hwloc_get_cpubind(topo->hw, before, HWLOC_CPUBIND_THREAD) &&
		     !pin_bind_self(topo, slot);

	memset(mem, 0, size);
	if (moved)
		pin_bind_to(topo, before);
	hwloc_bitmap_free(before);
}

void *pin_alloc(const struct pin_topology *topo, size_t size, const struct pin_slot *slot)
{
	void *mem = map_memory(size);

	if (!mem)
		return NULL;
	if (!slot || slot->node < 0)
		memset(mem, 0, size);
	else if (topo->memory_refused || bind_memory(topo, mem, size, slot->node))
		touch_from(topo, slot, mem, size);
	else
		memset(mem, 0, size);
	return mem;
}

void pin_free(void *mem, size_t size)
{
	if (mem)
		munmap(mem, size);
}

int pin_memory_refused(const struct pin_topology *topo)
{
	return topo->memory_refused;
}

int pin_node_of(const struct pin_topology *topo, const void *mem)
{
	hwloc_nodeset_t nodes;
	int node;

	if (!topo->original)
		return -ENOTSUP;
	nodes = hwloc_bitmap_alloc();
	if (!nodes)
		return -ENOMEM;
	errno = 0;
	if (hwloc_get_area_memlocation(topo->hw, mem, 1, nodes, HWLOC_MEMBIND_BYNODESET))
		node = errno ? -errno : -EIO;
	else
		node = hwloc_bitmap_iszero(nodes) ? -ENOENT : hwloc_bitmap_first(nodes);
	hwloc_bitmap_free(nodes);
	return node;
}
