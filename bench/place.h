/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a lock lies, and beside what: a factor. In each place every thread
 * writes a word after each operation, and not under the lock, as what is next
 * to a lock in a structure is written:
 *
 *	page      the lock has a page to itself, each word a line elsewhere
 *	line      the words are on the lock's page, on other lines
 *	shared    the words are on the lock's own line
 *	remote    as page, but on another node than the first thread
 */
#ifndef MNBENCH_PLACE_H
#define MNBENCH_PLACE_H

#include <stddef.h>
#include <stdint.h>

#include "op.h"

/* A parameter of an operation; in the full profile only. */
#define PLACE_PARAM                                                                                \
	{                                                                                          \
		"place", 4, {0, 1, 2, 3}, 0                                                        \
	}
#define PLACE_NAMES                                                                                \
	{                                                                                          \
		"place", place_names                                                               \
	}

extern const char *const place_names[];

/* The largest that can be placed, and how it is aligned at least. */
#define PLACE_ROOM  1024
#define PLACE_ALIGN 16

struct place {
	unsigned char *page, *words;
	void *object; /* zeroed memory for what has the lock at its beginning */
	long where;
	unsigned int threads;
};

/*
 * As the run's parameter "place" says. 0, -ENOMEM, or -ENOTSUP with run->why:
 * there is one node only. Either way place_free() is allowed.
 */
int place_make(struct op_run *run, struct place *p);
void place_free(struct place *p);

/* The word that the thread writes. Several may have one: it is stored to, and never read. */
uint32_t *place_word(const struct place *p, const struct op_thread *t);

#endif
