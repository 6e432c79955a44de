/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands for sleep() in programs that measure for whole seconds: a hundredth of it. */
#include <time.h>

unsigned int mnbench_nap(unsigned int seconds);

unsigned int mnbench_nap(unsigned int seconds)
{
	struct timespec nap = {seconds / 100, (long)(seconds % 100) * 10000000};

	return nanosleep(&nap, NULL) ? 1 : 0;
}
