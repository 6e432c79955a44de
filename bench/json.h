/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Write JSON to a stream, indented; the stream keeps the errors. */
#ifndef MNBENCH_JSON_H
#define MNBENCH_JSON_H

#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct json {
	FILE *to;
	unsigned depth;
	bool any; /* something stands already in the innermost object or array */
};

/*
 * A key is NULL in an array and for the outermost object; a NULL text is null. What is not UTF-8
 * in a text becomes '?'.
 */
void json_open(struct json *json, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *json, char bracket);
void json_text(struct json *json, const char *key, const char *text);
void json_number(struct json *json, const char *key, double number); /* not finite: null */
void json_bool(struct json *json, const char *key, bool value);

#ifdef __cplusplus
}
#endif

#endif
