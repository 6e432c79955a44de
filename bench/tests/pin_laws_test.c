/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every plan of every policy must hold, on machines made up at random: described to hwloc,
 * then changed by it (PUs, nodes and memory taken away, PUs forbidden, kinds, latencies), written
 * as XML, which may lose caches, and handed to both sides. The laws are judged on hwloc's tree,
 * never on the planner's table.
 *
 * usage: pin_laws_test [SEED]: the one machine of that seed, told; else many
 */
#define _GNU_SOURCE 1
#include "check.h"
#include "pin.h"

#include <errno.h>
#include <hwloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

#define MACHINES (SANITIZED ? 100 : 400)
#define MOST_PUS 8192

static char xml_path[] = "/tmp/mnbench-laws-XXXXXX";

/* The machine at hand. */
static hwloc_topology_t hw;
static struct pin_topology *topo;
static char description[4096];
static unsigned long seed;

static hwloc_obj_t by_index[3 * MOST_PUS];

/* The plan at hand. */
static struct pin_slot slots[2 * MOST_PUS + 3];
static hwloc_obj_t pus[2 * MOST_PUS + 3];
static unsigned threads;

#define LAW(holds) law(holds, #holds, __func__, __LINE__)

static bool law(bool holds, const char *what, const char *where, int line)
{
	if (!holds) {
		fprintf(stderr, "%s:%d: not so: %s; machine %lu (pin_laws_test %lu): %s\n", where,
			line, what, seed, seed, description);
		check_failures++;
	}
	return holds;
}

/* --- What the laws are judged by --- */

struct note {
	unsigned rank, taken; /* how often, among the siblings' round of that rank */
	unsigned last_taken;  /* of the children, the last one */
};

static hwloc_obj_t pu_of(int index)
{
	return index < 0 || index >= 3 * MOST_PUS ? NULL : by_index[index];
}

static bool is_ours(hwloc_obj_t pu)
{
	return hwloc_bitmap_isset(hwloc_topology_get_allowed_cpuset(hw), pu->os_index);
}

static hwloc_obj_t core_of(hwloc_obj_t pu)
{
	return hwloc_get_ancestor_obj_by_type(hw, HWLOC_OBJ_CORE, pu);
}

static hwloc_obj_t llc_of(hwloc_obj_t pu)
{
	hwloc_obj_t found = NULL;

	for (hwloc_obj_t obj = pu; obj; obj = obj->parent)
		if (hwloc_obj_type_is_dcache(obj->type))
			found = obj;
	return found;
}

/* Which of its core's PUs that are ours it is. */
static unsigned rank_of(hwloc_obj_t pu)
{
	hwloc_obj_t core = core_of(pu), other = core ? core : pu;
	unsigned rank = 0;

	while (other->first_child)
		other = other->first_child;
	for (; other != pu; other = other->next_cousin)
		rank += is_ours(other);
	return rank;
}

static bool has_memory(hwloc_obj_t node)
{
	return node->attr->numanode.local_memory || !hwloc_get_root_obj(hw)->total_memory;
}

static bool is_usable(hwloc_obj_t node)
{
	return has_memory(node) &&
	       hwloc_bitmap_isset(hwloc_topology_get_allowed_nodeset(hw), node->os_index);
}

/* The node with the fewest PUs that has this one, the first of equals. */
static hwloc_obj_t node_around(hwloc_obj_t pu, bool usable)
{
	hwloc_obj_t node = NULL, best = NULL;

	while ((node = hwloc_get_next_obj_by_type(hw, HWLOC_OBJ_NUMANODE, node)))
		if (hwloc_bitmap_isset(node->cpuset, pu->os_index) &&
		    (!usable || is_usable(node)) &&
		    (!best ||
		     hwloc_bitmap_weight(node->cpuset) < hwloc_bitmap_weight(best->cpuset)))
			best = node;
	return best;
}

static unsigned count_ours(hwloc_obj_t part)
{
	hwloc_bitmap_t set = hwloc_bitmap_dup(part->cpuset);
	unsigned count;

	hwloc_bitmap_and(set, set, hwloc_topology_get_allowed_cpuset(hw));
	count = (unsigned)hwloc_bitmap_weight(set);
	hwloc_bitmap_free(set);
	return count;
}

