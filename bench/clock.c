/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clock.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "sysfacts.h"
#include "text.h"

#define BURSTS	   50
#define LOOKS	   64
#define STRETCH_NS 10000000
#define STEADY	   0.001 /* of two stretches the counter's rates differ by less */
#define COARSER	   2	 /* a step may be the clock's own cost, which varies */

#define STILL_NS  10000000 /* it moves within that, or does not move */
#define STEPS	  1000
#define FEW_STEPS 8 /* of one that is seen to have large ones */
#define COARSE_NS 1000
#define STEPPED	  0.01 /* of the time between two looks; a slew is 0.0005 */
#define PAIR_NS	  1000 /* looks at two clocks are never quite at one time */

const char clock_stepped[] = "CLOCK_MONOTONIC stepped during the repetition";

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

/* The smallest of many steps; 0: it was seen to go back. */
static uint64_t smallest_step(bool *stays)
{
	uint64_t before = now_ns(), now, step = UINT64_MAX;

	*stays = false;
	for (int steps = 0; steps < (*stays ? FEW_STEPS : STEPS); before = now) {
		now = now_ns();
		if (now < before)
			return 0;
		if (now == before) {
			*stays = true;
			continue;
		}
		step = now - before < step ? now - before : step;
		steps++;
	}
	return step;
}

int clock_check(char *why, size_t len)
{
	struct timespec ts, nap = {0, STILL_NS};
	uint64_t before, step;
	bool stays;

	if (clock_gettime(CLOCK_MONOTONIC, &ts))
		return text_fail(-errno, why, len, "CLOCK_MONOTONIC cannot be read: %s",
				 strerror(errno));
	before = now_ns();
	nanosleep(&nap, NULL);
	if (now_ns() == before)
		return text_fail(-ERANGE, why, len,
				 "CLOCK_MONOTONIC stands still: nothing can be timed here");
	step = now_ns() < before ? 0 : smallest_step(&stays);
	if (!step)
		return text_fail(-ERANGE, why, len,
				 "CLOCK_MONOTONIC goes back: nothing can be timed here");
	if (stays && step >= COARSE_NS)
		return text_fail(-ERANGE, why, len,
				 "CLOCK_MONOTONIC has steps of %.0f us: nothing can be timed here; "
				 "see `mnbench doctor` for the kernel's clock source",
				 (double)step / 1000);
	return 0;
}

struct clock_pair clock_pair(void)
{
	struct clock_pair pair = {.ns = now_ns()};
	struct timespec raw;

	pair.both = !clock_gettime(CLOCK_MONOTONIC_RAW, &raw);
	pair.raw = (uint64_t)raw.tv_sec * 1000000000u + (uint64_t)raw.tv_nsec;
	pair.apart = now_ns() - pair.ns;
	return pair;
}

bool clock_has_stepped(const struct clock_pair *begin, const struct clock_pair *end)
{
	double raw = (double)(int64_t)(end->raw - begin->raw);
	double off = (double)(int64_t)(end->ns - begin->ns) - raw;

	if (end->ns < begin->ns)
		return true;
	return begin->both && end->both &&
	       fabs(off) > STEPPED * raw + (double)(begin->apart + end->apart) + PAIR_NS;
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
