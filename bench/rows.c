/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE 1
#include "rows.h"
#include "rowline.h"
#include "savefile.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE	    4096 /* the smallest anywhere: where a larger page ends, one of these does */
#define COPY_BUFFER 65536
#define LOCK_TRIES  100

struct rows {
	int fd;
	bool regular; /* a file that has an end to go back to */
	char *target; /* its name without links; NULL: never to be replaced */
	char *beside; /* what its copy is called until it has that name */
	char path[];
};

/* One write(2). After an error there may be a part of it. */
static int write_whole(int fd, const char *data, size_t size)
{
	ssize_t n;

	do {
		n = write(fd, data, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == (ssize_t)size ? 0 : -ENOSPC;
}

static int append_in_place(const struct rows *rows, off_t end, const char *line, size_t size)
{
	int err = write_whole(rows->fd, line, size);

	if (err && rows->regular && ftruncate(rows->fd, end))
		err = -errno;
	return err;
}

/*
 * Linux looks for SIGKILL between the pages of one write(2), and after it could copy only a part
 * because half of `line` was paged out: from one page to one page it is all or nothing.
 */
static int append_in_page(const struct rows *rows, off_t end, const char *line, size_t size)
{
	_Alignas(PAGE) char page[PAGE];

	return append_in_place(rows, end, memcpy(page, line, size), size);
}

/* A limit on the file's size would cut the row even within a page. */
static bool fits_page(off_t end, size_t size)
{
	struct rlimit limit;

	if ((size_t)end % PAGE + size > PAGE)
		return false;
	return getrlimit(RLIMIT_FSIZE, &limit) || (rlim_t)end + size <= limit.rlim_cur;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/*
 * Not if someone has moved the file, or given its name to another: that one is not ours. Nor if
 * it has a second name, which would be left with the old rows.
 */
static bool may_replace(const struct rows *rows)
{
	struct stat named, opened;

	return rows->target && !lstat(rows->target, &named) && !fstat(rows->fd, &opened) &&
	       same_file(&named, &opened) && opened.st_nlink == 1;
}

/* The owner first: that may take bits off the mode. */
static int copy_owner_and_mode(int from, int to)
{
	struct stat st;

	if (fstat(from, &st) || fchown(to, st.st_uid, st.st_gid) || fchmod(to, st.st_mode & 07777))
		return -errno;
	return 0;
}

static int copy_content(int from, int to)
{
	char buffer[COPY_BUFFER];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, buffer, sizeof(buffer), at)) > 0) {
		int err = write_whole(to, buffer, (size_t)n);

		if (err)
			return err;
		at += n;
	}
	return n ? -errno : 0;
}

static int fill_copy(int from, int to, const char *line, size_t size)
{
	/* Before it has the name, so that no other run finds it without a lock. */
	int err = flock(to, LOCK_EX | LOCK_NB) ? -errno : 0;

	if (!err)
		err = copy_owner_and_mode(from, to);
	if (!err)
		err = copy_content(from, to);
	if (!err)
		err = write_whole(to, line, size);
	/* The rows before this one must not be lost with the power either. */
	if (!err && fsync(to))
		err = -errno;
	return err;
}

