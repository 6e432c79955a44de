/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether hwloc, which reads sysfs, and the kernel's other voices tell the same of this machine.
 * They differ where a container shows files that somebody made up, where PUs come and go, and
 * where either has a bug; plans and pin columns are wrong then.
 */
#define _GNU_SOURCE 1
#include "pin_agree.h"
#include "pin_hw.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_PUS (1 << 16)

struct comparison {
	const struct pin_topology *topo;
	const char *root;
	char *text;
	size_t len, used;
};

static void differs(struct comparison *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void differs(struct comparison *c, const char *format, ...)
{
	va_list args;
	int n = snprintf(c->text + c->used, c->len - c->used, c->used ? "; " : "");

	if (c->used + (size_t)n >= c->len)
		return;
	c->used += (size_t)n;
	va_start(args, format);
	n = vsnprintf(c->text + c->used, c->len - c->used, format, args);
	va_end(args);
	c->used += (size_t)n < c->len - c->used ? (size_t)n : c->len - c->used - 1;
}

static FILE *open_below(const struct comparison *c, const char *path)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "%s%s", c->root, path);
	return fopen(whole, "re");
}

/* --- Which PUs there are --- */

static void compare_pus(struct comparison *c, const char *where, hwloc_const_bitmap_t told)
{
	hwloc_const_bitmap_t seen = hwloc_get_root_obj(c->topo->hw)->cpuset;
	char ours[64], theirs[64];

	if (hwloc_bitmap_isequal(seen, told))
		return;
	hwloc_bitmap_list_snprintf(ours, sizeof(ours), seen);
	hwloc_bitmap_list_snprintf(theirs, sizeof(theirs), told);
	differs(c, "hwloc sees PUs %s, %s has %s", ours, where, theirs);
}

static void compare_online(struct comparison *c, hwloc_bitmap_t told)
{
	static const char path[] = "/sys/devices/system/cpu/online";
	FILE *file = open_below(c, path);
	char line[4096];

	if (!file)
		return;
	if (fgets(line, sizeof(line), file) && !hwloc_bitmap_list_sscanf(told, line))
		compare_pus(c, path, told);
	fclose(file);
}

/* Those of the caller at load; they may be fewer, but none that hwloc does not see. */
static void compare_affinity(struct comparison *c, hwloc_bitmap_t told)
{
	static cpu_set_t mask[MOST_PUS / CPU_SETSIZE];
	hwloc_const_bitmap_t seen = hwloc_get_root_obj(c->topo->hw)->cpuset;
	long bytes = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	char theirs[64];

	if (bytes < 0) {
		differs(c, "sched_getaffinity: %s", strerror(errno));
		return;
	}
	hwloc_bitmap_zero(told);
	for (int pu = 0; pu < 8 * bytes; pu++)
		if (CPU_ISSET_S((size_t)pu, sizeof(mask), mask))
			hwloc_bitmap_set(told, (unsigned)pu);
	if (hwloc_bitmap_isincluded(told, seen))
		return;
	hwloc_bitmap_andnot(told, told, seen);
	hwloc_bitmap_list_snprintf(theirs, sizeof(theirs), told);
	differs(c, "hwloc does not see PUs %s, which sched_getaffinity allows", theirs);
}

/* --- /proc/cpuinfo --- */

struct cpuinfo {
	int pu;
	bool told_package, told_core; /* one example of each is enough */
};

static hwloc_obj_t above(const struct comparison *c, int pu, hwloc_obj_type_t type)
{
	hwloc_obj_t obj = pu < 0 ? NULL : hwloc_get_pu_obj_by_os_index(c->topo->hw, (unsigned)pu);

	return obj ? hwloc_get_ancestor_obj_by_type(c->topo->hw, type, obj) : NULL;
}

static void compare_part(struct comparison *c, int pu, hwloc_obj_type_t type, const char *name,
			 int told, bool *reported)
{
	hwloc_obj_t part = above(c, pu, type);

	if (!part || part->os_index == HWLOC_UNKNOWN_INDEX || (int)part->os_index == told ||
	    *reported)
		return;
	differs(c, "hwloc has PU %d in %s %u, /proc/cpuinfo in %d", pu, name, part->os_index, told);
	*reported = true;
}

static void read_line(struct comparison *c, const char *line, struct cpuinfo *cpu,
		      hwloc_bitmap_t told)
{
	int number;

	if (sscanf(line, "processor : %d", &number) == 1 && number >= 0 && number < MOST_PUS) {
		cpu->pu = number;
		hwloc_bitmap_set(told, (unsigned)number);
	} else if (sscanf(line, "physical id : %d", &number) == 1) {
		compare_part(c, cpu->pu, HWLOC_OBJ_PACKAGE, "package", number, &cpu->told_package);
	} else if (sscanf(line, "core id : %d", &number) == 1) {
		compare_part(c, cpu->pu, HWLOC_OBJ_CORE, "core", number, &cpu->told_core);
	}
}

static void compare_cpuinfo(struct comparison *c, hwloc_bitmap_t told)
{
	FILE *file = open_below(c, "/proc/cpuinfo");
	struct cpuinfo cpu = {.pu = -1};
	char *line = NULL;
	size_t room = 0;

	if (!file)
		return;
	hwloc_bitmap_zero(told);
	while (getline(&line, &room, file) >= 0)
		read_line(c, line, &cpu, told);
	free(line);
	fclose(file);
	if (!hwloc_bitmap_iszero(told))
		compare_pus(c, "/proc/cpuinfo", told);
}

/* --- Where a thread really runs --- */

static bool has_node(const struct comparison *c, unsigned node, unsigned pu)
{
	hwloc_obj_t obj = hwloc_get_numanode_obj_by_os_index(c->topo->hw, node);

	return obj && hwloc_bitmap_isset(obj->cpuset, pu);
}

static void compare_here(struct comparison *c, const struct pin_slot *slot)
{
	unsigned pu, node;
	int err = pin_bind_self(c->topo, slot);

	if (err)
		differs(c, "PU %d cannot be run on: %s", slot->pu, strerror(-err));
	else if (syscall(SYS_getcpu, &pu, &node, NULL))
		differs(c, "getcpu: %s", strerror(errno));
	else if ((int)pu != slot->pu)
		differs(c, "a thread bound to PU %d runs on PU %u", slot->pu, pu);
	else if (!has_node(c, node, pu))
		differs(c, "the kernel has PU %u in node %u, hwloc has not", pu, node);
}

/* On the first PU of every node, and of every package where those are smaller. */
static void compare_places(struct comparison *c)
{
	const struct pin_table *table = &c->topo->table;

	for (unsigned i = 0; i < table->nr && c->used + 1 < c->len; i++) {
		const struct pin_place *place = &table->place[i], *before = place - 1;

		if (!i || place->group[PIN_NODE] != before->group[PIN_NODE] ||
		    place->slot.package != before->slot.package)
			compare_here(c, &place->slot);
	}
	pin_unbind_self(c->topo);
}

bool pin_agrees_below(const struct pin_topology *topo, const char *root, char *text, size_t len)
{
	struct comparison c = {.topo = topo, .root = root, .text = text, .len = len};
	hwloc_bitmap_t told;

	*text = '\0';
	if (!topo->original)
		return true;
	told = hwloc_bitmap_alloc();
	if (!told)
		return true;
	compare_online(&c, told);
	compare_affinity(&c, told);
	compare_cpuinfo(&c, told);
	compare_places(&c);
	hwloc_bitmap_free(told);
	return !c.used;
}

bool pin_agrees(const struct pin_topology *topo, char *text, size_t len)
{
	return pin_agrees_below(topo, "", text, len);
}
