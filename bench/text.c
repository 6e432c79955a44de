/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Up to here every integer is a double. */
#define EXACT_INTEGERS 9007199254740992.0

/* printf's decimal point is the locale's, and may be several bytes. */
static void plain_point(char *text)
{
	char *end = text;

	for (const char *from = text; *from; from++) {
		if (strchr("0123456789+-e", *from))
			*end++ = *from;
		else if (end == text || end[-1] != '.')
			*end++ = '.';
	}
	*end = '\0';
}

void text_number(char text[TEXT_NUMBER], double number)
{
	if (number == 0)
		number = 0; /* no "-0" */
	if (fabs(number) < EXACT_INTEGERS && number == trunc(number)) {
		snprintf(text, TEXT_NUMBER, "%.0f", number);
		return;
	}
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, TEXT_NUMBER, "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	plain_point(text);
}

size_t text_utf8(const char *s)
{
	static const struct {
		unsigned char mask, lead;
		unsigned int least; /* fewer bytes would have done: not valid */
	} forms[] = {
		{0x80, 0x00, 0x1}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	const unsigned char *byte = (const unsigned char *)s;

	for (size_t more = 0; more < sizeof(forms) / sizeof(*forms); more++) {
		if ((byte[0] & forms[more].mask) != forms[more].lead)
			continue;

		unsigned int point = byte[0] & (unsigned char)~forms[more].mask;

		for (size_t i = 1; i <= more; i++) {
			if ((byte[i] & 0xc0) != 0x80)
				return 0;
			point = point << 6 | (byte[i] & 0x3f);
		}
		if (point < forms[more].least || point > 0x10ffff || (point >> 11) == 0x1b)
			return 0;
		return more + 1;
	}
	return 0;
}

void text_cell(FILE *to, const char *text)
{
	bool quoted = text[strcspn(text, ",\"\r\n")];

	if (quoted)
		putc('"', to);
	while (*text) {
		size_t length = text_utf8(text);

		if (*text == '"')
			putc('"', to);
		fwrite(length ? text : "?", 1, length ? length : 1, to);
		text += length ? length : 1;
	}
	if (quoted)
		putc('"', to);
}

void text_utc(char text[TEXT_UTC])
{
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(text, TEXT_UTC, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

void text_append(char *text, size_t room, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, room - used, format, args);
	va_end(args);
}

int text_fail(int err, char *why, size_t len, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, len, format, args);
	va_end(args);
	return err;
}
