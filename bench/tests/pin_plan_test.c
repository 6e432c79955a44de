/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans on machines that are not here: hwloc's synthetic ones, and XML made of them. What holds for
 * every plan is in pin_laws_test.c.
 */
#define _GNU_SOURCE 1
#include "check.h"
#include "pin.h"

#include <errno.h>
#include <hwloc.h>
#include <stdlib.h>
#include <unistd.h>

/* A plan as text: its PUs, with `+` when oversubscribed; or the error and why. */
static const char *planned(const struct pin_topology *topo, const char *policy, unsigned threads)
{
	static char text[4096];
	struct pin_slot slots[64];
	char why[256] = "";
	bool oversubscribed = false;
	int err = pin_plan(topo, policy, threads, slots, &oversubscribed, why, sizeof(why));
	size_t used = 0;

	if (err) {
		snprintf(text, sizeof(text), "%s: %s", err == -ENOTSUP ? "skip" : "bad", why);
		return text;
	}
	*text = '\0';
	for (unsigned i = 0; i < threads; i++)
		used += (size_t)sprintf(text + used, "%s%d", i ? " " : "", slots[i].pu);
	if (oversubscribed)
		strcat(text, " +");
	return text;
}

static struct pin_topology *load(const char *xml, const char *synthetic)
{
	struct pin_source source = {.xml = xml, .synthetic = synthetic};
	struct pin_topology *topo = NULL;
	char why[256] = "";

	if (pin_topology_load(&topo, &source, why, sizeof(why))) {
		fprintf(stderr, "cannot load %s: %s\n", xml ? xml : synthetic, why);
		exit(1);
	}
	return topo;
}

struct expected {
	const char *policy;
	unsigned threads;
	const char *plan;
};

static void check_plans(struct pin_topology *topo, const char *name,
			const struct expected *expected)
{
	unsigned before = check_failures;

	for (; expected->policy; expected++) {
		CHECK_TEXT(planned(topo, expected->policy, expected->threads), expected->plan);
		if (check_failures != before)
			fprintf(stderr, "  on %s: %s:%u\n", name, expected->policy,
				expected->threads);
		before = check_failures;
	}
	pin_topology_free(topo);
}

static void synthetic(const char *description, const struct expected *expected)
{
	check_plans(load(NULL, description), description, expected);
}

static void test_two_nodes_with_siblings(void)
{
	static const struct expected expected[] = {
		{"none", 3, "-1 -1 -1"},
		{"none", 33,
		 "-1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 "
		 "-1 -1 -1 -1 -1 -1 -1 -1 -1 -1 +"},
		{"compact", 1, "0"},
		{"compact", 5, "0 1 2 3 4"},
		{"compact", 34,
		 "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 "
		 "26 27 28 29 30 31 0 1 +"},
		{"scatter", 4, "0 16 2 18"},
		/* The second PU of a core only when every core has a thread. */
		{"scatter", 33,
		 "0 16 2 18 4 20 6 22 8 24 10 26 12 28 14 30 1 17 3 19 5 21 7 23 9 25 "
		 "11 27 13 29 15 31 0 +"},
		{"smt", 1, "0"},
		{"smt", 2, "0 1"},
		{"smt", 3, "skip: pin policy smt: the largest core here has 2 PUs for 3 threads"},
		{"llc", 2, "skip: pin policy llc: no two PUs here are known to share a cache"},
		{"xllc", 2, "skip: pin policy xllc: no two last-level caches are known here"},
		{"xnode", 4, "0 16 2 18"},
		{"kind:0", 2, "skip: pin policy kind:0: no PU of that kind; kinds known here: 0"},
		{"list:7,1,0", 3, "7 1 0"},
		{"list:7,1,0", 4, "7 1 0 7 +"},
		{"5-7,0", 4, "5 6 7 0"},
		{"3", 2, "3 3 +"},
		{"31,32", 1, "skip: pin policy '31,32': PU 32 is not on this machine"},
		{"0-2147483647", 1,
		 "skip: pin policy '0-2147483647': PU 32 is not on this machine"},
		{0}};

	synthetic("node:2 core:8 pu:2", expected);
}

