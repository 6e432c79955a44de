/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Write a file in one piece: after a kill or an error there is the old one or the new one. */
#ifndef MNBENCH_SAVEFILE_H
#define MNBENCH_SAVEFILE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Write `size` bytes beside `path`, or beside the file that it is a link to, and rename. Devices,
 * pipes and what stands behind a link in /dev or /proc are appended to instead.
 * 0, or -errno with one line in `why` that names the file; NULL and 0: no message wanted.
 */
int savefile(const char *path, const void *data, size_t size, char *why, size_t len);

/* Whether `path` is one that may be replaced by a new file, and not one that is appended to. */
bool savefile_replaces(const char *path);

#ifdef __cplusplus
}
#endif

#endif