/* --- Laws of every plan --- */

static int index_of(hwloc_obj_t obj)
{
	if (!obj)
		return -1;
	return (int)(obj->os_index == HWLOC_UNKNOWN_INDEX ? obj->logical_index : obj->os_index);
}

static bool latency(hwloc_obj_t from, hwloc_obj_t to, hwloc_uint64_t *found)
{
	struct hwloc_distances_s *d;
	hwloc_uint64_t back;
	unsigned nr = 1;
	bool known;

	if (!from || hwloc_distances_get_by_type(hw, HWLOC_OBJ_NUMANODE, &nr, &d, 0, 0) || !nr)
		return false;
	known = !hwloc_distances_obj_pair_values(d, from, to, found, &back);
	hwloc_distances_release(hw, d);
	return known;
}

/* Where no usable node is around a PU its memory comes from the nearest. */
static void check_remote_node(hwloc_obj_t pu, hwloc_obj_t memory)
{
	hwloc_obj_t own = node_around(pu, false), node = NULL, part;
	hwloc_uint64_t its, other;

	if (latency(own, memory, &its)) {
		while ((node = hwloc_get_next_obj_by_type(hw, HWLOC_OBJ_NUMANODE, node)))
			if (is_usable(node) && latency(own, node, &other))
				LAW(other >= its);
		return;
	}
	for (part = pu; part; part = part->parent) {
		if (hwloc_bitmap_isset(part->nodeset, memory->os_index))
			return;
		while ((node = hwloc_get_next_obj_by_type(hw, HWLOC_OBJ_NUMANODE, node)))
			LAW(!is_usable(node) || !hwloc_bitmap_isset(part->nodeset, node->os_index));
	}
}

static void check_node(hwloc_obj_t pu, int index)
{
	hwloc_obj_t near = node_around(pu, true), node = NULL, memory = NULL;
	bool any = false;

	while ((node = hwloc_get_next_obj_by_type(hw, HWLOC_OBJ_NUMANODE, node))) {
		any |= is_usable(node);
		if (index == index_of(node))
			memory = node;
	}
	if (!any) {
		LAW(index == -1);
		return;
	}
	if (!LAW(memory && is_usable(memory)))
		return;
	if (near)
		LAW(memory == near);
	else
		check_remote_node(pu, memory);
}

static void check_columns(unsigned room)
{
	for (unsigned i = 0; i < room; i++) {
		hwloc_obj_t pu = pus[i];

		if (!LAW(pu && is_ours(pu)))
			return;
		LAW(slots[i].core == index_of(core_of(pu)));
		LAW(slots[i].l3 ==
		    index_of(hwloc_get_ancestor_obj_by_type(hw, HWLOC_OBJ_L3CACHE, pu)));
		LAW(slots[i].package ==
		    index_of(hwloc_get_ancestor_obj_by_type(hw, HWLOC_OBJ_PACKAGE, pu)));
		check_node(pu, slots[i].node);
	}
}

/* Distinct while they last, then the same again. */
static void check_rounds(unsigned room)
{
	hwloc_bitmap_t seen = hwloc_bitmap_alloc();

	for (unsigned i = 0; i < room; i++)
		if (LAW(slots[i].pu >= 0))
			hwloc_bitmap_set(seen, (unsigned)slots[i].pu);
	LAW(hwloc_bitmap_weight(seen) == (int)room);
	hwloc_bitmap_free(seen);
	for (unsigned i = room; i < threads; i++)
		LAW(!memcmp(&slots[i], &slots[i - room], sizeof(*slots)));
}

static void check_beginning(const char *policy)
{
	static struct pin_slot fewer[2 * MOST_PUS + 3];
	unsigned some = threads / 2 + 1;

	if (some >= threads || !LAW(!pin_plan(topo, policy, some, fewer, NULL, NULL, 0)))
		return;
	LAW(!memcmp(fewer, slots, some * sizeof(*slots)));
}

