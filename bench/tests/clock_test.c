/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clocks: what is found out about them. */
#include "check.h"
#include "clock.h"

#include <math.h>

#define TRIES 10 /* for what a busy machine may spoil */

static double ticks_in(const struct clock_facts *clock, uint64_t ns)
{
	uint64_t start = now_ns(), ticks = clock_ticks(clock), now;

	while ((now = now_ns()) < start + ns)
		;
	return (double)(clock_ticks(clock) - ticks) * clock->ns_per_tick / (double)(now - start);
}

static void test_survey(void)
{
	const struct clock_facts *clock = clock_survey();
	double ratio = 0;

	CHECK(clock == clock_survey());
	CHECK(!strcmp(clock->source, clock->counter ? ARCH_COUNTER_NAME : "clock_gettime"));
	CHECK(clock->cost_ns > 0 && clock->cost_ns < 100000);
	CHECK(clock->resolution_ns > 0 && clock->resolution_ns < 100000);
	CHECK(clock->ns_per_tick > 0);
	for (int i = 0; i < TRIES && fabs(ratio - 1) > 0.01; i++)
		ratio = ticks_in(clock, 5000000);
	CHECK(fabs(ratio - 1) <= 0.01);
	printf("%s costs %.1f ns, steps by %.1f ns\n", clock->source, clock->cost_ns,
	       clock->resolution_ns);
}

int main(void)
{
	test_survey();
	return check_result();
}
