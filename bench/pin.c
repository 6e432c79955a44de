/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE 1
#include "pin.h"
#include "pin_table.h"
#include "savefile.h"
#include "text.h"

#include <errno.h>
#include <hwloc.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if HWLOC_API_VERSION < 0x00020500 || HWLOC_API_VERSION >= 0x00030000
#error "pin.c is written to hwloc 2.5 and later 2.x"
#endif

struct pin_topology {
	hwloc_topology_t hw;
	hwloc_cpuset_t original; /* the affinity found; NULL: not this machine */
	struct pin_table table;
	hwloc_obj_t *pu; /* of each place in the table */
	int memory_refused;
};

const struct pin_table *pin_table(const struct pin_topology *topo)
{
	return &topo->table;
}

bool pin_pu_exists(const struct pin_topology *topo, int pu)
{
	return pu >= 0 && hwloc_get_pu_obj_by_os_index(topo->hw, (unsigned)pu);
}

/* --- Reading the tree into the table --- */

static int os_index(hwloc_obj_t obj)
{
	if (!obj)
		return -1;
	return (int)(obj->os_index == HWLOC_UNKNOWN_INDEX ? obj->logical_index : obj->os_index);
}

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

/* A description may give no node any memory: then it only does not tell. */
static bool has_memory(const struct pin_topology *topo, hwloc_obj_t node)
{
	return node->attr->numanode.local_memory || !hwloc_get_root_obj(topo->hw)->total_memory;
}

static bool serves(const struct pin_topology *topo, hwloc_obj_t node, hwloc_obj_t pu)
{
	return hwloc_bitmap_isset(node->cpuset, pu->os_index) && has_memory(topo, node) &&
	       hwloc_bitmap_isset(hwloc_topology_get_allowed_nodeset(topo->hw), node->os_index);
}

static bool nearer(hwloc_obj_t node, hwloc_obj_t than)
{
	return hwloc_bitmap_weight(node->cpuset) < hwloc_bitmap_weight(than->cpuset);
}

/* Of two kinds of memory at the same PUs the first: Linux numbers the ordinary one lower. */
static hwloc_obj_t nearest_node(const struct pin_topology *topo, hwloc_obj_t pu)
{
	hwloc_obj_t best = NULL, node = NULL;

	while ((node = hwloc_get_next_obj_by_type(topo->hw, HWLOC_OBJ_NUMANODE, node)))
		if (serves(topo, node, pu) && (!best || nearer(node, best)))
			best = node;
	return best;
}

/* Numbers objects as they come; neighbours in the table are mostly in the same one. */
struct numbering {
	hwloc_obj_t *seen;
	int nr;
};

static int number_of(struct numbering *numbering, hwloc_obj_t obj)
{
	if (!obj)
		return -1;
	for (int i = numbering->nr - 1; i >= 0; i--)
		if (numbering->seen[i] == obj)
			return i;
	numbering->seen[numbering->nr] = obj;
	return numbering->nr++;
}

