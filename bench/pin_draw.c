/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A picture of the machine with the threads of a plan in it: a heading a part, and below it the
 * cores side by side, each with its PUs. What would take too many lines is told in sums.
 */
#define _GNU_SOURCE 1
#include "pin_hw.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 100
#define LINES 60 /* a longer picture is drawn with less detail */

struct picture {
	const struct pin_topology *topo;
	FILE *to;
	unsigned lines;
	const struct pin_slot *slots;
	unsigned threads;
	unsigned *on;	 /* threads on each place */
	unsigned *first; /* the first of them */
	int detail;	 /* depth from which parts are told in sums */
	bool terse;	 /* parts without a thread are, too */
};

/* What makes neighbours alike, so that one line can stand for all of them. */
struct shape {
	hwloc_obj_type_t type;
	unsigned cores, pus, ours, threads;
};

/* --- One line --- */

struct line {
	char text[1024];
	size_t used;
};

static void put(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct line *line, const char *format, ...)
{
	size_t room = sizeof(line->text) - line->used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->text + line->used, room, format, args);
	va_end(args);
	line->used += (size_t)n < room ? (size_t)n : room - 1;
}

/* What is too wide ends in dots. */
static void end_line(struct picture *p, struct line *line, int indent)
{
	int room = WIDTH - indent;

	if ((int)line->used > room)
		fprintf(p->to, "%*s%.*s...\n", indent, "", room - 3, line->text);
	else
		fprintf(p->to, "%*s%s\n", indent, "", line->text);
	*line = (struct line){.used = 0};
	p->lines++;
}

static void put_list(struct line *line, hwloc_const_bitmap_t set)
{
	char text[WIDTH];

	if (hwloc_bitmap_list_snprintf(text, sizeof(text), set) < (int)sizeof(text))
		put(line, "%s", text);
	else
		put(line, "%.*s...", WIDTH / 2, text);
}

static void put_count(struct line *line, unsigned count, const char *what)
{
	put(line, "%u %s%s", count, what, count == 1 ? "" : "s");
}

/* --- What is in a part --- */

static unsigned count_cores(hwloc_obj_t part)
{
	unsigned cores = 0;

	if (part->type == HWLOC_OBJ_CORE)
		return 1;
	for (hwloc_obj_t child = part->first_child; child; child = child->next_sibling)
		cores += count_cores(child);
	return cores;
}

static struct shape shape_of(const struct picture *p, hwloc_obj_t part)
{
	const struct pin_table *table = &p->topo->table;
	struct shape shape = {.type = part->type, .cores = count_cores(part)};
	unsigned pu;

	hwloc_bitmap_foreach_begin(pu, part->cpuset) int place = pin_place_of(table, (int)pu);

	shape.pus++;
	shape.ours += place >= 0;
	shape.threads += place >= 0 ? p->on[place] : 0;
	hwloc_bitmap_foreach_end();
	return shape;
}

static bool same_shape(const struct shape *a, const struct shape *b)
{
	return a->type == b->type && a->cores == b->cores && a->pus == b->pus &&
	       a->ours == b->ours && a->threads == b->threads;
}

static bool in_sums(const struct picture *p, hwloc_obj_t part)
{
	return part->depth >= p->detail || (p->terse && !shape_of(p, part).threads);
}

/* --- Names --- */

/* None in all, and the description only does not tell. */
static bool memory_is_told(hwloc_obj_t obj)
{
	while (obj->parent)
		obj = obj->parent;
	return obj->total_memory;
}

static void put_nodes(struct line *line, hwloc_obj_t obj)
{
	for (hwloc_obj_t child = obj->memory_first_child; child; child = child->next_sibling) {
		unsigned long long bytes;

		put_nodes(line, child);
		if (child->type != HWLOC_OBJ_NUMANODE)
			continue;
		bytes = child->attr->numanode.local_memory;
		put(line, ", node %d", pin_os_index(child));
		if (bytes >> 30)
			put(line, " (%llu GiB)", bytes >> 30);
		else if (bytes)
			put(line, " (%llu MiB)", bytes >> 20);
		else if (memory_is_told(child))
			put(line, " (no memory)");
	}
}

/* "L3", not "L3Cache", and "Group" whatever its depth. */
static void put_type(struct line *line, hwloc_obj_t obj)
{
	char type[32];

	hwloc_obj_type_snprintf(type, sizeof(type), obj, 0);
	put(line, "%s", obj->type == HWLOC_OBJ_GROUP ? hwloc_obj_type_string(obj->type) : type);
}

static void put_name(struct line *line, hwloc_obj_t obj)
{
	if (line->used)
		put(line, ", ");
	put_type(line, obj);
	put(line, " %d", pin_os_index(obj));
	put_nodes(line, obj);
}

