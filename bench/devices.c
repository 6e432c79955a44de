/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What two-pass invalidation gains: a range over N devices, each of which takes
 * a given time to forget it. Part of a unit: unit.h.
 */
#include <errno.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <stdlib.h>

#include "../core/compat.h"
#include "clock.h"
#include "op.h"
#include "unit.h"

#define STRIDE 0x10000ul

/* It is told by a store, and done LATENCY_NS later: the clock is what we wait for. */
struct device {
	struct mmu_interval_notifier sub;
	uint64_t latency_ns, done_at;
#if COMPAT_TWO_PASS
	struct mmu_interval_notifier_finish finish;
#endif
};

struct bus {
	struct mm_struct *mm;
	struct device *device;
	size_t count;
};

static void device_begin(struct mmu_interval_notifier *sub, unsigned long cur_seq)
{
	struct device *device = container_of(sub, struct device, sub);

	mmu_interval_set_seq(sub, cur_seq);
	device->done_at = now_ns() + device->latency_ns;
}

static void device_wait(struct device *device)
{
	while (now_ns() < device->done_at)
		;
}

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	(void)range;
	device_begin(sub, cur_seq);
	device_wait(container_of(sub, struct device, sub));
	return true;
}

static const struct mmu_interval_notifier_ops one_pass = {.invalidate = invalidate};

#if COMPAT_TWO_PASS
static bool invalidate_start(struct mmu_interval_notifier *sub,
			     const struct mmu_notifier_range *range, unsigned long cur_seq,
			     struct mmu_interval_notifier_finish **finish)
{
	(void)range;
	device_begin(sub, cur_seq);
	*finish = &container_of(sub, struct device, sub)->finish;
	return true;
}

static void invalidate_finish(struct mmu_interval_notifier_finish *finish)
{
	device_wait(container_of(finish, struct device, finish));
}

static const struct mmu_interval_notifier_ops two_passes = {
	.invalidate_start = invalidate_start,
	.invalidate_finish = invalidate_finish,
};
#else
#define two_passes one_pass /* never asked for: the table below has no second value */
#endif

static int bus_setup(struct op_run *run)
{
	const struct mmu_interval_notifier_ops *ops =
		op_param(run, "passes") == 2 ? &two_passes : &one_pass;
	struct bus *bus = calloc(1, sizeof(*bus));
	size_t count = (size_t)op_param(run, "devices");
	int ret = 0;

	if (!bus)
		return -ENOMEM;
	run->shared = bus;
	bus->mm = mm_alloc();
	bus->device = calloc(count, sizeof(*bus->device));
	if (!bus->mm || !bus->device)
		return -ENOMEM;
	for (; bus->count < count && !ret; bus->count += !ret) {
		struct device *device = &bus->device[bus->count];

		device->latency_ns = (uint64_t)op_param(run, "latency_ns");
		ret = mmu_interval_notifier_insert(&device->sub, bus->mm, bus->count * STRIDE,
						   STRIDE, ops);
	}
	return ret;
}

static void bus_teardown(struct op_run *run)
{
	struct bus *bus = run->shared;

	for (size_t i = 0; i < bus->count; i++)
		mmu_interval_notifier_remove(&bus->device[i].sub);
	if (bus->mm)
		mmput(bus->mm);
	free(bus->device);
	free(bus);
}

static int hooks_setup(struct op_thread *t)
{
	mmap_read_lock(((struct bus *)t->run->shared)->mm);
	return 0;
}

static void hooks_teardown(struct op_thread *t)
{
	mmap_read_unlock(((struct bus *)t->run->shared)->mm);
}

static void range_run(struct op_thread *t, uint64_t n)
{
	struct bus *bus = t->run->shared;
	struct mmu_notifier_range range;

	compat_range_init(&range, MMU_NOTIFY_CLEAR, 0, bus->mm, 0, bus->count * STRIDE);
	while (n--) {
		mmu_notifier_invalidate_range_start(&range);
		mmu_notifier_invalidate_range_end(&range);
	}
}

static const struct bench_op ops[] = {
	{.family = "seq",
	 .op = "range_devices",
	 .subject = MN_SUBJECT,
	 .variant = MN_VARIANT,
	 .flags = OWN_LOCK_ONLY,
	 .params = {{"devices", 4, {1, 4, 16, 64}, 1u << 0 | 1u << 2},
		    {"latency_ns", 3, {1000, 5000, 50000}, 1u << 1},
		    {"passes", 1 + COMPAT_TWO_PASS, {1, 2}, PARAM_ALL_QUICK}},
	 .batch = 1,
	 .setup = bus_setup,
	 .teardown = bus_teardown,
	 .thread_setup = hooks_setup,
	 .thread_teardown = hooks_teardown,
	 .run = range_run,
	 .uncounted = "it waits for the clock, as often as it takes"},
};

const struct op_table UNIT_TABLE(devices) = OP_TABLE(ops);