static void add_place(struct pin_topology *topo, hwloc_obj_t pu, struct numbering *numbering)
{
	struct pin_place *place = &topo->table.place[topo->table.nr];
	hwloc_obj_t core = above(topo, pu, HWLOC_OBJ_CORE);
	hwloc_obj_t node = nearest_node(topo, pu);

	topo->pu[topo->table.nr++] = pu;
	place->slot.pu = os_index(pu);
	place->slot.core = os_index(core);
	place->slot.l3 = os_index(above(topo, pu, HWLOC_OBJ_L3CACHE));
	place->slot.package = os_index(above(topo, pu, HWLOC_OBJ_PACKAGE));
	place->slot.node = os_index(node);
	place->group[PIN_CORE] = number_of(&numbering[PIN_CORE], core);
	place->group[PIN_LLC] = number_of(&numbering[PIN_LLC], last_level_cache(pu));
	place->group[PIN_NODE] = number_of(&numbering[PIN_NODE], node);
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

static int fill_table(struct pin_topology *topo)
{
	hwloc_const_cpuset_t allowed = hwloc_topology_get_allowed_cpuset(topo->hw);
	size_t pus = (size_t)hwloc_get_nbobjs_by_type(topo->hw, HWLOC_OBJ_PU);
	struct pin_table *table = &topo->table;
	struct numbering numbering[PIN_LEVELS] = {0};
	hwloc_obj_t *seen = calloc(pus * PIN_LEVELS, sizeof(*seen)), pu = NULL;

	topo->pu = calloc(pus, sizeof(*topo->pu));
	table->place = calloc(pus, sizeof(*table->place));
	table->scatter = calloc(pus, sizeof(*table->scatter));
	if (!seen || !topo->pu || !table->place || !table->scatter) {
		free(seen);
		return -ENOMEM;
	}
	for (int level = 0; level < PIN_LEVELS; level++)
		numbering[level].seen = seen + pus * (size_t)level;
	while ((pu = hwloc_get_next_obj_by_type(topo->hw, HWLOC_OBJ_PU, pu)))
		if (hwloc_bitmap_isset(allowed, pu->os_index))
			add_place(topo, pu, numbering);
	number_siblings(table);
	free(seen);
	return table->nr ? 0 : -ENOENT;
}

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

/* --- Loading --- */

static int set_source(hwloc_topology_t hw, const struct pin_source *source, char *why, size_t len)
{
	if (source->xml && access(source->xml, R_OK)) {
		int err = -errno;

		return text_fail(err, why, len, "%s: %s", source->xml, strerror(-err));
	}
	if (source->xml && hwloc_topology_set_xml(hw, source->xml))
		return text_fail(-EINVAL, why, len,
				 "%s: not a topology; give a file that hwloc exported",
				 source->xml);
	if (source->synthetic && hwloc_topology_set_synthetic(hw, source->synthetic))
		return text_fail(-EINVAL, why, len,
				 "synthetic topology '%s': not understood; write it as hwloc does, "
				 "\"node:2 core:8 pu:2\"",
				 source->synthetic);
	return 0;
}

static const char *source_name(const struct pin_source *source)
{
	if (source->xml)
		return source->xml;
	return source->synthetic ? source->synthetic : "this machine";
}

static int load_tree(hwloc_topology_t hw, const struct pin_source *source, char *why, size_t len)
{
	int err = set_source(hw, source, why, len);

	if (err)
		return err;
	/* What we may not use stays in the tree, for the XML and for messages. */
	if (hwloc_topology_set_flags(hw, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) ||
	    hwloc_topology_set_icache_types_filter(hw, HWLOC_TYPE_FILTER_KEEP_ALL) ||
	    hwloc_topology_load(hw))
		return text_fail(-EINVAL, why, len, "%s: not a topology that hwloc can load",
				 source_name(source));
	if (!source->xml && !source->synthetic && !hwloc_topology_is_thissystem(hw))
		return text_fail(-EINVAL, why, len,
				 "HWLOC_XMLFILE or HWLOC_SYNTHETIC: stands for another machine; "
				 "unset it");
	return 0;
}

/* taskset is not in hwloc's allowed set, only the cgroup is. */
static int obey_affinity(struct pin_topology *topo)
{
	topo->original = hwloc_bitmap_alloc();
	if (!topo->original)
		return -ENOMEM;
	if (hwloc_get_cpubind(topo->hw, topo->original, HWLOC_CPUBIND_THREAD) ||
	    hwloc_topology_allow(topo->hw, topo->original, NULL, HWLOC_ALLOW_FLAG_CUSTOM))
		return errno ? -errno : -EINVAL;
	return 0;
}

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

static int try_memory(const struct pin_topology *topo)
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

static int load(struct pin_topology *topo, const struct pin_source *source, char *why, size_t len)
{
	int err;

	if (hwloc_topology_init(&topo->hw))
		return text_fail(-ENOMEM, why, len, "hwloc: %s", strerror(ENOMEM));
	err = load_tree(topo->hw, source, why, len);
	if (err)
		return err;
	if (hwloc_topology_is_thissystem(topo->hw))
		err = obey_affinity(topo);
	if (!err)
		err = fill_table(topo);
	if (!err)
		err = fill_scatter(topo);
	if (err)
		return text_fail(err, why, len, "%s: cannot tell which PUs may be used: %s",
				 source_name(source), strerror(-err));
	topo->memory_refused = try_memory(topo);
	return 0;
}

int pin_topology_load(struct pin_topology **topo, const struct pin_source *source, char *why,
		      size_t len)
{
	static const struct pin_source this_machine;
	int err;

	*topo = calloc(1, sizeof(**topo));
	if (!*topo)
		return text_fail(-ENOMEM, why, len, "topology: %s", strerror(ENOMEM));
	err = load(*topo, source ? source : &this_machine, why, len);
	if (err) {
		pin_topology_free(*topo);
		*topo = NULL;
	}
	return err;
}

void pin_topology_free(struct pin_topology *topo)
{
	if (!topo)
		return;
	free(topo->table.scatter);
	free(topo->table.place);
	free(topo->pu);
	hwloc_bitmap_free(topo->original);
	if (topo->hw)
		hwloc_topology_destroy(topo->hw);
	free(topo);
}

/* --- Telling what there is --- */

unsigned pin_pu_count(const struct pin_topology *topo)
{
	return topo->table.nr;
}

int pin_pu_at(const struct pin_topology *topo, unsigned n)
{
	return n < topo->table.nr ? topo->table.place[n].slot.pu : -ENOENT;
}

int pin_slot_of(const struct pin_topology *topo, int pu, struct pin_slot *slot)
{
	for (unsigned i = 0; i < topo->table.nr; i++)
		if (topo->table.place[i].slot.pu == pu) {
			*slot = topo->table.place[i].slot;
			return 0;
		}
	return pin_pu_exists(topo, pu) ? -EPERM : -ENOENT;
}

/* Hybrid machines have several sizes of one type of cache: each is a kind. */
static bool first_of_size(hwloc_obj_t cache)
{
	for (hwloc_obj_t obj = cache->prev_cousin; obj; obj = obj->prev_cousin)
		if (obj->attr->cache.size == cache->attr->cache.size)
			return false;
	return true;
}

static void measure_cache(hwloc_obj_t first, struct pin_cache *cache)
{
	static const char *const types[] = {
		[HWLOC_OBJ_CACHE_UNIFIED] = "unified",
		[HWLOC_OBJ_CACHE_DATA] = "data",
		[HWLOC_OBJ_CACHE_INSTRUCTION] = "instruction",
	};

	*cache = (struct pin_cache){
		.level = first->attr->cache.depth,
		.type = types[first->attr->cache.type],
		.size = first->attr->cache.size,
		.line = first->attr->cache.linesize,
	};
	for (hwloc_obj_t obj = first; obj; obj = obj->next_cousin) {
		unsigned pus = (unsigned)hwloc_bitmap_weight(obj->cpuset);

		if (obj->attr->cache.size != cache->size)
			continue;
		cache->count++;
		if (pus > cache->shared)
			cache->shared = pus;
	}
}

int pin_cache_at(const struct pin_topology *topo, unsigned n, struct pin_cache *cache)
{
	static const hwloc_obj_type_t types[] = {
		HWLOC_OBJ_L5CACHE, HWLOC_OBJ_L4CACHE,  HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L3ICACHE,
		HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L2ICACHE, HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L1ICACHE,
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		hwloc_obj_t obj = NULL;

		while ((obj = hwloc_get_next_obj_by_type(topo->hw, types[i], obj)))
			if (first_of_size(obj) && !n--) {
				measure_cache(obj, cache);
				return 0;
			}
	}
	return -ENOENT;
}

void pin_describe(const struct pin_topology *topo, char *text, size_t len)
{
	static const struct {
		hwloc_obj_type_t type;
		const char *one, *many;
	} parts[] = {
		{HWLOC_OBJ_PACKAGE, "package", "packages"},
		{HWLOC_OBJ_CORE, "core", "cores"},
		{HWLOC_OBJ_PU, "PU", "PUs"},
		{HWLOC_OBJ_L3CACHE, "L3 cache", "L3 caches"},
		{HWLOC_OBJ_NUMANODE, "NUMA node", "NUMA nodes"},
	};
	hwloc_const_cpuset_t allowed = hwloc_topology_get_allowed_cpuset(topo->hw);
	size_t used = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && used < len; i++) {
		unsigned ours = 0, all = 0;
		hwloc_obj_t obj = NULL;
		char of[16] = "";

		while ((obj = hwloc_get_next_obj_by_type(topo->hw, parts[i].type, obj))) {
			ours += (unsigned)hwloc_bitmap_intersects(obj->cpuset, allowed);
			all++;
		}
		if (ours != all)
			snprintf(of, sizeof(of), "%u of ", ours);
		used += (size_t)snprintf(text + used, len - used, "%s%s%u %s", i ? ", " : "", of,
					 all, all == 1 ? parts[i].one : parts[i].many);
	}
}