/* A part that is nothing but another one is told in the same line; returns the innermost. */
static hwloc_obj_t put_names(struct line *line, hwloc_obj_t obj)
{
	for (;;) {
		put_name(line, obj);
		if (obj->arity != 1 || obj->type == HWLOC_OBJ_CORE ||
		    obj->first_child->type == HWLOC_OBJ_PU)
			return obj;
		obj = obj->first_child;
	}
}

/* --- Cores and PUs, side by side --- */

/* The core or PU that a part is with its private caches; NULL: it is more. */
static hwloc_obj_t cell_of(hwloc_obj_t obj)
{
	for (;; obj = obj->first_child) {
		if (obj->type == HWLOC_OBJ_PU)
			return obj;
		if (obj->memory_first_child)
			return NULL;
		if (obj->type == HWLOC_OBJ_CORE)
			return obj;
		if (obj->arity != 1)
			return NULL;
	}
}

static void put_pu(const struct picture *p, struct line *line, unsigned pu)
{
	int place = pin_place_of(&p->topo->table, (int)pu);

	put(line, "%u", pu);
	if (place < 0)
		put(line, " x");
	else if (!p->on[place])
		put(line, " .");
	else
		put(line, " t%u", p->first[place]);
	if (place >= 0 && p->on[place] > 1)
		put(line, "+%u", p->on[place] - 1);
}

static void put_cell(const struct picture *p, struct line *line, hwloc_obj_t cell)
{
	const char *before = "";
	unsigned pu;

	if (cell->type == HWLOC_OBJ_PU) {
		put(line, "PU ");
		put_pu(p, line, cell->os_index);
		return;
	}
	put(line, "core %d [", pin_os_index(cell));
	hwloc_bitmap_foreach_begin(pu, cell->cpuset) put(line, "%s", before);
	put_pu(p, line, pu);
	before = ", ";
	hwloc_bitmap_foreach_end();
	put(line, "]");
}

/* As many to a line as there is room for, below one another. Returns the first that is no cell. */
static hwloc_obj_t draw_cells(struct picture *p, hwloc_obj_t first, int indent)
{
	struct line line = {.used = 0}, cell;
	hwloc_obj_t obj, end;
	int width = 0, column = 0;

	for (end = first; end && cell_of(end) && (end == first || !in_sums(p, end));
	     end = end->next_sibling) {
		cell = (struct line){.used = 0};
		put_cell(p, &cell, cell_of(end));
		width = (int)cell.used > width ? (int)cell.used : width;
	}
	for (obj = first; obj != end && p->lines <= LINES; obj = obj->next_sibling) {
		if (column && column + width > WIDTH - indent) {
			end_line(p, &line, indent);
			column = 0;
		}
		cell = (struct line){.used = 0};
		put_cell(p, &cell, cell_of(obj));
		put(&line, "%*s%s", column - (int)line.used, "", cell.text);
		column += width + 2;
	}
	end_line(p, &line, indent);
	return end;
}

/* --- Parts in sums --- */

static void put_threads(const struct picture *p, struct line *line, hwloc_const_cpuset_t pus)
{
	hwloc_bitmap_t threads = hwloc_bitmap_alloc();

	for (unsigned i = 0; threads && i < p->threads; i++)
		if (p->slots[i].pu >= 0 && hwloc_bitmap_isset(pus, (unsigned)p->slots[i].pu))
			hwloc_bitmap_set(threads, i);
	if (threads)
		put_list(line, threads);
	hwloc_bitmap_free(threads);
}

static void put_sum(const struct picture *p, struct line *line, const struct shape *each,
		    hwloc_const_cpuset_t pus)
{
	if (each->cores && each->type != HWLOC_OBJ_CORE) {
		put_count(line, each->cores, "core");
		put(line, ", ");
	}
	put_count(line, each->pus, "PU");
	if (each->ours != each->pus)
		put(line, " (%u ours)", each->ours);
	put(line, each->threads ? ", " : ", no thread");
	if (each->threads)
		put_count(line, each->threads, "thread");
	put(line, "; PUs ");
	put_list(line, pus);
	if (!each->threads)
		return;
	put(line, "; threads ");
	put_threads(p, line, pus);
}

