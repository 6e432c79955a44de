/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clock.h"

#include <math.h>
#include <string.h>

#include "sysfacts.h"

#define BURSTS	   50
#define LOOKS	   64
#define STRETCH_NS 10000000
#define STEADY	   0.001 /* of two stretches the counter's rates differ by less */
#define COARSER	   2	 /* a step may be the clock's own cost, which varies */

static const char clocksource[] =
	"/sys/devices/system/clocksource/clocksource0/current_clocksource";

/* The cheapest of some bursts: what else happened in the others is not the clock's. */
static void time_looks(struct clock_facts *clock)
{
	uint64_t first, before, now, step = UINT64_MAX, burst = UINT64_MAX;

	for (int b = 0; b < BURSTS; b++) {
		first = before = clock_ticks(clock);
		for (int i = 0; i < LOOKS; i++, before = now) {
			now = clock_ticks(clock);
			if (now > before && now - before < step)
				step = now - before;
		}
		if (before - first < burst)
			burst = before - first;
	}
	clock->cost_ns = (double)burst * clock->ns_per_tick / LOOKS;
	clock->resolution_ns = (double)step * clock->ns_per_tick;
}

/* The clock's ns in a tick of the counter, over one stretch. */
static double calibrate(void)
{
	struct timespec nap = {0, STRETCH_NS};
	uint64_t ns = now_ns(), ticks = arch_counter();

	nanosleep(&nap, NULL);
	ns = now_ns() - ns;
	ticks = arch_counter() - ticks;
	return ticks ? (double)ns / (double)ticks : 0;
}

/* Not where Linux itself does not keep its time by it: it may stop, or differ between PUs. */
static bool counter_is_trusted(void)
{
	char name[64];

	return fact_file(clocksource, name, sizeof(name)) &&
	       !strcmp(name, ARCH_COUNTER_CLOCKSOURCE);
}

static bool try_counter(struct clock_facts *counter)
{
	double again;

	*counter = (struct clock_facts){.source = ARCH_COUNTER_NAME, .counter = true};
	if (!counter_is_trusted())
		return false;
	counter->ns_per_tick = calibrate();
	again = calibrate();
	if (!again || fabs(counter->ns_per_tick / again - 1) > STEADY)
		return false;
	time_looks(counter);
	return true;
}

const struct clock_facts *clock_survey(void)
{
	static struct clock_facts facts;
	struct clock_facts counter;

	if (facts.source)
		return &facts;
	facts = (struct clock_facts){.source = "clock_gettime", .ns_per_tick = 1};
	time_looks(&facts);
	if (try_counter(&counter) && counter.cost_ns < facts.cost_ns &&
	    counter.resolution_ns < COARSER * facts.resolution_ns)
		facts = counter;
	return &facts;
}
