/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows as lines of RFC 4180, for rows.c. */
#ifndef MNBENCH_ROWLINE_H
#define MNBENCH_ROWLINE_H

#include "rows.h"

#define ROW_SCHEMA "1"

/* With the line's end. The caller frees; NULL: out of memory. */
char *rowline_header(size_t *size);
char *rowline_rows(const struct row *rows, size_t count, size_t *size);

/*
 * Reads the row at *AT, in text that ends with a NUL, and moves *AT behind its line. The row points
 * into the text, which is changed. NULL, or what is wrong with it.
 */
const char *rowline_parse(char **at, struct row *row);

#endif
