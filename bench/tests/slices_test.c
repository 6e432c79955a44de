/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How operations are cut in slices, and what their median leaves out. */
#include "check.h"
#include "slices.h"

/* Each takes 10 ns, but for those of slice SLOW. */
static struct slices cut(uint64_t ops, uint64_t pass, unsigned int slow)
{
	struct slices s = slices_begin(ops, pass);
	uint64_t n;

	while ((n = slices_next(&s)))
		slices_add(&s, n * (s.count == slow ? 1000 : 10));
	return s;
}

static void test_whole_passes(void)
{
	static const uint64_t ops[] = {1,	 255,	   256,	      257,     511,	    512,
				       256 * 64, 256 * 65, 256 * 128, 1000003, 123456789012};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct slices s = cut(ops[i], 256, SLICES_MOST);

		CHECK(s.done == ops[i] && s.count >= 1 && s.count <= SLICES_MOST);
		CHECK(s.count == 1 || s.step % 256 == 0);
		CHECK(s.total_ns == (double)ops[i] * 10 && slices_median(&s) == 10);
	}
	CHECK(cut(256 * 64, 256, 0).count == 64 && cut(256 * 65, 256, 0).count == 32);
	CHECK(cut(255, 256, 0).count == 1 && cut(511, 256, 0).count == 1);
	CHECK(cut(3, 1, 0).count == 3);
}

static void test_a_pause_is_not_in_the_median(void)
{
	for (unsigned int slow = 0; slow < SLICES_MOST; slow++) {
		struct slices s = cut(256 * 64, 256, slow);

		CHECK(s.total_ns > 2 * 10 * 256 * 64 && slices_median(&s) == 10);
	}
}

int main(void)
{
	test_whole_passes();
	test_a_pause_is_not_in_the_median();
	return check_result();
}
