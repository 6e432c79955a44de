/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a walk saw: hashed as it comes, and printed when it is asked for. */
#ifndef MN_WALK_LOG_H
#define MN_WALK_LOG_H

#include <linux/types.h>

/** log_begin - a new, empty log; PRINT shows each line too */
void log_begin(bool print);

/** log_end - the hash of all lines since */
u64 log_end(void);

/**
 * note - one line: who, at which step, and FMT with %s, %lu, %lx and %ld
 *
 * Warnings that the subject raised since the last line, and lines that it
 * printed, are counted on a line of their own before it.
 */
void note(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));

/** log_catch_stderr - from now on what the subject prints is counted, not shown
 */
void log_catch_stderr(void);

#endif