/* --- Laws of orders --- */

static void forget_notes(void)
{
	for (int depth = 0; depth < hwloc_topology_get_depth(hw); depth++)
		for (hwloc_obj_t obj = hwloc_get_obj_by_depth(hw, depth, 0); obj;
		     obj = obj->next_cousin)
			memset(obj->userdata, 0, sizeof(struct note));
	for (hwloc_obj_t obj = hwloc_get_obj_by_type(hw, HWLOC_OBJ_NUMANODE, 0); obj;
	     obj = obj->next_cousin)
		memset(obj->userdata, 0, sizeof(struct note));
}

/*
 * One more PU of this rank from `part`, which takes turns with others inside of `whole`: nobody
 * has a second turn before all that still can have had the first.
 */
static bool takes_its_turn(struct note *whole, struct note *part, unsigned rank)
{
	bool holds;

	if (part->rank != rank)
		*part = (struct note){.rank = rank};
	if (whole->rank != rank)
		*whole = (struct note){.rank = rank};
	holds = part->taken >= whole->last_taken;
	whole->last_taken = part->taken++;
	return holds;
}

/* First all first PUs of cores, then all second ones, ... */
static void check_ranks(unsigned room)
{
	for (unsigned i = 1; i < room; i++)
		LAW(rank_of(pus[i]) >= rank_of(pus[i - 1]));
}

/* The PUs of each part of the machine follow one another. */
static void check_nearest_first(unsigned room)
{
	forget_notes();
	for (unsigned i = 0; i < room; i++)
		for (hwloc_obj_t part = pus[i]->parent; part; part = part->parent) {
			struct note *note = part->userdata;

			LAW(!note->taken || note->last_taken == i - 1);
			note->taken++;
			note->last_taken = i;
		}
}

/* Every part of the machine takes from the parts that it consists of, in turn. */
static void check_scattered(unsigned room)
{
	/* Notes of a part as a child and as a whole, apart. */
	static struct note as_whole[8 * MOST_PUS];
	unsigned whole = 0;

	forget_notes();
	memset(as_whole, 0, sizeof(as_whole));
	for (unsigned i = 0; i < room; i++)
		for (hwloc_obj_t part = pus[i]; part->parent; part = part->parent) {
			whole = (unsigned)part->parent->gp_index % (8 * MOST_PUS);
			LAW(takes_its_turn(&as_whole[whole], part->userdata, 1 + rank_of(pus[i])));
		}
}

/* The groups take turns, and have their first turns in the machine's order. */
static void check_across(unsigned room, hwloc_obj_t (*group_of)(hwloc_obj_t pu))
{
	struct note whole = {0};
	unsigned groups = 0;

	forget_notes();
	for (unsigned i = 0; i < room; i++) {
		hwloc_obj_t group = group_of(pus[i]);
		struct note *note = group ? group->userdata : NULL;

		if (!LAW(group))
			return;
		if (!note->rank) {
			LAW(groups == i || rank_of(pus[i]));
			groups++;
		}
		LAW(takes_its_turn(&whole, note, 1 + rank_of(pus[i])));
	}
}

/* --- Each policy --- */

static hwloc_obj_t node_of(hwloc_obj_t pu)
{
	hwloc_obj_t own = node_around(pu, false), node = NULL;
	struct pin_slot slot;

	if (own)
		return own;
	if (pin_slot_of(topo, (int)pu->os_index, &slot))
		return NULL;
	while ((node = hwloc_get_next_obj_by_type(hw, HWLOC_OBJ_NUMANODE, node)))
		if (slot.node == index_of(node))
			return node;
	return NULL;
}

