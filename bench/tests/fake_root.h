/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder with a /proc and a /sys of our own in it. */
#ifndef MNBENCH_TESTS_FAKE_ROOT_H
#define MNBENCH_TESTS_FAKE_ROOT_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char fake_root[] = "/tmp/mnbench-root-XXXXXX";

static inline void fake_make(void)
{
	strcpy(fake_root + sizeof(fake_root) - 7, "XXXXXX");
	if (!mkdtemp(fake_root))
		exit(1);
}

static inline int fake_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static inline void fake_remove(void)
{
	nftw(fake_root, fake_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* In place, as the kernel's files change: under who has it open. */
static inline void fake_file(const char *name, const char *text)
{
	char path[256], folder[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", fake_root, name);
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
		mkdir(folder, 0755);
	}
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file))
		exit(1);
}

/* A file of a PU's folder. */
static inline void fake_number(int pu, const char *name, unsigned long number)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/%s", pu, name);
	snprintf(text, sizeof(text), "%lu\n", number);
	fake_file(path, text);
}

#endif