static void test_two_caches_a_package(void)
{
	static const struct expected expected[] = {
		{"compact", 3, "0 1 2"},
		/* In turn over packages, then over the caches of each, then over cores. */
		{"scatter", 9, "0 16 8 24 2 18 10 26 4"},
		{"smt", 2, "0 1"},
		{"llc", 5, "0 2 4 6 1"},
		{"llc", 8, "0 2 4 6 1 3 5 7"},
		{"llc", 9,
		 "skip: pin policy llc: the largest last-level cache here has 8 PUs for 9 threads"},
		/* The nearest other cache is in the same package. */
		{"xllc", 6, "0 8 16 24 2 10"},
		{"xnode", 2, "skip: pin policy xnode: no two NUMA nodes with PUs to use here"},
		{0}};

	synthetic("pack:2 l3:2 core:4 pu:2", expected);
}

static void test_what_is_absent(void)
{
	static const struct expected no_smt[] = {
		{"smt", 1, "skip: pin policy smt: no core here has two PUs to use"},
		{"scatter", 4, "0 2 1 3"},
		{0}};
	static const struct expected single[] = {
		{"compact", 1, "0"},
		{"compact", 2, "0 0 +"},
		{"scatter", 2, "0 0 +"},
		{"smt", 1, "skip: pin policy smt: no core here has two PUs to use"},
		{"llc", 1, "skip: pin policy llc: no two PUs here are known to share a cache"},
		{"xllc", 1, "skip: pin policy xllc: no two last-level caches are known here"},
		{0}};
	static const struct expected shared_l2[] = {
		{"llc", 4, "0 1 2 3"}, {"xllc", 3, "0 4 1"}, {0}};
	static const struct expected private_l2[] = {
		{"llc", 1, "skip: pin policy llc: no two PUs here are known to share a cache"},
		{"xllc", 3, "0 1 2"},
		{0}};
	static const struct expected behind_l4[] = {{"llc", 4, "0 2 1 3"}, {"xllc", 2, "0 4"}, {0}};
	static const struct expected flat[] = {
		{"compact", 3, "0 1 2"}, {"scatter", 3, "0 1 2"}, {0}};

	synthetic("pack:2 core:2 pu:1", no_smt);
	synthetic("pack:1 l3:1 l2:1 core:1 pu:1", single);
	synthetic("pack:1 l2:2 core:4 pu:1", shared_l2);
	synthetic("pack:1 l2:4 core:1 pu:1", private_l2);
	synthetic("pack:1 l4:2 l3:2 core:2 pu:1", behind_l4);
	synthetic("pu:4", flat);
}

static void test_odd_trees(void)
{
	static const struct expected groups[] = {{"scatter", 5, "0 8 4 12 2"}, {0}};
	/* Two memories at the same PUs are one place for a thread. */
	static const struct expected two_memories[] = {{"xnode", 3, "0 4 1"}, {0}};

	synthetic("group:2 group:2 pack:2 core:2 pu:1", groups);
	synthetic("pack:2 [numa] [numa] core:4 pu:1", two_memories);
	synthetic("pack:2 [numa(memory=1GB)] [numa(memory=2GB)] core:4 pu:1", two_memories);
}