/* One line for a part and its neighbours of the same shape. Returns the first other one. */
static hwloc_obj_t draw_sum(struct picture *p, hwloc_obj_t first, int indent)
{
	struct shape each = shape_of(p, first), next;
	hwloc_bitmap_t pus = hwloc_bitmap_dup(first->cpuset);
	struct line line = {.used = 0};
	hwloc_obj_t last = first;

	if (!pus)
		return first->next_sibling;
	for (; last->next_sibling; last = last->next_sibling) {
		next = shape_of(p, last->next_sibling);
		if (!same_shape(&each, &next))
			break;
		hwloc_bitmap_or(pus, pus, last->next_sibling->cpuset);
	}
	put_name(&line, first);
	if (first != last) {
		line.used = 0;
		put_type(&line, first);
		put(&line, "s %d to %d: each ", pin_os_index(first), pin_os_index(last));
	} else {
		put(&line, ": ");
	}
	put_sum(p, &line, &each, pus);
	end_line(p, &line, indent);
	hwloc_bitmap_free(pus);
	return last->next_sibling;
}

/* --- The whole --- */

static void draw_below(struct picture *p, hwloc_obj_t part, int indent)
{
	hwloc_obj_t child = part->first_child;

	while (child && p->lines <= LINES) {
		struct line line = {.used = 0};

		if (in_sums(p, child)) {
			child = draw_sum(p, child, indent);
			continue;
		}
		if (cell_of(child)) {
			child = draw_cells(p, child, indent);
			continue;
		}
		part = put_names(&line, child);
		end_line(p, &line, indent);
		draw_below(p, part, indent + 2);
		child = child->next_sibling;
	}
}

static void draw_kinds(struct picture *p)
{
	int kinds = hwloc_cpukinds_get_nr(p->topo->hw, 0);
	hwloc_bitmap_t pus = hwloc_bitmap_alloc();
	struct line line = {.used = 0};

	for (int kind = 0; pus && kind < kinds; kind++) {
		if (hwloc_cpukinds_get_info(p->topo->hw, (unsigned)kind, pus, NULL, NULL, NULL, 0))
			continue;
		put(&line, "kind %d: PUs ", kind);
		put_list(&line, pus);
		end_line(p, &line, 0);
	}
	hwloc_bitmap_free(pus);
}

static void draw_machine(struct picture *p)
{
	hwloc_obj_t root = hwloc_get_root_obj(p->topo->hw);
	struct line line = {.used = 0};

	pin_describe(p->topo, line.text, sizeof(line.text));
	line.used = strlen(line.text);
	end_line(p, &line, 0);
	put(&line,
	    "in [ ] the PUs of a core, each with its thread (t0, t1, ...; +1: and one more), "
	    ". for none");
	if (hwloc_bitmap_weight(root->cpuset) != (int)p->topo->table.nr)
		put(&line, ", x: not ours");
	end_line(p, &line, 0);
	draw_kinds(p);
	if (p->threads && p->slots[0].pu < 0) {
		put_count(&line, p->threads, "thread");
		put(&line, ", not pinned");
		end_line(p, &line, 0);
	}
	put_nodes(&line, root);
	if (line.used) {
		memmove(line.text, line.text + 2, line.used - 1);
		line.used -= 2;
		end_line(p, &line, 0);
	}
	if (in_sums(p, root))
		draw_sum(p, root, 0);
	else
		draw_below(p, root, 0);
}

/* --- The attempts --- */

static int count_threads(struct picture *p)
{
	const struct pin_table *table = &p->topo->table;

	p->on = calloc(table->nr, sizeof(*p->on));
	p->first = calloc(table->nr, sizeof(*p->first));
	if (!p->on || !p->first)
		return -ENOMEM;
	for (unsigned i = 0; i < p->threads; i++) {
		int place = pin_place_of(table, p->slots[i].pu);

		if (place >= 0 && !p->on[place]++)
			p->first[place] = i;
	}
	return 0;
}

/* Draws in memory: 1 if that is short enough, 0 if it is not, or -ENOMEM. */
static int draw_into(struct picture *p, char **text)
{
	size_t size;

	*text = NULL;
	p->lines = 0;
	p->to = open_memstream(text, &size);
	if (!p->to)
		return -ENOMEM;
	draw_machine(p);
	if (fclose(p->to)) {
		free(*text);
		return -ENOMEM;
	}
	return p->lines <= LINES;
}

int pin_draw(FILE *to, const struct pin_topology *topo, const struct pin_slot *slots,
	     unsigned threads)
{
	struct picture p = {.topo = topo, .slots = slots, .threads = threads};
	int ret = count_threads(&p);

	p.detail = hwloc_topology_get_depth(topo->hw);
	while (!ret) {
		char *text;

		ret = draw_into(&p, &text);
		if (ret < 0)
			break;
		if (ret || !p.detail)
			fputs(text, to);
		free(text);
		if (!p.detail)
			break;
		p.detail -= p.terse;
		p.terse = true;
	}
	free(p.first);
	free(p.on);
	return ret < 0 ? ret : 0;
}
