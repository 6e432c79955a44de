/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our read section with what the reader of liburcu's test_urcu does besides: it
 * loads a pointer and a length inside, counts in its thread's memory, looks at a
 * flag.
 * TWIN_FLAVOUR is the header of the flavour.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#define _LGPL_SOURCE
#include TWIN_FLAVOUR

unsigned int mnbench_nap(unsigned int seconds);

static volatile int go, stop;
int *pointer;
unsigned long length; /* of a section, in turns of a loop; not static: it could be changed */
static __thread uint64_t count;

static void *reader(void *total)
{
	rcu_register_thread();
	while (!go)
		;
	for (;;) {
		rcu_read_lock();
		(void)rcu_dereference(pointer);
		if (caa_unlikely(length))
			for (unsigned long i = length; i; i--)
				caa_cpu_relax();
		rcu_read_unlock();
		count++;
#ifdef TWIN_QUIESCENT_EVERY
		if (caa_unlikely(!(count % TWIN_QUIESCENT_EVERY)))
			rcu_quiescent_state();
#endif
		if (caa_unlikely(stop))
			break;
	}
	rcu_unregister_thread();
	*(uint64_t *)total = count;
	return NULL;
}

int main(void)
{
	uint64_t total = 0;
	pthread_t thread;

	if (pthread_create(&thread, NULL, reader, &total))
		return 1;
	go = 1;
	mnbench_nap(10);
	stop = 1;
	pthread_join(thread, NULL);
	printf("%.4f ns\n", 0.1e9 / (double)total);
	return 0;
}