static void test_malformed(void)
{
	static const struct {
		const char *policy, *part;
	} cases[] = {
		{"", "pin policy '': unknown; use none, compact,"},
		{"Compact", "pin policy 'Compact': unknown"},
		{"compact ", "unknown"},
		{"smt2", "unknown"},
		{"kind", "unknown"},
		{"list", "unknown"},
		{"-1", "unknown"},
		{"kind:", "'kind:': malformed"},
		{"kind:x", "'kind:x': malformed"},
		{"kind:-1", "malformed"},
		{"kind:1x", "malformed"},
		{"kind:4294967296", "malformed"},
		{"list:", "'list:': malformed; write PUs by OS index, as 0,2,5-7"},
		{"list:a", "malformed"},
		{"0,", "'0,': malformed"},
		{"0,,1", "malformed"},
		{"0-", "malformed"},
		{"3-1", "malformed"},
		{"0-1-2", "malformed"},
		{"0 1", "malformed"},
		{"0x1", "malformed"},
		{"99999999999999999999", "malformed"},
		{"1,0-3", "PU 1 is in it twice"},
	};
	struct pin_topology *topo = load(NULL, "core:4 pu:2");
	struct pin_slot slot;
	char why[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CHECK(pin_plan(topo, cases[i].policy, 1, &slot, NULL, why, sizeof(why)) == -EINVAL);
		CHECK_HAS(why, cases[i].part);
		CHECK(!strchr(why, '\n'));
	}
	CHECK(pin_plan(topo, "compact", 0, &slot, NULL, why, sizeof(why)) == -EINVAL);
	CHECK_TEXT(why, "pin policy compact: no threads; ask for 1 or more");
	CHECK(pin_plan(topo, "foo", 1, &slot, NULL, NULL, 0) == -EINVAL);
	pin_topology_free(topo);
}

/* --- Machines that a description cannot give: changed by hwloc, and handed over as XML --- */

static char xml_path[] = "/tmp/mnbench-pin-XXXXXX";

static hwloc_topology_t build(const char *description)
{
	hwloc_topology_t hw;

	if (hwloc_topology_init(&hw) || hwloc_topology_set_synthetic(hw, description) ||
	    hwloc_topology_set_flags(hw, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) ||
	    hwloc_topology_load(hw)) {
		fprintf(stderr, "hwloc does not build %s\n", description);
		exit(1);
	}
	return hw;
}

static hwloc_bitmap_t bits(const char *list)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();

	hwloc_bitmap_list_sscanf(set, list);
	return set;
}

static struct pin_topology *hand_over(hwloc_topology_t hw)
{
	if (hwloc_topology_export_xml(hw, xml_path, 0)) {
		perror(xml_path);
		exit(1);
	}
	hwloc_topology_destroy(hw);
	return load(xml_path, NULL);
}

static void test_holes(void)
{
	static const struct expected expected[] = {
		{"compact", 5, "1 2 4 7 1 +"},
		/* Core 0 has only PU 1 left, core 3 only PU 7: both are firsts of their core. */
		{"scatter", 4, "1 4 2 7"},
		{"smt", 1, "skip: pin policy smt: no core here has two PUs to use"},
		{"list:0", 1, "skip: pin policy 'list:0': PU 0 is not on this machine"},
		{"list:7,1", 2, "7 1"},
		{0}};
	hwloc_topology_t hw = build("pack:2 core:2 pu:2");
	hwloc_bitmap_t left = bits("1,2,4,7");

	CHECK(!hwloc_topology_restrict(hw, left, 0));
	hwloc_bitmap_free(left);
	check_plans(hand_over(hw), "holes", expected);
}

