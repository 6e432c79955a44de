/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Medians and their intervals, against known ranks. */
#include "check.h"
#include "median.h"

#include <math.h>

static void test_ranks(void)
{
	/* From tables of the binomial distribution. */
	static const struct {
		size_t n, low, high;
	} known[] = {
		{6, 1, 6},    {7, 1, 7},     {8, 1, 8},	       {9, 2, 8},   {10, 2, 9},
		{11, 2, 10},  {12, 3, 10},   {20, 6, 15},      {25, 8, 18}, {30, 10, 21},
		{50, 18, 33}, {100, 40, 61}, {1000, 469, 532},
	};
	size_t low, high;

	for (size_t n = 0; n < MEDIAN_LEAST; n++)
		CHECK(!median_ranks(n, &low, &high));
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		CHECK(median_ranks(known[i].n, &low, &high));
		if (!CHECK(low == known[i].low && high == known[i].high))
			fprintf(stderr, "  n=%zu: %zu to %zu\n", known[i].n, low, high);
	}
}

/* The tail below the lower rank is at most 2.5 %, and would not be with one rank more. */
static void test_every_size(void)
{
	for (size_t n = MEDIAN_LEAST; n <= 1000; n++) {
		long double chance = ldexpl(1, -(int)n), tail = 0;
		size_t low, high;

		CHECK(median_ranks(n, &low, &high) && high == n + 1 - low && low < high);
		for (size_t k = 0; k < low; k++) {
			tail += chance;
			chance = chance * (n - k) / (k + 1);
		}
		CHECK(tail <= 0.025L && tail + chance > 0.025L);
	}
}

static void test_medians(void)
{
	double few[] = {5, 1, 3}, even[] = {4, 1, 2, 9}, ten[10];
	struct median m;

	m = median_of(few, 0);
	CHECK(m.n == 0 && isnan(m.value) && isnan(median_spread(&m)));
	m = median_of(few, 3);
	CHECK(m.n == 3 && m.value == 3 && isnan(m.low) && isnan(m.high) &&
	      isnan(median_spread(&m)));
	m = median_of(even, 4);
	CHECK(m.value == 3);
	for (int i = 0; i < 10; i++)
		ten[i] = 100 + (i * 7 % 10); /* 100 to 109, out of order */
	m = median_of(ten, 10);
	CHECK(m.n == 10 && m.value == 104.5 && m.low == 101 && m.high == 108);
	/* The farther end counts, on either side. */
	CHECK(fabs(median_spread(&m) - 3.5 / 104.5) < 1e-12);
	ten[1] = 50;
	m = median_of(ten, 10);
	CHECK(m.low == 100);
	CHECK(fabs(median_spread(&m) - 4.5 / 104.5) < 1e-12);
	ten[1] = 101;
	ten[8] = 200;
	m = median_of(ten, 10);
	CHECK(m.high == 109);
	CHECK(fabs(median_spread(&m) - 4.5 / 104.5) < 1e-12);
}

int main(void)
{
	test_ranks();
	test_every_size();
	test_medians();
	return check_result();
}
