/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small things of text that results and messages share; all independent of the locale. */
#ifndef MNBENCH_TEXT_H
#define MNBENCH_TEXT_H

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TEXT_NUMBER 32
#define TEXT_UTC    24

/* The shortest decimal that reads back as the same number. Finite numbers only. */
void text_number(char text[TEXT_NUMBER], double number);

/* The length of the UTF-8 character that `s` starts with; 0: it is none, or the end. */
size_t text_utf8(const char *s);

/* Write a cell of a CSV file, in quotes where it needs them; what is not UTF-8 becomes '?'. */
void text_cell(FILE *to, const char *text);

/* Now, as 2026-01-31T23:59:59Z. */
void text_utc(char text[TEXT_UTC]);

/* Adds to the text what fits into its room. */
void text_append(char *text, size_t room, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Leave a message in `why` (NULL: nowhere, then `len` is 0) and return `err`. */
int text_fail(int err, char *why, size_t len, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#ifdef __cplusplus
}
#endif

#endif