static void test_allowed_set(void)
{
	static const struct expected expected[] = {
		{"compact", 4, "2 3 6 2 +"},
		{"scatter", 3, "2 6 3"},
		{"smt", 2, "2 3"},
		{"list:2-4", 1,
		 "skip: pin policy 'list:2-4': PU 4 is outside of the process's allowed set"},
		{0}};
	hwloc_topology_t hw = build("pack:2 core:2 pu:2");
	hwloc_bitmap_t allowed = bits("2,3,6");
	struct pin_topology *topo;
	struct pin_slot slot;
	char text[128];

	CHECK(!hwloc_topology_allow(hw, allowed, NULL, HWLOC_ALLOW_FLAG_CUSTOM));
	hwloc_bitmap_free(allowed);
	topo = hand_over(hw);
	CHECK(pin_pu_count(topo) == 3);
	CHECK(pin_pu_at(topo, 0) == 2 && pin_pu_at(topo, 2) == 6);
	CHECK(pin_pu_at(topo, 3) == -ENOENT);
	CHECK(pin_slot_of(topo, 6, &slot) == 0 && slot.package == 1 && slot.core == 3);
	CHECK(pin_slot_of(topo, 0, &slot) == -EPERM);
	CHECK(pin_slot_of(topo, 8, &slot) == -ENOENT);
	CHECK(pin_slot_of(topo, -1, &slot) == -ENOENT);
	pin_describe(topo, text, sizeof(text));
	CHECK_TEXT(text, "2 packages, 2 of 4 cores, 3 of 8 PUs, 0 L3 caches, 1 NUMA node");
	check_plans(topo, "allowed set", expected);
}

/* PUs whose node is gone are counted to the node of their memory. */
static void test_node_removed(void)
{
	static const struct expected expected[] = {
		{"compact", 4, "0 1 2 3"}, {"xnode", 6, "0 4 2 5 1 3"}, {0}};
	hwloc_topology_t hw = build("node:3 core:2 pu:1");
	hwloc_bitmap_t nodes = bits("0,2");
	struct pin_topology *topo;
	struct pin_slot slot;

	CHECK(!hwloc_topology_restrict(hw, nodes, HWLOC_RESTRICT_FLAG_BYNODESET));
	hwloc_bitmap_free(nodes);
	topo = hand_over(hw);
	CHECK(!pin_slot_of(topo, 2, &slot) && slot.node == 0 && slot.pu == 2);
	CHECK(!pin_slot_of(topo, 4, &slot) && slot.node == 2);
	check_plans(topo, "node removed", expected);
}

/* Groups of unequal size take turns in every round of siblings, not only in the first. */
static void test_unequal_turns(void)
{
	static const struct expected expected[] = {
		{"scatter", 10, "0 4 2 6 8 1 5 3 7 9"}, {"xllc", 10, "0 4 2 6 8 1 5 3 7 9"}, {0}};
	hwloc_topology_t hw = build("pack:2 l3:1 core:3 pu:2(indexes=0,1,2,3,10,11,4,5,6,7,8,9)");
	hwloc_bitmap_t left = bits("0-9");

	CHECK(!hwloc_topology_restrict(hw, left, 0));
	hwloc_bitmap_free(left);
	check_plans(hand_over(hw), "unequal packages", expected);
}

/* By the table of latencies where there is one, else by the tree. */
static void test_remote_memory(bool told)
{
	static const struct expected expected[] = {{"xnode", 5, "0 1 2 3 0 +"}, {0}};
	hwloc_uint64_t latencies[] = {10, 20, 20, 20, 20, 10, 30, 20,
				      20, 30, 10, 20, 15, 20, 20, 10};
	hwloc_topology_t hw = build("group:2 node:2 core:1 pu:1");
	hwloc_obj_t nodes[4];
	struct pin_topology *topo;
	struct pin_slot slot;

	for (unsigned i = 0; i < 4; i++) {
		nodes[i] = hwloc_get_obj_by_type(hw, HWLOC_OBJ_NUMANODE, i);
		nodes[i]->attr->numanode.local_memory = i % 2 ? 0 : 1 << 20;
	}
	hwloc_get_root_obj(hw)->total_memory = 2 << 20;
	if (told) {
		hwloc_distances_add_handle_t add = hwloc_distances_add_create(
			hw, NULL,
			HWLOC_DISTANCES_KIND_FROM_USER | HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0);

		CHECK(add && !hwloc_distances_add_values(hw, add, 4, nodes, latencies, 0));
		CHECK(!hwloc_distances_add_commit(hw, add, 0));
	}
	topo = hand_over(hw);
	CHECK(!pin_slot_of(topo, 1, &slot) && slot.node == 0);
	CHECK(!pin_slot_of(topo, 3, &slot));
	CHECK(slot.node == (told ? 0 : 2));
	check_plans(topo, "nodes without memory", expected);
}

