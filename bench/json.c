/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json.h"
#include "text.h"

#include <math.h>
#include <string.h>

static void put_string(FILE *to, const char *text)
{
	putc('"', to);
	while (*text) {
		size_t length = text_utf8(text);

		if (*text == '"' || *text == '\\')
			fprintf(to, "\\%c", *text);
		else if (length == 1 && (unsigned char)*text < 0x20)
			fprintf(to, "\\u%04x", (unsigned char)*text);
		else
			fwrite(length ? text : "?", 1, length ? length : 1, to);
		text += length ? length : 1;
	}
	putc('"', to);
}

static void new_line(struct json *json)
{
	putc('\n', json->to);
	for (unsigned i = 0; i < json->depth; i++)
		fputs("  ", json->to);
}

static void begin(struct json *json, const char *key)
{
	if (json->any)
		putc(',', json->to);
	if (json->depth)
		new_line(json);
	if (key) {
		put_string(json->to, key);
		fputs(": ", json->to);
	}
	json->any = true;
}

void json_open(struct json *json, const char *key, char bracket)
{
	begin(json, key);
	putc(bracket, json->to);
	json->depth++;
	json->any = false;
}

void json_close(struct json *json, char bracket)
{
	json->depth--;
	if (json->any)
		new_line(json);
	putc(bracket, json->to);
	if (!json->depth)
		putc('\n', json->to);
	json->any = true;
}

void json_text(struct json *json, const char *key, const char *text)
{
	begin(json, key);
	if (text)
		put_string(json->to, text);
	else
		fputs("null", json->to);
}

void json_number(struct json *json, const char *key, double number)
{
	char text[TEXT_NUMBER] = "null";

	if (isfinite(number))
		text_number(text, number);
	begin(json, key);
	fputs(text, json->to);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin(json, key);
	fputs(value ? "true" : "false", json->to);
}
