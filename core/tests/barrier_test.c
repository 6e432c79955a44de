/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two threads, two places, many rounds: outcomes that the barriers forbid.
 * An emulator is only as weak as its host, so silence there proves little.
 *
 *	store buffering		message passing		load buffering
 *	x = 1     y = 1		x = 1      a = y	a = x     b = y
 *	smp_mb    smp_mb	release    acquire	smp_mb    smp_mb
 *	a = y     b = x		y = 1      b = x	y = 1     x = 1
 *	never a = b = 0		never a = 1, b = 0	never a = b = 1
 */
#include <linux/atomic.h>
#include <linux/kernel.h>

#include "check.h"

struct place {
	unsigned long value;
} __aligned(256);

static struct place x, y, met, a, b;

struct litmus {
	const char *name;
	void (*left)(void);
	void (*right)(void);
	bool (*forbidden)(void);
};

static const struct litmus *litmus;
static bool over; /* said between a round's two meetings */

static void left_side(void *arg)
{
	unsigned long n = 0;

	(void)arg;
	do {
		meet(&met.value, 2, ++n);
		litmus->left();
		meet(&met.value, 2, ++n);
	} while (!READ_ONCE(over));
}

static void run(const struct litmus *which)
{
	unsigned long most = rounds(60000), n = 0, forbidden = 0;
	double until = seconds() + 0.4; /* slow where two threads share a core */
	struct task task;

	litmus = which;
	met.value = x.value = y.value = 0;
	over = false;
	task_start(&task, left_side, NULL);
	do {
		meet(&met.value, 2, ++n);
		litmus->right();
		if (n >= 2 * most || seconds() > until)
			WRITE_ONCE(over, true);
		meet(&met.value, 2, ++n);
		forbidden += litmus->forbidden();
		WRITE_ONCE(x.value, 0);
		WRITE_ONCE(y.value, 0);
	} while (!over);
	task_join(&task);
	printf("  %s: %lu rounds\n", which->name, n / 2);
	CHECK_EQ(forbidden, 0);
}

static void sb_left(void)
{
	WRITE_ONCE(x.value, 1);
	smp_mb();
	a.value = READ_ONCE(y.value);
}

static void sb_right(void)
{
	WRITE_ONCE(y.value, 1);
	smp_mb();
	b.value = READ_ONCE(x.value);
}

/* A read-modify-write with a result is a full barrier. */
static void rmw_left(void)
{
	static atomic_t mine;

	WRITE_ONCE(x.value, 1);
	atomic_add_return(1, &mine);
	a.value = READ_ONCE(y.value);
}

static void rmw_right(void)
{
	static unsigned long mine;

	WRITE_ONCE(y.value, 1);
	(void)xchg(&mine, 1);
	b.value = READ_ONCE(x.value);
}

static bool both_missed(void)
{
	return !a.value && !b.value;
}

static void mp_left(void)
{
	WRITE_ONCE(x.value, 1);
	smp_store_release(&y.value, 1);
}

static void mp_right(void)
{
	a.value = smp_load_acquire(&y.value);
	b.value = READ_ONCE(x.value);
}

static void mp_fences_left(void)
{
	WRITE_ONCE(x.value, 1);
	smp_wmb();
	WRITE_ONCE(y.value, 1);
}

static void mp_fences_right(void)
{
	a.value = READ_ONCE(y.value);
	smp_rmb();
	b.value = READ_ONCE(x.value);
}

static bool flag_without_data(void)
{
	return a.value && !b.value;
}

static void lb_left(void)
{
	a.value = READ_ONCE(x.value);
	smp_mb();
	WRITE_ONCE(y.value, 1);
}

static void lb_right(void)
{
	b.value = READ_ONCE(y.value);
	smp_mb();
	WRITE_ONCE(x.value, 1);
}

static bool both_from_the_future(void)
{
	return a.value && b.value;
}

static void two_sided(void)
{
	static const struct litmus all[] = {
		{"store buffering", sb_left, sb_right, both_missed},
		{"store buffering, atomics", rmw_left, rmw_right, both_missed},
		{"message passing", mp_left, mp_right, flag_without_data},
		{"message passing, fences", mp_fences_left, mp_fences_right, flag_without_data},
		{"load buffering", lb_left, lb_right, both_from_the_future},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		run(&all[i]);
}

int main(void)
{
	RUN(two_sided);
	return check_exit();
}