/* Plans; room is how many PUs the policy should have, 0 where it should refuse. */
static bool plan(const char *policy, unsigned room, bool wraps)
{
	char why[512] = "";
	bool oversubscribed;
	int err;

	threads = room && wraps ? room + room / 2 + 1 : room ? room : 1;
	err = pin_plan(topo, policy, threads, slots, &oversubscribed, why, sizeof(why));
	if (!room) {
		LAW(err == -ENOTSUP && *why && !strchr(why, '\n'));
		return false;
	}
	if (!LAW(!err)) {
		fprintf(stderr, "  %s: %s\n", policy, why);
		return false;
	}
	LAW(oversubscribed == (threads > room));
	if (!wraps)
		LAW(pin_plan(topo, policy, room + 1, slots, NULL, NULL, 0) == -ENOTSUP);
	for (unsigned i = 0; i < threads; i++)
		pus[i] = pu_of(slots[i].pu);
	check_rounds(room);
	check_columns(room);
	check_beginning(policy);
	return !check_failures;
}

static void check_whole(void)
{
	unsigned all = pin_pu_count(topo);

	LAW(all == count_ours(hwloc_get_root_obj(hw)));
	if (plan("compact", all, true))
		check_nearest_first(all);
	if (plan("scatter", all, true)) {
		check_ranks(all);
		check_scattered(all);
	}
	threads = all + 1;
	LAW(!pin_plan(topo, "none", threads, slots, NULL, NULL, 0));
	for (unsigned i = 0; i < threads; i++)
		LAW(slots[i].pu == -1 && slots[i].core == -1 && slots[i].node == -1);
}

static void check_within(const char *policy, hwloc_obj_t (*group_of)(hwloc_obj_t pu))
{
	unsigned most = 0;

	for (hwloc_obj_t pu = hwloc_get_obj_by_type(hw, HWLOC_OBJ_PU, 0); pu; pu = pu->next_cousin)
		if (is_ours(pu) && group_of(pu) && count_ours(group_of(pu)) > most)
			most = count_ours(group_of(pu));
	if (!plan(policy, most < 2 ? 0 : most, false))
		return;
	for (unsigned i = 0; i < most; i++)
		LAW(group_of(pus[i]) == group_of(pus[0]));
	check_ranks(most);
	check_scattered(most);
}

static void check_between(const char *policy, hwloc_obj_t (*group_of)(hwloc_obj_t pu))
{
	unsigned groups = 0, members = 0;

	forget_notes();
	for (hwloc_obj_t pu = hwloc_get_obj_by_type(hw, HWLOC_OBJ_PU, 0); pu;
	     pu = pu->next_cousin) {
		hwloc_obj_t group = is_ours(pu) ? group_of(pu) : NULL;

		if (!group)
			continue;
		members++;
		groups += !((struct note *)group->userdata)->taken++;
	}
	if (!plan(policy, groups < 2 ? 0 : members, true))
		return;
	check_ranks(members);
	check_across(members, group_of);
}

static void check_kinds(void)
{
	int kinds = hwloc_cpukinds_get_nr(hw, 0);

	for (int kind = 0; kind <= kinds; kind++) {
		hwloc_bitmap_t set = hwloc_bitmap_alloc();
		char policy[32];
		unsigned members;

		if (kind < kinds)
			hwloc_cpukinds_get_info(hw, (unsigned)kind, set, NULL, NULL, NULL, 0);
		hwloc_bitmap_and(set, set, hwloc_topology_get_allowed_cpuset(hw));
		members = (unsigned)hwloc_bitmap_weight(set);
		snprintf(policy, sizeof(policy), "kind:%d", kind);
		if (plan(policy, members, true)) {
			for (unsigned i = 0; i < members; i++)
				LAW(hwloc_bitmap_isset(set, pus[i]->os_index));
			check_ranks(members);
		}
		hwloc_bitmap_free(set);
	}
}

static void check_list(void)
{
	static char text[8 * MOST_PUS];
	unsigned all = pin_pu_count(topo);
	size_t used = 0;

	for (unsigned i = all; i--;)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%d", used ? "," : "",
					 pin_pu_at(topo, i));
	if (plan(text, all, true))
		for (unsigned i = 0; i < all; i++)
			LAW(slots[i].pu == pin_pu_at(topo, all - 1 - i));
}

static void check_laws(void)
{
	check_whole();
	check_within("smt", core_of);
	check_within("llc", llc_of);
	check_between("xllc", llc_of);
	check_between("xnode", node_of);
	check_kinds();
	check_list();
}