/* A copy with the row in it takes the place of the file. Only the lock's holder has a copy. */
static int append_to_copy(struct rows *rows, const char *line, size_t size)
{
	int err, fd;

	unlink(rows->beside);
	fd = open(rows->beside, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = fill_copy(rows->fd, fd, line, size);
	if (!err && rename(rows->beside, rows->target))
		err = -errno;
	if (err) {
		unlink(rows->beside);
		close(fd);
		return err;
	}
	close(rows->fd);
	rows->fd = fd;
	return 0;
}

/* Its folder or its owner does not let us, it is a mount point, or the copy's name is too long. */
static bool irreplaceable(int err)
{
	static const int reasons[] = {EACCES, EPERM, EROFS, EINVAL, EXDEV, EBUSY, ENAMETOOLONG};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (err == -reasons[i])
			return true;
	return false;
}

static int append(struct rows *rows, const char *line, size_t size)
{
	off_t end = rows->regular ? lseek(rows->fd, 0, SEEK_END) : 0;
	int err;

	if (end < 0)
		return -errno;
	if (fits_page(end, size))
		return append_in_page(rows, end, line, size);
	if (may_replace(rows)) {
		err = append_to_copy(rows, line, size);
		if (!irreplaceable(err))
			return err;
	}
	return append_in_place(rows, end, line, size);
}

/* Frees the text; NULL: there was no memory for it. */
static int append_text(struct rows *rows, char *text, size_t size, char *why, size_t len)
{
	int err = text ? append(rows, text, size) : -ENOMEM;

	free(text);
	return err ? text_fail(err, why, len, "%s: %s", rows->path, strerror(-err)) : 0;
}

/* Whether a file with something in it may be continued. */
static int check_content(const struct rows *rows, off_t end, char *why, size_t len)
{
	size_t size;
	char *header = rowline_header(&size), *found = header ? calloc(1, size + 1) : NULL;
	char last = 0;
	int err = 0;

	if (!found)
		err = text_fail(-ENOMEM, why, len, "%s: %s", rows->path, strerror(ENOMEM));
	else if (pread(rows->fd, found, size, 0) < 0 || pread(rows->fd, &last, 1, end - 1) < 0)
		err = text_fail(-errno, why, len, "%s: %s", rows->path, strerror(errno));
	else if (strcmp(found, header))
		err = text_fail(-EINVAL, why, len,
				"%s: line 1 is not the header of schema " ROW_SCHEMA
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

static int open_file(const char *path)
{
	struct stat st;

	/* A pipe that we could read from would never tell us that its reader has gone. */
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	return open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
}

/* 0; -EAGAIN: since it was opened, its holder has replaced it, or someone has removed it. */
static int lock(struct rows *rows)
{
	struct stat named, opened;

	if (fstat(rows->fd, &opened))
		return -errno;
	rows->regular = S_ISREG(opened.st_mode);
	if (!rows->regular)
		return 0;
	if (flock(rows->fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return !stat(rows->path, &named) && same_file(&named, &opened) ? 0 : -EAGAIN;
}

static int open_and_lock(struct rows *rows)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		int err;

		rows->fd = open_file(rows->path);
		if (rows->fd < 0)
			return -errno;
		err = lock(rows);
		if (!err)
			return 0;
		close(rows->fd);
		if (err != -EAGAIN)
			return err;
	}
	return -EBUSY;
}

/* Settle the names of the file and its copy, and remove what a killed run has left of one. */
static int name_copy(struct rows *rows)
{
	char *slash;

	if (!rows->regular || !savefile_replaces(rows->path))
		return 0;
	rows->target = realpath(rows->path, NULL);
	if (!rows->target)
		return -errno;
	slash = strrchr(rows->target, '/');
	if (asprintf(&rows->beside, "%.*s/.%s.new", (int)(slash - rows->target), rows->target,
		     slash + 1) < 0) {
		rows->beside = NULL;
		return -ENOMEM;
	}
	unlink(rows->beside);
	return 0;
}

/* What is in it counts only under the lock. */
static int start(struct rows *rows, char *why, size_t len)
{
	int err = name_copy(rows);
	struct stat st;
	size_t size;
	char *text;

	if (!err && fstat(rows->fd, &st))
		err = -errno;
	if (err)
		return text_fail(err, why, len, "%s: %s", rows->path, strerror(-err));
	if (rows->regular && st.st_size)
		return check_content(rows, st.st_size, why, len);
	text = rowline_header(&size);
	return append_text(rows, text, size, why, len);
}

static void free_rows(struct rows *rows)
{
	free(rows->target);
	free(rows->beside);
	free(rows);
}

int rows_open(struct rows **result, const char *path, char *why, size_t len)
{
	struct rows *rows = calloc(1, sizeof(*rows) + strlen(path) + 1);
	int err;

	if (!rows)
		return text_fail(-ENOMEM, why, len, "%s: %s", path, strerror(ENOMEM));
	strcpy(rows->path, path);
	err = open_and_lock(rows);
	if (err) {
		text_fail(err, why, len, "%s: %s", path,
			  err == -EBUSY ? "another run is writing to it; wait, or name another file"
					: strerror(-err));
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
	free_rows(rows);
	return err;
}

int rows_append(struct rows *rows, const struct row *row, size_t count, char *why, size_t len)
{
	size_t size;
	char *text = rowline_rows(row, count, &size);

	return append_text(rows, text, size, why, len);
}

/* The whole of it, with a NUL behind. The caller frees; NULL: errno. */
static char *read_whole(const struct rows *rows)
{
	off_t size = lseek(rows->fd, 0, SEEK_END), done = 0;
	char *text = size < 0 ? NULL : calloc(1, (size_t)size + 1);
	ssize_t n = 1;

	for (; text && n > 0 && done < size; done += n)
		n = pread(rows->fd, text + done, (size_t)(size - done), done);
	if (!text || n >= 0)
		return text;
	free(text);
	return NULL;
}

int rows_replay(struct rows *rows, int (*fn)(const struct row *row, off_t at, void *user),
		void *user, char *why, size_t len)
{
	const char *wrong = NULL;
	char *text, *at, *start;
	size_t number = 0;
	int ret = 0;

	if (!rows->regular)
		return text_fail(-EINVAL, why, len, "%s: cannot be read back; name a file",
				 rows->path);
	text = read_whole(rows);
	if (!text)
		return text_fail(-errno, why, len, "%s: %s", rows->path, strerror(errno));
	for (at = text + strcspn(text, "\n") + 1; !ret && !wrong && *at;) {
		struct row row;

		start = at;
		number++;
		wrong = rowline_parse(&at, &row);
		if (!wrong)
			ret = fn(&row, start - text, user);
	}
	if (wrong)
		ret = text_fail(-EINVAL, why, len, "%s: row %zu: %s", rows->path, number, wrong);
	free(text);
	return ret;
}

int rows_cut(struct rows *rows, off_t at, char *why, size_t len)
{
	if (ftruncate(rows->fd, at))
		return text_fail(-errno, why, len, "%s: %s", rows->path, strerror(errno));
	return 0;
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
	free_rows(rows);
	return err;
}
