/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading hwloc's tree into the table that plans are made on. */
#include "pin_hw.h"

#include <errno.h>
#include <stdlib.h>

#define HIGHEST_PU (1 << 20) /* Linux has no more than thousands */

/* A PU's nodes: the one it is in, and the one its memory comes from. */
struct nodes {
	hwloc_obj_t own, memory;
	int own_pus, memory_pus; /* the fewer a node has, the nearer it is */
};

struct reading {
	struct pin_topology *topo;
	hwloc_obj_t last[PIN_LEVELS];
	int groups[PIN_LEVELS];
	struct nodes *nodes; /* of each place */
	struct hwloc_distances_s *latencies;
	hwloc_bitmap_t usable; /* nodes, by OS index */
};

/* --- PUs --- */

static hwloc_obj_t above(const struct pin_topology *topo, hwloc_obj_t pu, hwloc_obj_type_t type)
{
	return hwloc_get_ancestor_obj_by_type(topo->hw, type, pu);
}

/* Not the L3: machines have their last level at L2 or at L4. */
static hwloc_obj_t last_level_cache(hwloc_obj_t pu)
{
	hwloc_obj_t cache = NULL;

	for (hwloc_obj_t obj = pu->parent; obj; obj = obj->parent)
		if (hwloc_obj_type_is_dcache(obj->type))
			cache = obj;
	return cache;
}

/* Numbers objects as they come; in hwloc's order the PUs of each follow one another. */
static int number_of(struct reading *r, enum pin_level level, hwloc_obj_t obj)
{
	if (!obj)
		return -1;
	if (r->last[level] != obj)
		r->groups[level]++;
	r->last[level] = obj;
	return r->groups[level] - 1;
}

static void add_place(struct reading *r, hwloc_obj_t pu)
{
	struct pin_topology *topo = r->topo;
	struct pin_table *table = &topo->table;
	struct pin_place *place = &table->place[table->nr];
	hwloc_obj_t core = above(topo, pu, HWLOC_OBJ_CORE);

	table->by_pu[pu->os_index] = (int)table->nr;
	topo->pu[table->nr++] = pu;
	place->slot.pu = (int)pu->os_index;
	place->slot.core = pin_os_index(core);
	place->slot.l3 = pin_os_index(above(topo, pu, HWLOC_OBJ_L3CACHE));
	place->slot.package = pin_os_index(above(topo, pu, HWLOC_OBJ_PACKAGE));
	place->group[PIN_CORE] = number_of(r, PIN_CORE, core);
	place->group[PIN_LLC] = number_of(r, PIN_LLC, last_level_cache(pu));
	place->group[PIN_KIND] = hwloc_cpukinds_get_by_cpuset(topo->hw, pu->cpuset, 0);
}

static void number_siblings(struct pin_table *table)
{
	for (unsigned i = 1; i < table->nr; i++) {
		const struct pin_place *before = &table->place[i - 1];
		struct pin_place *place = &table->place[i];

		if (place->group[PIN_CORE] >= 0 &&
		    place->group[PIN_CORE] == before->group[PIN_CORE])
			place->rank = before->rank + 1;
	}
}

static int read_pus(struct reading *r)
{
	struct pin_topology *topo = r->topo;
	struct pin_table *table = &topo->table;
	hwloc_const_cpuset_t allowed = hwloc_topology_get_allowed_cpuset(topo->hw);
	size_t pus = (size_t)hwloc_get_nbobjs_by_type(topo->hw, HWLOC_OBJ_PU);
	int last = hwloc_bitmap_last(hwloc_get_root_obj(topo->hw)->cpuset);

	hwloc_obj_t pu = NULL;

	if (last < 0 || last > HIGHEST_PU)
		return -EINVAL;
	table->end = 1 + (unsigned)last;
	topo->pu = calloc(pus, sizeof(*topo->pu));
	table->place = calloc(pus, sizeof(*table->place));
	table->scatter = calloc(pus, sizeof(*table->scatter));
	table->by_pu = malloc(table->end * sizeof(*table->by_pu));
	if (!topo->pu || !table->place || !table->scatter || !table->by_pu)
		return -ENOMEM;
	for (unsigned i = 0; i < table->end; i++)
		table->by_pu[i] = -1;
	while ((pu = hwloc_get_next_obj_by_type(topo->hw, HWLOC_OBJ_PU, pu)))
		if (hwloc_bitmap_isset(allowed, pu->os_index))
			add_place(r, pu);
	number_siblings(table);
	return table->nr ? 0 : -ENOENT;
}

/* --- Their nodes --- */

/* A description may give no node any memory: then it only does not tell. */
static bool is_usable(const struct pin_topology *topo, hwloc_obj_t node)
{
	return (node->attr->numanode.local_memory || !hwloc_get_root_obj(topo->hw)->total_memory) &&
	       hwloc_bitmap_isset(hwloc_topology_get_allowed_nodeset(topo->hw), node->os_index);
}

/* Of two kinds of memory at the same PUs the first: Linux numbers the ordinary one lower. */
static void offer(struct nodes *nodes, hwloc_obj_t node, int pus, bool usable)
{
	if (!nodes->own || pus < nodes->own_pus) {
		nodes->own = node;
		nodes->own_pus = pus;
	}
	if (usable && (!nodes->memory || pus < nodes->memory_pus)) {
		nodes->memory = node;
		nodes->memory_pus = pus;
	}
}

