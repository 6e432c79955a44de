/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fuzzer's input as a stream of choices; and how a target says that something is wrong. */
#ifndef MN_FUZZ_BYTES_H
#define MN_FUZZ_BYTES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* What libFuzzer calls, once an input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
	const uint8_t *at, *end;
};

static inline bool bytes_left(const struct bytes *in)
{
	return in->at < in->end;
}

/* 0 for ever once the input is used up, so that every input means something. */
static inline unsigned int take(struct bytes *in)
{
	return bytes_left(in) ? *in->at++ : 0;
}

static inline unsigned int take_below(struct bytes *in, unsigned int n)
{
	return take(in) % n;
}

/* Close together, so that ranges meet, or at either end of the address space; seldom elsewhere. */
static inline unsigned long take_address(struct bytes *in)
{
	unsigned int how = take(in);
	unsigned long address = how >> 3;

	switch (how & 7) {
	case 0:
		return ULONG_MAX - address;
	case 1:
		for (int i = 0; i < 7; i++)
			address = address << 8 | take(in);
		return address;
	case 2:
		return address << 12;
	default:
		return address;
	}
}

#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0)) {                                                \
			fprintf(stderr, "WRONG: %s at %s:%d %s()\n", #cond, __FILE__, __LINE__,    \
				__func__);                                                         \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
