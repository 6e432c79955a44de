/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Percentiles out of buckets, beside those of the values themselves. */
#include "check.h"
#include "histogram.h"

#include <math.h>
#include <stdlib.h>

#define MOST 20000

static struct histogram histogram, other;
static double value[MOST];
static uint64_t random_state = 88172645463325252u;

static uint64_t random_64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Every value is in one bucket, and buckets are in order: at the ends of each, and between. */
static void test_index(void)
{
	CHECK(histogram_index(0) == 0);
	CHECK(histogram_index(UINT64_MAX) == HISTOGRAM_BUCKETS - 1);
	for (uint64_t v = 0; v < 1 << 16; v++) {
		size_t step = histogram_index(v + 1) - histogram_index(v);

		CHECK(step <= 1);
	}
	for (unsigned int bit = 16; bit < 64; bit++) {
		uint64_t v = 1ull << bit;

		CHECK(histogram_index(v) == histogram_index(v - 1) + 1);
		CHECK(histogram_index(v) < HISTOGRAM_BUCKETS);
	}
}

static bool near(double found, double exact, double scale)
{
	return fabs(found - exact) <= HISTOGRAM_ERROR * exact + scale / 2;
}

static void check_near(const struct percentiles *found, const struct percentiles *exact,
		       double scale)
{
	CHECK(near(found->p50, exact->p50, scale));
	CHECK(near(found->p90, exact->p90, scale));
	CHECK(near(found->p99, exact->p99, scale));
	CHECK(near(found->p999, exact->p999, scale));
	CHECK(found->max == exact->max);
}

/* Values of all sizes up to 2^BITS, each size as often. */
static void test_error(unsigned int bits, double scale)
{
	struct percentiles found, exact;

	memset(&histogram, 0, sizeof(histogram));
	for (int i = 0; i < MOST; i++) {
		uint64_t v = random_64() >> (64 - 1 - random_64() % bits);

		histogram_add(&histogram, v);
		value[i] = (double)v * scale;
	}
	qsort(value, MOST, sizeof(*value), by_value);
	found = histogram_percentiles(&histogram, scale);
	exact = percentiles_of(value, MOST);
	check_near(&found, &exact, scale);
}

/* The percentiles of 1 to N. */
static struct percentiles of_first(uint64_t n)
{
	memset(&histogram, 0, sizeof(histogram));
	for (uint64_t v = 1; v <= n; v++) {
		histogram_add(&histogram, v);
		value[v - 1] = (double)v;
	}
	return percentiles_of(value, n);
}

static void test_exact(void)
{
	struct percentiles p = of_first(10000);

	CHECK(p.p50 == 5000 && p.p90 == 9000 && p.p99 == 9900 && p.p999 == 9990 && p.max == 10000);
	p = of_first(21);
	CHECK(p.p50 == 11 && p.max == 21);
}

/* One by one they appear, in both. */
static void check_known(uint64_t n, bool p50, bool p90, bool p99, bool p999)
{
	struct percentiles exact = of_first(n), found = histogram_percentiles(&histogram, 1);

	CHECK(!isnan(exact.p50) == p50 && !isnan(found.p50) == p50);
	CHECK(!isnan(exact.p90) == p90 && !isnan(found.p90) == p90);
	CHECK(!isnan(exact.p99) == p99 && !isnan(found.p99) == p99);
	CHECK(!isnan(exact.p999) == p999 && !isnan(found.p999) == p999);
	CHECK(!isnan(exact.max) == (n > 0) && !isnan(found.max) == (n > 0));
}

static void test_known(void)
{
	check_known(0, false, false, false, false);
	check_known(1, false, false, false, false);
	check_known(19, false, false, false, false);
	check_known(20, true, false, false, false);
	check_known(99, true, false, false, false);
	check_known(100, true, true, false, false);
	check_known(999, true, true, false, false);
	check_known(1000, true, true, true, false);
	check_known(9999, true, true, true, false);
	check_known(10000, true, true, true, true);
}

static void test_merge(void)
{
	struct percentiles found, exact = of_first(10000);

	memset(&histogram, 0, sizeof(histogram));
	memset(&other, 0, sizeof(other));
	for (uint64_t v = 1; v <= 10000; v++)
		histogram_add(v % 3 ? &histogram : &other, v);
	histogram_merge(&histogram, &other);
	CHECK(histogram.count == 10000);
	found = histogram_percentiles(&histogram, 1);
	check_near(&found, &exact, 1);
	/* The largest, of whichever it was. */
	histogram_add(&other, 1u << 20);
	histogram_merge(&histogram, &other);
	CHECK(histogram.max == 1u << 20);
	memset(&other, 0, sizeof(other));
	histogram_merge(&histogram, &other);
	CHECK(histogram.max == 1u << 20);
}

/* The middle of the last bucket may lie above all that is in it. */
static void test_within_max(void)
{
	struct percentiles found;

	memset(&histogram, 0, sizeof(histogram));
	for (int i = 0; i < 100; i++)
		histogram_add(&histogram, 1u << 20);
	found = histogram_percentiles(&histogram, 1);
	CHECK(found.p50 == 1u << 20 && found.p90 == found.max);
}

int main(void)
{
	test_index();
	test_error(63, 1);
	test_error(20, 0.37);
	test_error(10, 1);
	test_exact();
	test_known();
	test_merge();
	test_within_max();
	return check_result();
}