/* --- Machines --- */

static uint64_t state;

static unsigned below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 20) % n;
}

static bool one_in(unsigned n)
{
	return !below(n);
}

static void say(const char *format, unsigned n)
{
	size_t used = strlen(description);

	snprintf(description + used, sizeof(description) - used, format, n);
}

/* Some of the levels that there are, each with a few children, and memory somewhere. */
static unsigned describe_levels(void)
{
	static const char *const levels[] = {"group", "pack", "die", "l4",
					     "l3",    "l2",   "l1",  "core"};
	unsigned nr = 1, memories = 0;

	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		unsigned arity = 1 + below(levels[i][0] == 'c' ? 6 : 3);

		if (one_in(3) || nr * arity > 64)
			continue;
		if (*description)
			strcat(description, " ");
		strcat(description, levels[i]);
		say(":%u", arity);
		nr *= arity;
		while (memories < 3 && one_in(4)) {
			strcat(description, " [numa]");
			memories++;
		}
	}
	return nr;
}

/* OS indexes with gaps, in any order. */
static void describe_indexes(unsigned nr)
{
	unsigned index[256] = {0};

	for (unsigned i = 0; i < nr; i++) {
		unsigned other = below(i + 1);

		index[i] = index[other];
		index[other] = 3 * i + 1;
	}
	for (unsigned i = 0; i < nr; i++)
		say(i ? ",%u" : "(indexes=%u", index[i]);
	strcat(description, ")");
}

static hwloc_bitmap_t some_of(hwloc_const_bitmap_t set, unsigned share)
{
	hwloc_bitmap_t some = hwloc_bitmap_alloc();
	unsigned bit;

	hwloc_bitmap_foreach_begin(bit, set) if (below(100) < share) hwloc_bitmap_set(some, bit);
	hwloc_bitmap_foreach_end();
	return some;
}

static hwloc_topology_t build(void)
{
	hwloc_topology_t made;

	if (hwloc_topology_init(&made) || hwloc_topology_set_synthetic(made, description) ||
	    hwloc_topology_set_flags(made, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) ||
	    hwloc_topology_load(made)) {
		fprintf(stderr, "hwloc does not build %s\n", description);
		exit(1);
	}
	return made;
}

static void take_away(hwloc_topology_t made)
{
	hwloc_bitmap_t left;

	if (one_in(3)) {
		left = some_of(hwloc_topology_get_topology_cpuset(made), 70);
		if (!hwloc_bitmap_iszero(left) && !hwloc_topology_restrict(made, left, 0))
			say("; PUs taken away", 0);
		hwloc_bitmap_free(left);
	}
	if (one_in(4)) {
		left = some_of(hwloc_topology_get_topology_nodeset(made), 60);
		if (!hwloc_bitmap_iszero(left) &&
		    !hwloc_topology_restrict(made, left, HWLOC_RESTRICT_FLAG_BYNODESET))
			say("; nodes taken away", 0);
		hwloc_bitmap_free(left);
	}
}

static void forbid(hwloc_topology_t made)
{
	hwloc_bitmap_t cpus = some_of(hwloc_topology_get_topology_cpuset(made), 60);
	hwloc_bitmap_t nodes = some_of(hwloc_topology_get_topology_nodeset(made), 60);

	if (one_in(3) && !hwloc_bitmap_iszero(cpus) && !hwloc_bitmap_iszero(nodes) &&
	    !hwloc_topology_allow(made, cpus, one_in(2) ? nodes : NULL, HWLOC_ALLOW_FLAG_CUSTOM))
		say("; some forbidden", 0);
	hwloc_bitmap_free(nodes);
	hwloc_bitmap_free(cpus);
}

static void give_memory(hwloc_topology_t made)
{
	unsigned long long total = 0;
	hwloc_obj_t node = NULL;

	if (one_in(2))
		return;
	while ((node = hwloc_get_next_obj_by_type(made, HWLOC_OBJ_NUMANODE, node))) {
		node->attr->numanode.local_memory = one_in(3) ? 0 : 1 << 20;
		total += node->attr->numanode.local_memory;
	}
	hwloc_get_root_obj(made)->total_memory = total;
	say("; memory in some nodes", 0);
}

