/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a warm-up ends, with batches whose times are made up. */
#include "check.h"
#include "warmup.h"

#include <time.h>

/* So many batches of the times, up to the one that ends it; the last time stays. */
static unsigned int batches(const uint64_t *ns, size_t n)
{
	struct warmup w = warmup_begin();
	unsigned int i = 0;

	while (warmup_goes_on(&w, ns[i < n ? i : n - 1]))
		i++;
	return i + 1;
}

#define BATCHES(...)                                                                               \
	batches((const uint64_t[]){__VA_ARGS__},                                                   \
		sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void test_ends(void)
{
	const uint64_t ms = 1000000;

	/* Warm from the start: the first and three more. */
	CHECK(BATCHES(ms) == 4);
	/* Getting faster to the fifth. */
	CHECK(BATCHES(9 * ms, 8 * ms, 7 * ms, 6 * ms, 5 * ms) == 8);
	/* One slow batch, or two, are no end. */
	CHECK(BATCHES(9 * ms, 10 * ms, 10 * ms, 8 * ms) == 7);
	CHECK(BATCHES(9 * ms, 10 * ms, 9 * ms, 11 * ms, 8 * ms) == 4);
}

/* Batches grow until one is long enough for the clock; none of these is compared. */
static void test_grows(void)
{
	struct warmup w = warmup_begin();

	CHECK(w.batch == 1);
	CHECK(warmup_goes_on(&w, WARMUP_BATCH_NS - 1) && w.batch == 2);
	CHECK(warmup_goes_on(&w, 50) && w.batch == 4);
	CHECK(warmup_goes_on(&w, WARMUP_BATCH_NS) && w.batch == 4);
	/* From then on they are alike, though it may have become faster. */
	CHECK(warmup_goes_on(&w, WARMUP_BATCH_NS / 2) && w.batch == 4);
	CHECK(warmup_ns(&w) == WARMUP_BATCH_NS / 8.0);
}

/* A batch of one that was long for a pause in it is no measure of the others. */
static void test_pause(void)
{
	struct warmup w = warmup_begin();

	CHECK(warmup_goes_on(&w, 20 * WARMUP_BATCH_NS) && w.batch == 1);
	CHECK(warmup_goes_on(&w, 50) && w.batch == 2 && isinf(warmup_ns(&w)));
	CHECK(warmup_goes_on(&w, 2 * WARMUP_BATCH_NS) && w.batch == 2);
	CHECK(warmup_ns(&w) == WARMUP_BATCH_NS);
}

static void test_cap(void)
{
	const struct timespec nap = {0, WARMUP_MOST_NS / 4};
	struct warmup w = warmup_begin();
	unsigned int i = 1;

	/* It goes on getting faster. */
	while (warmup_goes_on(&w, 1000 * WARMUP_BATCH_NS - i) && i < 100) {
		nanosleep(&nap, NULL);
		i++;
	}
	CHECK(i > 1 && i <= 5);
}

int main(void)
{
	test_ends();
	test_grows();
	test_pause();
	test_cap();
	return check_result();
}
