/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "counts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "part.h"
#include "plant.h"
#include "rows.h"
#include "text.h"

/*
 * A run of MANY operations less one of FEW is SPAN operations and nothing else:
 * every fixed cost is in both. SPAN is a multiple of each pass (steady.h), and
 * once through all the keys that are looked up (itree_keys.h).
 */
#define FEW  256
#define SPAN 4096
#define MANY (FEW + SPAN)

struct totals {
	uint64_t count[COUNT_KINDS];
	uint64_t parts;
};

static char *table_path, *answer_path;
static FILE *table;
static uint64_t parts, tag;
static struct totals of_marks; /* what one part has that is empty */

static void begin(void)
{
	parts++;
	syscall(COUNT_SYSCALL, COUNT_BEGIN);
}

static void end(void)
{
	syscall(COUNT_SYSCALL, COUNT_END);
}

static const struct part_hooks marks = {begin, end};

/* What this thread counted since it last asked. */
static int ask(struct totals *totals)
{
	unsigned long answered = 0, n[COUNT_KINDS] = {0};
	FILE *file;
	int found = 0;

	syscall(COUNT_SYSCALL, COUNT_TELL, ++tag);
	totals->parts = parts;
	parts = 0;
	file = fopen(answer_path, "re");
	if (file) {
		found = fscanf(file, COUNT_ANSWER_FORMAT, &answered, &n[COUNT_INSNS],
			       &n[COUNT_LOADS], &n[COUNT_STORES], &n[COUNT_ATOMICS],
			       &n[COUNT_FENCES]);
		fclose(file);
	}
	for (int i = 0; i < COUNT_KINDS; i++)
		totals->count[i] = n[i];
	return found == 1 + COUNT_KINDS && answered == tag ? 0 : -ENOTSUP;
}

/* What is between a pair of marks and belongs to them. */
static int weigh_marks(void)
{
	int ret = ask(&of_marks);

	if (ret)
		return ret;
	part_end(part_begin());
	ret = ask(&of_marks);
	return ret || of_marks.count[COUNT_INSNS] ? ret : -ENOTSUP;
}

int counts_open(const char *path, char *why, size_t len)
{
	table_path = strdup(path);
	if (!table_path || asprintf(&answer_path, "%s.answer", path) < 0)
		return text_fail(-ENOMEM, why, len, "%s: %s", path, strerror(ENOMEM));
	part_hooks = &marks;
	if (weigh_marks())
		return text_fail(-ENOTSUP, why, len,
				 "--count=%s: nobody counts here; scripts/mnbench count runs this "
				 "under what does",
				 path);
	table = fopen(path, "we");
	if (!table)
		return text_fail(-errno, why, len, "%s: %s", path, strerror(errno));
	fputs("arch,execution,subject,family,op,variant,threads,pin,params,"
	      "insns,loads,stores,atomics,fences,error\n",
	      table);
	return 0;
}

int counts_close(char *why, size_t len)
{
	bool failed = table && ferror(table);
	int ret = 0;

	if (table && (fclose(table) || failed))
		ret = text_fail(-EIO, why, len, "%s: cannot be written", table_path);
	table = NULL;
	part_hooks = NULL;
	free(table_path);
	free(answer_path);
	table_path = answer_path = NULL;
	return ret;
}

static int count_run(struct op_thread *t, uint64_t n, struct totals *totals)
{
	const struct bench_op *op = t->run->op;

	if (op->timed) {
		op->timed(t, n);
	} else {
		uint64_t began = part_begin();

		op->run(t, n);
		plant_run(t, n);
		part_end(began);
	}
	return ask(totals);
}

int counts_measure(struct op_thread *t, struct counts *result)
{
	struct totals few, many;
	int ret = count_run(t, FEW, &few); /* to make the state steady, and lazy things done */

	if (!ret)
		ret = count_run(t, FEW, &few);
	if (!ret)
		ret = count_run(t, MANY, &many);
	if (ret) {
		t->run->why = "the plugin does not answer any more";
		return ret;
	}
	for (int i = 0; i < COUNT_KINDS; i++) {
		uint64_t of_parts = (many.parts - few.parts) * of_marks.count[i];

		result->per_op[i] =
			(double)(int64_t)(many.count[i] - few.count[i] - of_parts) / SPAN;
	}
	result->ops = SPAN;
	return 0;
}

void counts_write(const struct row *row, const struct counts *counts)
{
	const char *const before[] = {row->arch,   row->execution, row->subject,
				      row->family, row->op,	   row->variant};
	const char *const after[] = {row->pin, row->params};
	char number[TEXT_NUMBER];

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		text_cell(table, before[i]);
		putc(',', table);
	}
	fprintf(table, "%.0f", row->threads);
	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		putc(',', table);
		text_cell(table, after[i]);
	}
	for (int i = 0; i < COUNT_KINDS; i++) {
		text_number(number, counts->per_op[i]);
		fprintf(table, ",%s", row->error ? "" : number);
	}
	putc(',', table);
	text_cell(table, row->error ? row->error : "");
	putc('\n', table);
}