static void give_kinds(hwloc_topology_t made)
{
	hwloc_bitmap_t rest = hwloc_bitmap_dup(hwloc_topology_get_topology_cpuset(made));

	for (int kind = 0; one_in(2) && kind < 3; kind++) {
		hwloc_bitmap_t set = some_of(rest, 50);

		if (!hwloc_bitmap_iszero(set) &&
		    !hwloc_cpukinds_register(made, set, kind, 0, NULL, 0))
			say("; kind %u", (unsigned)kind);
		hwloc_bitmap_andnot(rest, rest, set);
		hwloc_bitmap_free(set);
	}
	hwloc_bitmap_free(rest);
}

static void give_latencies(hwloc_topology_t made)
{
	hwloc_obj_t nodes[256];
	static hwloc_uint64_t values[256 * 256];
	unsigned nr = 0;
	hwloc_obj_t node = NULL;
	hwloc_distances_add_handle_t add;

	while (nr < 256 && (node = hwloc_get_next_obj_by_type(made, HWLOC_OBJ_NUMANODE, node)))
		nodes[nr++] = node;
	if (nr < 2 || one_in(2))
		return;
	for (unsigned i = 0; i < nr * nr; i++)
		values[i] = i % (nr + 1) ? 11 + below(40) : 10;
	add = hwloc_distances_add_create(
		made, NULL, HWLOC_DISTANCES_KIND_FROM_USER | HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0);
	if (add && !hwloc_distances_add_values(made, add, nr, nodes, values, 0) &&
	    !hwloc_distances_add_commit(made, add, 0))
		say("; latencies", 0);
}

/* Take out the line where an object begins and the one where it ends, not what is between. */
static void drop_object(char *from)
{
	char *begin = from, *end, *next;
	size_t indent;

	while (begin[-1] != '\n')
		begin--;
	indent = strspn(begin, " ");
	for (end = strchr(begin, '\n') + 1; *end; end = strchr(end, '\n') + 1)
		if (strspn(end, " ") == indent)
			break;
	next = strchr(end, '\n') + 1;
	memmove(end, next, strlen(next) + 1);
	next = strchr(begin, '\n') + 1;
	memmove(begin, next, strlen(next) + 1);
}

/* Memory comes before all other children. */
static bool has_node(const char *object)
{
	const char *child = strchr(object, '\n') + 1;

	child += strspn(child, " ");
	return !strncmp(child, "<object type=\"NUMANode\"", strlen("<object type=\"NUMANode\""));
}

/*
 * Packages that have no L3, or other caches than their neighbours; but not where that would put
 * children out of the order that hwloc wants.
 */
static void drop_caches(char *xml)
{
	char *at = xml;

	if (one_in(2) || strstr(description, "indexes") || strstr(xml, " cpuset=\"0x0\""))
		return;
	while ((at = strstr(at, "<object type=\"L"))) {
		if (one_in(3) && !has_node(at))
			drop_object(at);
		else
			at++;
	}
	say("; caches dropped", 0);
}

static void write_xml(hwloc_topology_t made)
{
	FILE *to = fopen(xml_path, "w");
	char *xml;
	int size;

	if (!to || hwloc_topology_export_xmlbuffer(made, &xml, &size, 0)) {
		perror(xml_path);
		exit(1);
	}
	drop_caches(xml);
	fputs(xml, to);
	fclose(to);
	hwloc_free_xmlbuffer(made, xml);
}

static void note_all(void)
{
	static struct note notes[8 * MOST_PUS];
	struct note *note = notes;

	for (int depth = 0; depth < hwloc_topology_get_depth(hw); depth++)
		for (hwloc_obj_t obj = hwloc_get_obj_by_depth(hw, depth, 0); obj;
		     obj = obj->next_cousin)
			obj->userdata = note++;
	for (hwloc_obj_t obj = hwloc_get_obj_by_type(hw, HWLOC_OBJ_NUMANODE, 0); obj;
	     obj = obj->next_cousin)
		obj->userdata = note++;
	memset(by_index, 0, sizeof(by_index));
	for (hwloc_obj_t obj = hwloc_get_obj_by_type(hw, HWLOC_OBJ_PU, 0); obj;
	     obj = obj->next_cousin)
		by_index[obj->os_index] = obj;
}