static void check_nodes(struct pin_topology *topo, const char *name, int first, int last)
{
	struct pin_slot slots[2];

	CHECK(!pin_slot_of(topo, 0, &slots[0]) && !pin_slot_of(topo, 3, &slots[1]));
	if (!CHECK(slots[0].node == first && slots[1].node == last))
		fprintf(stderr, "  on %s: %d, %d\n", name, slots[0].node, slots[1].node);
	pin_topology_free(topo);
}

/* Two packages, each with two nodes of these sizes. */
static struct pin_topology *with_memory(unsigned long long first, unsigned long long second)
{
	hwloc_topology_t hw = build("pack:2 [numa] [numa] core:2 pu:1");
	hwloc_obj_t node = NULL;

	while ((node = hwloc_get_next_obj_by_type(hw, HWLOC_OBJ_NUMANODE, node)))
		node->attr->numanode.local_memory = node->os_index % 2 ? second : first;
	return hand_over(hw);
}

static void test_which_node(void)
{
	static const char swapped[] = "pack:2 [numa(indexes=3,2,1,0)] [numa] core:2 pu:1";
	static const char near_and_far[] =
		"[numa(memory=1GB)] pack:2 [numa(memory=1GB)] core:2 pu:1";

	check_nodes(load(NULL, swapped), swapped, 2, 0);
	check_nodes(load(NULL, near_and_far), near_and_far, 0, 1);
	check_nodes(with_memory(1 << 20, 2 << 20), "both nodes with memory", 0, 2);
	check_nodes(with_memory(0, 1 << 20), "the first node without memory", 1, 3);
	check_nodes(with_memory(0, 0), "no word of memory", 0, 2);
}

static void test_kinds(void)
{
	static const struct expected expected[] = {
		/* Fast cores 0 and 1 have two PUs, slow cores 4 to 7 have one. */
		{"kind:1", 4, "0 2 1 3"},
		{"kind:1", 5, "0 2 1 3 0 +"},
		{"kind:0", 3, "4 5 6"},
		{"kind:2", 1, "skip: pin policy kind:2: no PU of that kind; kinds known here: 2"},
		{"smt", 2, "0 1"},
		{"scatter", 7, "0 4 2 5 6 7 1"},
		{0}};
	hwloc_topology_t hw;
	hwloc_bitmap_t fast, slow, left;

	/* Two clusters; the second loses its cores' second PUs. */
	hw = build("l2:2 core:4(indexes=0,2,8,9,4,5,6,7) "
		   "pu:2(indexes=0,1,2,3,20,21,22,23,4,10,5,11,6,12,7,13)");
	left = bits("0-7");
	CHECK(!hwloc_topology_restrict(hw, left, 0));
	fast = bits("0-3");
	slow = bits("4-7");
	CHECK(!hwloc_cpukinds_register(hw, slow, 1, 0, NULL, 0));
	CHECK(!hwloc_cpukinds_register(hw, fast, 2, 0, NULL, 0));
	hwloc_bitmap_free(left);
	hwloc_bitmap_free(fast);
	hwloc_bitmap_free(slow);
	check_plans(hand_over(hw), "two kinds", expected);
}

/* --- Large ones --- */

