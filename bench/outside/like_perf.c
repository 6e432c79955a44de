/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our wake-up of N sleepers with what `perf bench futex wake` does besides: its
 * machine is idle for a while before, and who is woken ends. The waker stays
 * where it is, sleepers are on all PUs in turn. Arguments: N, and of "nap" and
 * "end" what is to be so.
 */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST_SLEEPERS 1024
#define RUNS	      5
#define IDLE_MS	      100

static uint32_t word, forever, asleep;
static int ends;

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

static void nap_ms(long ms)
{
	struct timespec nap = {0, ms * 1000000};

	nanosleep(&nap, NULL);
}

static void *sleeper(void *arg)
{
	(void)arg;
	__atomic_fetch_add(&asleep, 1, __ATOMIC_RELAXED);
	futex(&word, FUTEX_WAIT_PRIVATE, 0);
	if (!ends)
		futex(&forever, FUTEX_WAIT_PRIVATE, 0);
	return NULL;
}

static int start(pthread_t *threads, unsigned int count)
{
	long pus = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_attr_t attr;
	cpu_set_t pu;

	asleep = 0;
	pthread_attr_init(&attr);
	for (unsigned int i = 0; i < count; i++) {
		CPU_ZERO(&pu);
		CPU_SET(i % (unsigned long)pus, &pu);
		pthread_attr_setaffinity_np(&attr, sizeof(pu), &pu);
		if (pthread_create(&threads[i], &attr, sleeper, NULL))
			return -1;
	}
	pthread_attr_destroy(&attr);
	while (__atomic_load_n(&asleep, __ATOMIC_RELAXED) != count)
		nap_ms(1);
	return 0;
}

/* Long enough for all to be asleep in either case; only a machine that is not idle stays awake. */
static void settle(int idle)
{
	double end = now_ns() + IDLE_MS * 1e6;

	if (idle)
		nap_ms(IDLE_MS);
	while (now_ns() < end)
		sched_yield();
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	unsigned int count = argc > 1 ? (unsigned int)atoi(argv[1]) : 0;
	static pthread_t threads[MOST_SLEEPERS];
	double took[RUNS];
	int idle = 0;

	for (int i = 2; i < argc; i++) {
		idle |= !strcmp(argv[i], "nap");
		ends |= !strcmp(argv[i], "end");
	}
	if (!count || count > MOST_SLEEPERS)
		return 2;
	for (int run = 0; run < RUNS; run++) {
		if (start(threads, count))
			return 1;
		settle(idle);
		took[run] = now_ns();
		futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX);
		took[run] = now_ns() - took[run];
		for (unsigned int i = 0; ends && i < count; i++)
			pthread_join(threads[i], NULL);
	}
	qsort(took, RUNS, sizeof(*took), by_value);
	printf("%.0f ns\n", took[RUNS / 2]);
	return 0;
}
