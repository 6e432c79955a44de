/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE 1
#include "rows.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEMA "1"

struct rows {
	int fd;
	bool regular; /* a file that has an end to go back to */
	char path[];
};

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

static void put_text(FILE *line, const char *text)
{
	bool quoted = text[strcspn(text, ",\"\r\n")];

	if (quoted)
		putc('"', line);
	while (*text) {
		size_t length = text_utf8(text);

		if (*text == '"')
			putc('"', line);
		fwrite(length ? text : "?", 1, length ? length : 1, line);
		text += length ? length : 1;
	}
	if (quoted)
		putc('"', line);
}

static void put_cell(FILE *line, const struct row *row, const struct column *column, bool failed)
{
	char number[TEXT_NUMBER];

	if (column->cell == TEXT) {
		const char *text = text_in(row, column);

		put_text(line, text ? text : "");
	} else if (isfinite(number_in(row, column)) && !(failed && column->cell == FIGURE)) {
		text_number(number, number_in(row, column));
		fputs(number, line);
	}
}

/* The header where there is no row. The caller frees; NULL: out of memory. */
static char *make_line(const struct row *row, size_t *size)
{
	bool failed = row && row->error && *row->error;
	char *text = NULL;
	FILE *line = open_memstream(&text, size);

	if (!line)
		return NULL;
	fputs(row ? SCHEMA : "schema", line);
	for (size_t i = 0; i < COLUMNS; i++) {
		putc(',', line);
		if (row)
			put_cell(line, row, &columns[i], failed);
		else
			fputs(columns[i].name, line);
	}
	putc('\n', line);
	if (!fclose(line))
		return text;
	free(text);
	return NULL;
}

/*
 * One write(2), so that a kill finds it all in the file or nothing. (Linux may still cut a write
 * in two where it crosses a page, if SIGKILL comes just between: rows_open() refuses the rest.)
 */
static int append(const struct rows *rows, const char *line, size_t size)
{
	off_t end = rows->regular ? lseek(rows->fd, 0, SEEK_END) : 0;
	ssize_t n;
	int err;

	if (end < 0)
		return -errno;
	do {
		n = write(rows->fd, line, size);
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)size)
		return 0;
	err = n < 0 ? -errno : -ENOSPC;
	if (n > 0 && rows->regular && ftruncate(rows->fd, end))
		err = -errno;
	return err;
}

static int append_line(const struct rows *rows, const struct row *row, char *why, size_t len)
{
	size_t size;
	char *line = make_line(row, &size);
	int err = line ? append(rows, line, size) : -ENOMEM;

	free(line);
	return err ? text_fail(err, why, len, "%s: %s", rows->path, strerror(-err)) : 0;
}

/* Whether a file with something in it may be continued. */
static int check_content(const struct rows *rows, off_t end, char *why, size_t len)
{
	size_t size;
	char *header = make_line(NULL, &size), *found = header ? calloc(1, size + 1) : NULL;
	char last = 0;
	int err = 0;

	if (!found)
		err = text_fail(-ENOMEM, why, len, "%s: %s", rows->path, strerror(ENOMEM));
	else if (pread(rows->fd, found, size, 0) < 0 || pread(rows->fd, &last, 1, end - 1) < 0)
		err = text_fail(-errno, why, len, "%s: %s", rows->path, strerror(errno));
	else if (strcmp(found, header))
		err = text_fail(-EINVAL, why, len,
				"%s: line 1 is not the header of schema " SCHEMA
				"; name another file",
				rows->path);
	else if (last != '\n')
		err = text_fail(-EINVAL, why, len,
				"%s: the last line is cut off; remove it, or name another file",
				rows->path);
	free(found);
	free(header);
	return err;
}

static int start(struct rows *rows, char *why, size_t len)
{
	struct stat st;

	if (fstat(rows->fd, &st))
		goto fail;
	rows->regular = S_ISREG(st.st_mode);
	if (!rows->regular)
		return append_line(rows, NULL, why, len);
	if (flock(rows->fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			goto fail;
		return text_fail(-EBUSY, why, len,
				 "%s: another run is writing to it; wait, or name another file",
				 rows->path);
	}
	/* Only what is there under the lock counts. */
	if (fstat(rows->fd, &st))
		goto fail;
	if (st.st_size)
		return check_content(rows, st.st_size, why, len);
	return append_line(rows, NULL, why, len);
fail:
	return text_fail(-errno, why, len, "%s: %s", rows->path, strerror(errno));
}

static int open_file(const char *path)
{
	struct stat st;

	/* A pipe that we could read from would never tell us that its reader has gone. */
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	return open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
}

int rows_open(struct rows **result, const char *path, char *why, size_t len)
{
	struct rows *rows = calloc(1, sizeof(*rows) + strlen(path) + 1);
	int err;

	if (!rows)
		return text_fail(-ENOMEM, why, len, "%s: %s", path, strerror(ENOMEM));
	strcpy(rows->path, path);
	rows->fd = open_file(path);
	if (rows->fd < 0) {
		err = text_fail(-errno, why, len, "%s: %s", path, strerror(errno));
		goto fail;
	}
	err = start(rows, why, len);
	if (err)
		goto fail_close;
	*result = rows;
	return 0;
fail_close:
	close(rows->fd);
fail:
	free(rows);
	return err;
}

int rows_append(struct rows *rows, const struct row *row, char *why, size_t len)
{
	struct row dated = *row;
	char utc[TEXT_UTC];

	if (!dated.utc) {
		text_utc(utc);
		dated.utc = utc;
	}
	return append_line(rows, &dated, why, len);
}

int rows_close(struct rows *rows, char *why, size_t len)
{
	int err = 0;

	if (!rows)
		return 0;
	if (rows->regular && fsync(rows->fd))
		err = -errno;
	if (close(rows->fd) && !err)
		err = -errno;
	if (err)
		text_fail(err, why, len, "%s: %s", rows->path, strerror(-err));
	free(rows);
	return err;
}
