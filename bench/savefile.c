/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE 1
#include "savefile.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

static int write_file(const char *path, int flags, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0666);
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, data, size);
	/* Some file systems find out only now that there is no space; pipes have no fsync. */
	if (!err && fsync(fd) && errno != EINVAL && errno != EROFS)
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

static int write_beside(const char *path, const void *data, size_t size)
{
	char *beside;
	int err;

	if (asprintf(&beside, "%s.%ld.tmp", path, (long)getpid()) < 0)
		return -ENOMEM;
	err = write_file(beside, O_CREAT | O_TRUNC, data, size);
	if (!err && rename(beside, path))
		err = -errno;
	if (err)
		unlink(beside);
	free(beside);
	return err;
}

bool savefile_replaces(const char *path)
{
	struct stat st;

	if (lstat(path, &st) || S_ISREG(st.st_mode))
		return true;
	/* What /dev/stdout and its like lead to is in use under another name, whatever it is. */
	if (!strncmp(path, "/dev/", strlen("/dev/")) || !strncmp(path, "/proc/", strlen("/proc/")))
		return false;
	return !stat(path, &st) && S_ISREG(st.st_mode);
}

int savefile(const char *path, const void *data, size_t size, char *why, size_t len)
{
	char *target = realpath(path, NULL);
	int err;

	if (savefile_replaces(path))
		err = write_beside(target ? target : path, data, size);
	else
		err = write_file(path, O_APPEND, data, size);
	free(target);
	return err ? text_fail(err, why, len, "%s: %s", path, strerror(-err)) : 0;
}
