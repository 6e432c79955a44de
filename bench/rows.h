/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The results file: CSV, schema 1, one row per benchmark and repetition, appended whole. */
#ifndef MNBENCH_ROWS_H
#define MNBENCH_ROWS_H

#include <math.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One row, columns in the file's order after `schema`. Text: NULL is an empty cell; what is not
 * UTF-8 is written as '?'. Numbers: NAN is "not measured", an empty cell; so is an infinity.
 */
struct row {
	const char *run_id;
	const char *utc; /* NULL: the time of rows_append(), as 2026-01-31T23:59:59Z */
	const char *host;
	const char *arch;
	const char *execution;
	const char *subject;
	const char *family;
	const char *op;
	const char *variant;
	double threads;
	const char *pin;
	const char *params; /* key:value;key:value, sorted by the caller */
	double rep;	    /* from 0 */
	/* The figures: left out of the file when `error` is set. */
	double iterations;
	double real_ns_per_op;
	double cpu_ns_per_op;
	double ops_per_s;
	double p50_ns;
	double p90_ns;
	double p99_ns;
	double p999_ns;
	double max_ns;
	double insns_per_op;
	double overlap;
	double fairness;
	const char *flags; /* flag;flag */
	const char *error; /* why there are no figures; NULL or "" when there are */
};

/* A row of which nothing is known yet: text NULL, numbers NAN. */
void row_init(struct row *row);

struct rows;

/*
 * Open a results file for appending and lock it until rows_close(); a new or empty one gets the
 * header. A file that has another header, or whose last line is cut off, is refused untouched.
 * A path that is no regular file (/dev/stdout, a pipe) is written to without a lock.
 * Removes the copy that a killed run may have left (see rows_append()).
 * 0; -EBUSY: another run has it; -EINVAL: not such a file; -errno. `why` then has one line that
 * names the file. `why` may be NULL with a length of 0.
 */
int rows_open(struct rows **rows, const char *path, char *why, size_t len);

/*
 * Append rows, all or none of them. A kill at any moment leaves them whole: Linux may cut a
 * write(2) where a page of 4 KiB ends, so rows that fit into the file's last page are one write(2),
 * and any others go into a copy of the file, `.NAME.new` beside it, which then takes its name. A
 * link stays one, owner, group and mode are kept (ACLs are not), and the lock is never let go. That
 * takes one page's time for most rows, the whole file's for one row in about fifteen.
 *
 * A file that cannot be replaced gets all rows in place, and there a kill may cut a row that
 * crosses a page; rows_open() will refuse it. It is one in a folder that we cannot write to; of
 * an owner we cannot give it to; that is a mount point or the target of a link in /dev or /proc;
 * that has a second hard link, or a name of more than 250 bytes; or that was moved since it was
 * opened, which is not replaced by what has its name now, but followed.
 *
 * 0; -ENOSPC, -errno: the rows are not in the file, those before are. What was written in place is
 * taken back.
 */
int rows_append(struct rows *rows, const struct row *row, size_t count, char *why, size_t len);

/*
 * Give each row of the file to fn, with the place where it starts, until that returns other than 0,
 * which is returned. The row's text stays until fn returns. 0; -EINVAL: a line is no row, or the
 * file is none that can be read back; -errno. `why` has a line that names the file unless it was
 * fn that failed.
 */
int rows_replay(struct rows *rows, int (*fn)(const struct row *row, off_t at, void *user),
		void *user, char *why, size_t len);

/* Takes the rows from this place on out of the file. 0, or -errno. */
int rows_cut(struct rows *rows, off_t at, char *why, size_t len);

/* Flush to the disk, unlock and free, whatever it returns: 0, or -errno. NULL is fine. */
int rows_close(struct rows *rows, char *why, size_t len);

#ifdef __cplusplus
}
#endif

#endif