int pin_export_xml(const struct pin_topology *topo, const char *path, char *why, size_t len)
{
	char *xml;
	int size, err;

	if (hwloc_topology_export_xmlbuffer(topo->hw, &xml, &size, 0))
		return text_fail(errno ? -errno : -EIO, why, len, "%s: hwloc cannot export: %s",
				 path, strerror(errno));
	err = savefile(path, xml, strlen(xml), why, len);
	hwloc_free_xmlbuffer(topo->hw, xml);
	return err;
}

/* --- Binding threads --- */

static int bind_thread(const struct pin_topology *topo, hwloc_const_cpuset_t set)
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
	return pu ? bind_thread(topo, pu->cpuset) : -ENOENT;
}

int pin_unbind_self(const struct pin_topology *topo)
{
	return bind_thread(topo, topo->original);
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

/* Pages come from the node of the PU that touches them first. */
static void touch_from(const struct pin_topology *topo, const struct pin_slot *slot, void *mem,
		       size_t size)
{
	hwloc_cpuset_t before = hwloc_bitmap_alloc();
	bool moved = before && !hwloc_get_cpubind(topo->hw, before, HWLOC_CPUBIND_THREAD) &&
		     !pin_bind_self(topo, slot);

	memset(mem, 0, size);
	if (moved)
		bind_thread(topo, before);
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