/* Both sides read the same file. */
static bool load(void)
{
	struct pin_source source = {.xml = xml_path};
	char why[512];

	if (hwloc_topology_init(&hw) || hwloc_topology_set_xml(hw, xml_path) ||
	    hwloc_topology_set_flags(hw, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) ||
	    hwloc_topology_set_icache_types_filter(hw, HWLOC_TYPE_FILTER_KEEP_ALL) ||
	    hwloc_topology_load(hw)) {
		hwloc_topology_destroy(hw);
		return LAW(!"hwloc loads what it wrote");
	}
	if (!pin_topology_load(&topo, &source, why, sizeof(why)))
		return true;
	fprintf(stderr, "  %s\n", why);
	hwloc_topology_destroy(hw);
	return LAW(!"the planner loads what hwloc loads");
}

static void check_machine(hwloc_topology_t made)
{
	write_xml(made);
	hwloc_topology_destroy(made);
	if (!load())
		return;
	note_all();
	check_laws();
	pin_topology_free(topo);
	hwloc_topology_destroy(hw);
}

static void check_random(unsigned long number)
{
	hwloc_topology_t made;
	unsigned nr, siblings;

	seed = number;
	state = number * 0x9e3779b97f4a7c15u + 1;
	for (int i = 0; i < 8; i++)
		below(2);
	*description = '\0';
	siblings = 1 + below(4);
	nr = describe_levels() * siblings;
	say(*description ? " pu:%u" : "pu:%u", siblings);
	if (one_in(2) && nr <= 256)
		describe_indexes(nr);
	made = build();
	give_memory(made);
	give_latencies(made);
	give_kinds(made);
	take_away(made);
	forbid(made);
	check_machine(made);
}

/* --- Large ones --- */

static const char *const large[] = {"node:8 pack:2 l3:16 core:16 pu:2",
				    "group:16 [numa] pack:4 [numa] l2:32 core:1 pu:4"};

static void check_large(const char *machine, bool judged)
{
	struct pin_source source = {.synthetic = machine};
	clock_t start = clock();

	CHECK(!pin_topology_load(&topo, &source, NULL, 0));
	CHECK(pin_pu_count(topo) == MOST_PUS);
	CHECK(!pin_plan(topo, "scatter", MOST_PUS, slots, NULL, NULL, 0));
	CHECK(!pin_plan(topo, "xllc", MOST_PUS, slots, NULL, NULL, 0));
	CHECK(!pin_plan(topo, "list:0-8191", MOST_PUS, slots, NULL, NULL, 0));
	pin_topology_free(topo);
	/* 0.1 s; the rest is for sanitizers and emulators. */
	CHECK((clock() - start) / CLOCKS_PER_SEC < 5);
	if (!judged)
		return;
	state = 1;
	snprintf(description, sizeof(description), "%s", machine);
	check_machine(build());
}

int main(int argc, char **argv)
{
	const char *scale = getenv("MNBENCH_TEST_SCALE");
	double share = scale ? atof(scale) : 1; /* an emulator gets less than all */
	unsigned long machines = (unsigned long)(MACHINES * share);
	int fd = mkstemp(xml_path);

	if (fd < 0) {
		perror(xml_path);
		return 1;
	}
	close(fd);
	if (argc > 1) {
		check_random(strtoul(argv[1], NULL, 10));
		puts(description);
	}
	for (unsigned long i = 0; argc == 1 && i < machines && !check_failures; i++)
		check_random(i);
	for (size_t i = 0; argc == 1 && i < sizeof(large) / sizeof(*large); i++)
		check_large(large[i], share >= 1 && !SANITIZED);
	unlink(xml_path);
	return check_result();
}
