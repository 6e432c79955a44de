/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading a topology, and telling what is in it. */
#define _GNU_SOURCE 1
#include "pin_hw.h"
#include "savefile.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- Loading --- */

static const char *source_name(const struct pin_source *source)
{
	if (source->xml)
		return source->xml;
	return source->synthetic ? source->synthetic : "this machine";
}

int pin_load_tree(hwloc_topology_t hw, const struct pin_source *source)
{
	if (source->xml && hwloc_topology_set_xml(hw, source->xml))
		return -1;
	if (source->synthetic && hwloc_topology_set_synthetic(hw, source->synthetic))
		return -1;
	/* What we may not use stays in the tree, for the XML and for messages. */
	if (hwloc_topology_set_flags(hw, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) ||
	    hwloc_topology_set_icache_types_filter(hw, HWLOC_TYPE_FILTER_KEEP_ALL))
		return -1;
	return hwloc_topology_load(hw);
}

/* Files may be damaged; a description can contradict itself only by its attributes. */
static bool is_doubtful(const struct pin_source *source)
{
	return source->xml || (source->synthetic && strchr(source->synthetic, '('));
}

static int load_tree(hwloc_topology_t hw, const struct pin_source *source, char *why, size_t len)
{
	int err;

	if (source->xml && access(source->xml, R_OK)) {
		err = -errno;
		return text_fail(err, why, len, "%s: %s", source->xml, strerror(-err));
	}
	err = is_doubtful(source) ? pin_check_source(source, why, len) : 0;
	if (err)
		return err;
	if (pin_load_tree(hw, source))
		return text_fail(
			-EINVAL, why, len,
			"%s: not a topology; write it as hwloc does, \"node:2 core:8 pu:2\"",
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
		err = pin_read_tree(topo);
	if (err)
		return text_fail(err, why, len, "%s: cannot tell which PUs may be used: %s",
				 source_name(source), strerror(-err));
	topo->memory_refused = pin_try_memory(topo);
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
	free(topo->table.by_pu);
	free(topo->table.scatter);
	free(topo->table.place);
	free(topo->pu);
	hwloc_bitmap_free(topo->original);
	if (topo->hw)
		hwloc_topology_destroy(topo->hw);
	free(topo);
}

/* --- Telling what there is --- */

const struct pin_table *pin_table(const struct pin_topology *topo)
{
	return &topo->table;
}

bool pin_pu_exists(const struct pin_topology *topo, int pu)
{
	return pu >= 0 && hwloc_get_pu_obj_by_os_index(topo->hw, (unsigned)pu);
}

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
	int place = pin_place_of(&topo->table, pu);

	if (place < 0)
		return pin_pu_exists(topo, pu) ? -EPERM : -ENOENT;
	*slot = topo->table.place[place].slot;
	return 0;
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
