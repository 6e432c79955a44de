/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rowline.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum cell { TEXT, PLACE, FIGURE }; /* numbers that say which row it is, and what was measured */

#define COLUMN(cell, column) #column, cell, offsetof(struct row, column)

/* After `schema`, in the file's order. */
static const struct column {
	const char *name;
	enum cell cell;
	size_t at;
} columns[] = {
	{COLUMN(TEXT, run_id)},
	{COLUMN(TEXT, utc)},
	{COLUMN(TEXT, host)},
	{COLUMN(TEXT, arch)},
	{COLUMN(TEXT, execution)},
	{COLUMN(TEXT, subject)},
	{COLUMN(TEXT, family)},
	{COLUMN(TEXT, op)},
	{COLUMN(TEXT, variant)},
	{COLUMN(PLACE, threads)},
	{COLUMN(TEXT, pin)},
	{COLUMN(TEXT, params)},
	{COLUMN(PLACE, rep)},
	{COLUMN(FIGURE, iterations)},
	{COLUMN(FIGURE, real_ns_per_op)},
	{COLUMN(FIGURE, cpu_ns_per_op)},
	{COLUMN(FIGURE, ops_per_s)},
	{COLUMN(FIGURE, p50_ns)},
	{COLUMN(FIGURE, p90_ns)},
	{COLUMN(FIGURE, p99_ns)},
	{COLUMN(FIGURE, p999_ns)},
	{COLUMN(FIGURE, max_ns)},
	{COLUMN(FIGURE, insns_per_op)},
	{COLUMN(FIGURE, overlap)},
	{COLUMN(FIGURE, fairness)},
	{COLUMN(TEXT, flags)},
	{COLUMN(TEXT, error)},
};

#define COLUMNS (sizeof(columns) / sizeof(*columns))

static const char *text_in(const struct row *row, const struct column *column)
{
	return *(const char *const *)((const char *)row + column->at);
}

static double number_in(const struct row *row, const struct column *column)
{
	return *(const double *)((const char *)row + column->at);
}

void row_init(struct row *row)
{
	*row = (struct row){0};
	for (size_t i = 0; i < COLUMNS; i++)
		if (columns[i].cell != TEXT)
			*(double *)((char *)row + columns[i].at) = NAN;
}

static void put_cell(FILE *line, const struct row *row, const struct column *column, bool failed)
{
	char number[TEXT_NUMBER];

	if (column->cell == TEXT) {
		const char *text = text_in(row, column);

		text_cell(line, text ? text : "");
	} else if (isfinite(number_in(row, column)) && !(failed && column->cell == FIGURE)) {
		text_number(number, number_in(row, column));
		fputs(number, line);
	}
}

static void put_row(FILE *to, const struct row *row)
{
	bool failed = row->error && *row->error;

	fputs(ROW_SCHEMA, to);
	for (size_t i = 0; i < COLUMNS; i++) {
		putc(',', to);
		put_cell(to, row, &columns[i], failed);
	}
	putc('\n', to);
}

/* The stream's text; NULL: it ran out of memory. */
static char *finish(FILE *to, char **text)
{
	if (!fclose(to))
		return *text;
	free(*text);
	return NULL;
}

char *rowline_header(size_t *size)
{
	char *text = NULL;
	FILE *to = open_memstream(&text, size);

	if (!to)
		return NULL;
	fputs("schema", to);
	for (size_t i = 0; i < COLUMNS; i++)
		fprintf(to, ",%s", columns[i].name);
	putc('\n', to);
	return finish(to, &text);
}

char *rowline_rows(const struct row *rows, size_t count, size_t *size)
{
	char *text = NULL, utc[TEXT_UTC];
	FILE *to = open_memstream(&text, size);

	if (!to)
		return NULL;
	text_utc(utc);
	for (size_t i = 0; i < count; i++) {
		struct row row = rows[i];

		if (!row.utc)
			row.utc = utc;
		put_row(to, &row);
	}
	return finish(to, &text);
}

/* ---- and back ---- */

/* What is between quotes, without them; NULL: they do not close. */
static char *unquote(char *cell)
{
	char *to = cell, *from = cell + 1;

	for (; *from; *to++ = *from++)
		if (*from == '"' && *++from != '"')
			break;
	if (!*from)
		return NULL;
	*to = '\0';
	return from;
}

/* The cell at *AT, ended by a NUL; *AT moves to the separator, which is told. NULL: not a cell. */
static char *take_cell(char **at, char *separator)
{
	char *cell = *at, *end = *cell == '"' ? unquote(cell) : cell + strcspn(cell, ",\n\"");

	if (!end || (*end != ',' && *end != '\n'))
		return NULL;
	*separator = *end;
	*end = '\0';
	*at = end + 1;
	return cell;
}

static bool parse_number(const char *cell, double *number)
{
	char *end;

	*number = *cell ? strtod(cell, &end) : NAN;
	return !*cell || (!*end && isfinite(*number));
}

static bool put_into(struct row *row, const struct column *column, const char *cell)
{
	void *place = (char *)row + column->at;

	if (column->cell != TEXT)
		return parse_number(cell, place);
	*(const char **)place = cell;
	return true;
}

const char *rowline_parse(char **at, struct row *row)
{
	char separator, *cell = take_cell(at, &separator);

	if (!cell || strcmp(cell, ROW_SCHEMA))
		return "no row of schema " ROW_SCHEMA;
	for (size_t i = 0; i < COLUMNS; i++) {
		cell = separator == ',' ? take_cell(at, &separator) : NULL;
		if (!cell)
			return "cells are missing, or badly quoted";
		if (!put_into(row, &columns[i], cell))
			return "not a number where there should be one";
	}
	return separator == '\n' ? NULL : "more cells than the header has";
}
