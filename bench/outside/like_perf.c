/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our wake-up of N sleepers, the waker's time, and what `perf bench futex wake`
 * does besides. Arguments: N, and of these what is to be so
 *   idle   nothing runs for a while before
 *   end    who is woken ends, and the next run has new threads; else the same
 *          ones sleep again
 * The waker stays where it is, sleepers are on all PUs in turn.
 */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST_SLEEPERS 1024
#define FEW_RUNS      5
#define MANY_RUNS     101
#define IDLE_US	      100000 /* as long as perf's */
#define SHORT_US      300

static uint32_t word, inside;
static bool idle, end;
static unsigned int count;
static pthread_t threads[MOST_SLEEPERS];

static void futex(uint32_t *address, int op, uint32_t value)
{
	syscall(SYS_futex, address, op, value, NULL, NULL, 0);
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void nap_us(long us)
{
	struct timespec nap = {0, us * 1000};

	nanosleep(&nap, NULL);
}

static void *sleeper(void *arg)
{
	uint32_t now;

	(void)arg;
	do {
		now = __atomic_load_n(&word, __ATOMIC_ACQUIRE);
		__atomic_fetch_add(&inside, 1, __ATOMIC_ACQ_REL);
		while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) == now)
			futex(&word, FUTEX_WAIT_PRIVATE, now);
	} while (!end);
	return NULL;
}

static int start(void)
{
	unsigned long pus = (unsigned long)sysconf(_SC_NPROCESSORS_ONLN);
	pthread_attr_t attr;
	cpu_set_t pu;
	int ret = 0;

	pthread_attr_init(&attr);
	for (unsigned int i = 0; i < count && !ret; i++) {
		CPU_ZERO(&pu);
		CPU_SET(i % pus, &pu);
		pthread_attr_setaffinity_np(&attr, sizeof(pu), &pu);
		ret = pthread_create(&threads[i], &attr, sleeper, NULL);
	}
	pthread_attr_destroy(&attr);
	return ret;
}

static double wake(void)
{
	double before;

	while (__atomic_load_n(&inside, __ATOMIC_ACQUIRE) != count)
		nap_us(20);
	/* From the count to the sleep it is not far. */
	nap_us(idle ? IDLE_US : SHORT_US);
	__atomic_store_n(&inside, 0, __ATOMIC_RELAXED);
	before = now_ns();
	__atomic_fetch_add(&word, 1, __ATOMIC_RELEASE);
	futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX);
	return now_ns() - before;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	double took[MANY_RUNS];
	int runs;

	count = argc > 1 ? (unsigned int)atoi(argv[1]) : 0;
	for (int i = 2; i < argc; i++) {
		idle |= !strcmp(argv[i], "idle");
		end |= !strcmp(argv[i], "end");
	}
	if (!count || count > MOST_SLEEPERS)
		return 2;
	runs = idle || end ? FEW_RUNS : MANY_RUNS;
	for (int run = 0; run < runs; run++) {
		if ((end || !run) && start())
			return 1;
		took[run] = wake();
		for (unsigned int i = 0; end && i < count; i++)
			pthread_join(threads[i], NULL);
	}
	qsort(took, (size_t)runs, sizeof(*took), by_value);
	printf("%.0f ns\n", took[runs / 2]);
	return 0;
}
