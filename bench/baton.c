/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "baton.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "text.h"

void baton_tell(struct baton *b, const char *format, ...)
{
	va_list args;

	if (!b)
		return;
	va_start(args, format);
	vfprintf(b->out, format, args);
	va_end(args);
	if (fflush(b->out))
		b->gone = true;
}

/* The next line; false: there is none any more. */
static bool hear(struct baton *b, char answer[16])
{
	if (b->gone || !fgets(answer, sizeof(b->broken), b->in))
		b->gone = true;
	return !b->gone;
}

static int no_answer(const char *answer, char *why, size_t len)
{
	return text_fail(-EPROTO, why, len, "--baton: '%.*s' is no answer",
			 (int)strcspn(answer, "\n"), answer);
}

int baton_ask(struct baton *b, char *why, size_t len)
{
	char answer[sizeof(b->broken)];

	b->shared = false;
	if (b->broken[0])
		return no_answer(b->broken, why, len);
	if (!hear(b, answer))
		return 0;
	b->shared = !strcmp(answer, "share\n");
	if (b->shared || !strcmp(answer, "go\n"))
		return 1;
	return strcmp(answer, "skip\n") ? no_answer(answer, why, len) : 0;
}

/* In the middle of a group: whatever is wrong, it is measured to its end and told after it. */
static void wait_for_go(struct baton *b)
{
	char answer[sizeof(b->broken)];

	if (!hear(b, answer)) {
		b->shared = false;
	} else if (strcmp(answer, "go\n")) {
		b->shared = false;
		memcpy(b->broken, answer, sizeof(answer));
	}
}

void baton_next(struct baton *b, uint64_t place)
{
	if (!baton_is_shared(b))
		return;
	baton_tell(b, "next %016" PRIx64 "\n", place);
	wait_for_go(b);
}

void baton_yield(struct baton *b)
{
	baton_tell(b, "yield\n");
	wait_for_go(b);
}