static void test_thousands_of_pus(void)
{
	struct pin_topology *topo = load(NULL, "node:4 pack:2 l3:4 core:32 pu:4");
	struct pin_slot slot;
	struct pin_cache cache;
	char text[128];

	CHECK(pin_pu_count(topo) == 4096);
	CHECK(!pin_slot_of(topo, 4095, &slot));
	CHECK(slot.core == 1023 && slot.l3 == 31 && slot.package == 7 && slot.node == 3);
	pin_describe(topo, text, sizeof(text));
	CHECK_TEXT(text, "8 packages, 1024 cores, 4096 PUs, 32 L3 caches, 4 NUMA nodes");
	CHECK(!pin_cache_at(topo, 0, &cache));
	CHECK(cache.level == 3 && cache.count == 32 && cache.shared == 128);
	CHECK_TEXT(cache.type, "unified");
	CHECK(pin_cache_at(topo, 1, &cache) == -ENOENT);
	pin_topology_free(topo);
}

/* --- Text --- */

static void test_printed_plan(void)
{
	struct pin_topology *topo = load(NULL, "pack:2 l3:1 core:2 pu:2");
	struct pin_slot slots[3] = {[2] = {-1, -1, -1, -1, -1}};
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	CHECK(!pin_plan(topo, "scatter", 2, slots, NULL, NULL, 0));
	pin_print_plan(to, slots, 3);
	fclose(to);
	CHECK_TEXT(text, "0\t0\t0\t0\t0\t0\n1\t4\t2\t1\t1\t0\n2\t-\t-\t-\t-\t-\n");
	free(text);
	pin_topology_free(topo);
}

static void test_split(void)
{
	static const char *const cases[][5] = {
		{"compact", "compact"},
		{"compact,smt", "compact", "smt"},
		{"0,2,5-7", "0,2,5-7"},
		{"compact,list:0,2,5-7,smt", "compact", "list:0,2,5-7", "smt"},
		{"kind:1,2,3,none", "kind:1", "2,3", "none"},
		{"", ""},
		{"smt,,llc,", "smt", "", "llc", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *rest = cases[i][0], *policy;
		unsigned n = 1;
		size_t len;
		char one[32];

		while ((policy = pin_policy_next(&rest, &len)) && n < 5) {
			snprintf(one, sizeof(one), "%.*s", (int)len, policy);
			CHECK_TEXT(one, cases[i][n] ? cases[i][n] : "(nothing)");
			n++;
		}
		CHECK(n == 5 || !cases[i][n]);
	}
}

static void test_bad_sources(void)
{
	static const struct {
		const char *xml, *synthetic;
		int err;
		const char *why;
	} cases[] = {
		{"/nonexistent/t.xml", NULL, -ENOENT,
		 "/nonexistent/t.xml: No such file or directory"},
		{"/etc/passwd", NULL, -EINVAL, "/etc/passwd: not a topology"},
		{NULL, "node:x", -EINVAL, "node:x: not a topology; write it as hwloc does"},
		{NULL, "pack:2 pu:2(indexes=3,9,9,5)", -EINVAL,
		 "contradicts itself, hwloc says: Failed with"},
		{NULL, "core:2 pu:1(indexes=0,2000000)", -EINVAL, "Invalid argument"},
		{NULL, "", -EINVAL, ": not a topology"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pin_source source = {cases[i].xml, cases[i].synthetic};
		struct pin_topology *topo = NULL;
		char why[256] = "";

		CHECK(pin_topology_load(&topo, &source, why, sizeof(why)) == cases[i].err);
		CHECK(!topo);
		CHECK_HAS(why, cases[i].why);
	}
	pin_topology_free(NULL);
}

int main(void)
{
	int fd = mkstemp(xml_path);

	if (fd < 0) {
		perror(xml_path);
		return 1;
	}
	close(fd);
	test_two_nodes_with_siblings();
	test_two_caches_a_package();
	test_what_is_absent();
	test_odd_trees();
	test_malformed();
	test_holes();
	test_allowed_set();
	test_unequal_turns();
	test_node_removed();
	test_remote_memory(true);
	test_remote_memory(false);
	test_which_node();
	test_kinds();
	test_thousands_of_pus();
	test_printed_plan();
	test_split();
	test_bad_sources();
	unlink(xml_path);
	return check_result();
}