static void read_local_nodes(struct reading *r)
{
	const struct pin_table *table = &r->topo->table;
	hwloc_obj_t node = NULL;
	unsigned pu;

	while ((node = hwloc_get_next_obj_by_type(r->topo->hw, HWLOC_OBJ_NUMANODE, node))) {
		int pus = hwloc_bitmap_weight(node->cpuset);
		bool usable = is_usable(r->topo, node);

		if (usable)
			hwloc_bitmap_set(r->usable, node->os_index);
		hwloc_bitmap_foreach_begin(pu, node->cpuset) if (table->by_pu[pu] >= 0)
			offer(&r->nodes[table->by_pu[pu]], node, pus, usable);
		hwloc_bitmap_foreach_end();
	}
}

/* By the firmware's table of latencies; NULL where that says nothing. */
static hwloc_obj_t nearest_by_latency(const struct reading *r, hwloc_obj_t own)
{
	const struct hwloc_distances_s *d = r->latencies;
	int from = d && own ? hwloc_distances_obj_index(r->latencies, own) : -1;
	const hwloc_uint64_t *latency;
	hwloc_obj_t best = NULL;
	unsigned nearest = 0;

	if (from < 0)
		return NULL;
	latency = &d->values[(size_t)from * d->nbobjs];
	for (unsigned i = 0; i < d->nbobjs; i++) {
		if (!d->objs[i] || !hwloc_bitmap_isset(r->usable, d->objs[i]->os_index) ||
		    (best && latency[i] >= latency[nearest]))
			continue;
		best = d->objs[i];
		nearest = i;
	}
	return best;
}

/* The first of those with which a PU shares the smallest part of the machine. */
static hwloc_obj_t nearest_in_tree(const struct reading *r, hwloc_obj_t pu)
{
	hwloc_obj_t part = pu, node = NULL;

	while (part && !hwloc_bitmap_intersects(part->nodeset, r->usable))
		part = part->parent;
	if (!part)
		return NULL;
	do
		node = hwloc_get_next_obj_by_type(r->topo->hw, HWLOC_OBJ_NUMANODE, node);
	while (!hwloc_bitmap_isset(part->nodeset, node->os_index) ||
	       !hwloc_bitmap_isset(r->usable, node->os_index));
	return node;
}

/* For PUs that no usable node is around. */
static void find_remote_memory(struct reading *r)
{
	for (unsigned i = 0; i < r->topo->table.nr; i++) {
		struct nodes *nodes = &r->nodes[i];

		if (!nodes->memory)
			nodes->memory = nearest_by_latency(r, nodes->own);
		if (!nodes->memory)
			nodes->memory = nearest_in_tree(r, r->topo->pu[i]);
	}
}

/* Nodes are numbered as they come; those around others come more than once. */
static int store_nodes(struct reading *r)
{
	int count = hwloc_get_nbobjs_by_type(r->topo->hw, HWLOC_OBJ_NUMANODE), groups = 0;
	int *number = calloc((size_t)count, sizeof(*number));

	if (!number)
		return -ENOMEM;
	for (unsigned i = 0; i < r->topo->table.nr; i++) {
		struct pin_place *place = &r->topo->table.place[i];
		hwloc_obj_t own = r->nodes[i].own ? r->nodes[i].own : r->nodes[i].memory;

		place->slot.node = pin_os_index(r->nodes[i].memory);
		place->group[PIN_NODE] = -1;
		if (!own)
			continue;
		if (!number[own->logical_index])
			number[own->logical_index] = ++groups;
		place->group[PIN_NODE] = number[own->logical_index] - 1;
	}
	free(number);
	return 0;
}

static int read_nodes(struct reading *r)
{
	hwloc_topology_t hw = r->topo->hw;
	unsigned matrices = 1;
	int err = -ENOMEM;

	r->nodes = calloc(r->topo->table.nr, sizeof(*r->nodes));
	r->usable = hwloc_bitmap_alloc();
	if (!r->nodes || !r->usable)
		goto out;
	if (hwloc_distances_get_by_type(hw, HWLOC_OBJ_NUMANODE, &matrices, &r->latencies,
					HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0) ||
	    !matrices)
		r->latencies = NULL;
	read_local_nodes(r);
	find_remote_memory(r);
	err = store_nodes(r);
	if (r->latencies)
		hwloc_distances_release(hw, r->latencies);
out:
	hwloc_bitmap_free(r->usable);
	free(r->nodes);
	return err;
}

/* --- The order of policy `scatter` --- */

/* What a PU is in at this depth; where its branch has no such level, the next object below. */
static hwloc_obj_t branch_at(hwloc_obj_t pu, int depth)
{
	while (pu->parent && pu->parent->depth >= depth)
		pu = pu->parent;
	return pu;
}

/* From the leaves up, every object takes from its children in turn. */
static int fill_scatter(struct pin_topology *topo)
{
	struct pin_table *table = &topo->table;
	int *group = calloc(table->nr, sizeof(*group));
	int err = 0;

	if (!group)
		return -ENOMEM;
	for (unsigned i = 0; i < table->nr; i++)
		table->scatter[i] = i;
	for (int depth = hwloc_topology_get_depth(topo->hw) - 1; depth > 0 && !err; depth--) {
		for (unsigned i = 1; i < table->nr; i++)
			group[i] = group[i - 1] + (branch_at(topo->pu[i], depth) !=
						   branch_at(topo->pu[i - 1], depth));
		err = pin_spread(table, group, table->scatter, table->nr);
	}
	free(group);
	return err;
}

int pin_read_tree(struct pin_topology *topo)
{
	struct reading r = {.topo = topo};
	int err = read_pus(&r);

	if (!err)
		err = read_nodes(&r);
	return err ? err : fill_scatter(topo);
}
