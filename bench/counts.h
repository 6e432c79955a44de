/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an operation executes, counted by qemu-user's plugin: exact, and the
 * same in every run. See platforms/qemu/count.h for what counts as what.
 */
#ifndef MNBENCH_COUNTS_H
#define MNBENCH_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "../platforms/qemu/count.h"
#include "op.h"

struct row;

/* Per operation, on the average over OPS of them. */
struct counts {
	double per_op[COUNT_KINDS];
	uint64_t ops;
};

/*
 * Opens PATH for a table of counts, and finds the plugin, which answers in
 * PATH.answer. 0; -ENOTSUP: nobody counts here; -errno. `why` then has one line.
 */
int counts_open(const char *path, char *why, size_t len);

/*
 * Counts the operation of T, which is set up, on this thread, between
 * counts_open() and counts_close(). 0, or -errno with run->why.
 */
int counts_measure(struct op_thread *t, struct counts *result);

/* A line of the table: ROW's key, and its error or the counts. counts_close() tells of errors. */
void counts_write(const struct row *row, const struct counts *counts);

/* 0, or -errno with one line in `why`: the table is not whole. */
int counts_close(char *why, size_t len);

#endif
