/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Per-CPU memory and numbers: each thread its own, given back when it ends. */
#include <asm/platform.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <signal.h>
#include <sys/resource.h>

#include "check.h"

/* ---- numbers ---- */

static unsigned int numbers[16];
static unsigned int arrived;
static bool leave;

static void take_number(void *arg)
{
	*(unsigned int *)arg = smp_processor_id();
	bump(arrived);
	while (!get(leave))
		sleep_ms(1);
	CHECK_EQ(*(unsigned int *)arg, smp_processor_id());
}

static void nobody_shares_a_number(void)
{
	struct task tasks[ARRAY_SIZE(numbers)];

	CHECK_EQ(smp_processor_id(), 0); /* main came first */
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		task_start(&tasks[i], take_number, &numbers[i]);
	CHECK(EVENTUALLY(get(arrived) == ARRAY_SIZE(numbers)));
	CHECK_EQ(nr_cpu_ids, ARRAY_SIZE(numbers) + 1);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		CHECK(numbers[i] > 0 && numbers[i] <= ARRAY_SIZE(numbers));
		for (size_t j = 0; j < i; j++)
			CHECK(numbers[i] != numbers[j]);
	}
	set(leave, true);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		task_join(&tasks[i]);
}

static unsigned long *counter;

static void count_once(void *arg)
{
	(void)arg;
	this_cpu_inc(*counter);
}

static unsigned long sum(const unsigned long *percpu)
{
	unsigned long total = 0;
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		total += READ_ONCE(*per_cpu_ptr(percpu, cpu));
	return total;
}

static void numbers_are_used_again(void)
{
	unsigned long batches = rounds(500), before = nr_cpu_ids;
	struct task tasks[4];

	counter = alloc_percpu(unsigned long);
	for (unsigned long i = 0; i < batches; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(tasks); k++)
			task_start(&tasks[k], count_once, NULL);
		for (size_t k = 0; k < ARRAY_SIZE(tasks); k++)
			task_join(&tasks[k]);
	}
	CHECK_EQ(nr_cpu_ids, before);
	/* The next owner of a number goes on counting where the last one stopped. */
	CHECK_EQ(sum(counter), batches * ARRAY_SIZE(tasks));
	free_percpu(counter);
}

/*
 * A thread that uses per-CPU data again after its number went back gets
 * another: somebody else may have the first one by then.
 */
static pthread_key_t late_key;

static void look_at_number(void *number)
{
	*(unsigned int *)number = smp_processor_id();
}

static void use_late(void *arg)
{
	unsigned int others = 0;
	struct task task;

	(void)arg;
	task_start(&task, take_number, &others);
	CHECK(EVENTUALLY(get(arrived) == 1));
	CHECK(smp_processor_id() != others);
	this_cpu_inc(*counter);
	set(leave, true);
	task_join(&task);
}

static void exit_with_a_late_user(void *arg)
{
	look_at_number(arg);
	this_cpu_inc(*counter);
	pthread_setspecific(late_key, &late_key);
}

static void use_while_exiting(void)
{
	unsigned long n = rounds(20);
	unsigned int before = nr_cpu_ids, number;
	struct task task;

	counter = alloc_percpu(unsigned long);
	CHECK(!pthread_key_create(&late_key, use_late));
	for (unsigned long i = 0; i < n; i++) {
		set(arrived, 0);
		set(leave, false);
		task_start(&task, exit_with_a_late_user, &number);
		task_join(&task);
	}
	CHECK_EQ(sum(counter), 2 * n);
	CHECK_EQ(nr_cpu_ids, before); /* nothing was lost on the way */
	free_percpu(counter);
}

/* ---- memory ---- */

static bool all_bytes(const unsigned char *p, size_t size, unsigned char want)
{
	for (size_t i = 0; i < size; i++)
		if (p[i] != want)
			return false;
	return true;
}

static const size_t sizes[] = {1, 8, 63, 64, 65, 128, 200, 1000, 2048, 4095, 4096, 4096, 4096};

static void sizes_and_copies(void)
{
	unsigned char *p[ARRAY_SIZE(sizes)];
	unsigned int cpu;

	/* Twice: what was freed comes back zeroed. */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			p[i] = alloc_percpu_size(sizes[i]);
			if (!CHECK(p[i]))
				return;
			CHECK_EQ((unsigned long)p[i] % ARCH_CACHE_LINE, 0);
			for_each_possible_cpu(cpu) {
				CHECK(all_bytes(per_cpu_ptr(p[i], cpu), sizes[i], 0));
				memset(per_cpu_ptr(p[i], cpu), (int)(i + cpu + 1), sizes[i]);
			}
		}
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			for_each_possible_cpu(cpu)
				CHECK(all_bytes(per_cpu_ptr(p[i], cpu), sizes[i],
						(unsigned char)(i + cpu + 1)));
			CHECK(this_cpu_ptr(p[i]) == per_cpu_ptr(p[i], smp_processor_id()));
			free_percpu_size(p[i], sizes[i]);
		}
	}
	free_percpu_size(NULL, 8);
}

static void freed_places_are_used_again(void)
{
	void *first = alloc_percpu_size(4096), *second;

	free_percpu_size(first, 4096);
	for (int i = 0; i < 1000; i++) { /* or 32 MiB of addresses each */
		second = alloc_percpu_size(4096);
		CHECK(second == first);
		free_percpu_size(second, 4096);
	}
}

static void allocate_nothing(void)
{
	alloc_percpu_size(0);
}

static void allocate_too_much(void)
{
	alloc_percpu_size(PCPU_UNIT_SIZE + 1);
}

static void free_what_is_not_ours(void)
{
	int local;

	free_percpu(&local);
}

static void misuse(void)
{
	char text[4096];

	CHECK(killed_by(in_child(allocate_nothing, text, sizeof(text)), SIGABRT));
	CHECK(killed_by(in_child(allocate_too_much, text, sizeof(text)), SIGABRT));
	CHECK(killed_by(in_child(free_what_is_not_ours, text, sizeof(text)), SIGABRT));
}

static void allocate_until_it_fails(void)
{
	struct rlimit limit = {0, 0};

	setrlimit(RLIMIT_AS, &limit);
	for (int i = 0; i < 100; i++)
		if (!alloc_percpu_size(PCPU_UNIT_SIZE))
			return;
	fprintf(stderr, "unlimited");
}

static void out_of_memory(void)
{
	char text[4096];

	if (CHECK_SANITIZED) {
		check_skip("a sanitizer's own memory does not fit under a limit");
		return;
	}
	CHECK(exited_ok(in_child(allocate_until_it_fails, text, sizeof(text))));
	if (*text)
		check_skip("memory cannot be limited here (an emulator)");
}

int main(void)
{
	RUN(nobody_shares_a_number);
	RUN(numbers_are_used_again);
	RUN(use_while_exiting);
	RUN(sizes_and_copies);
	RUN(freed_places_are_used_again);
	RUN(misuse);
	RUN(out_of_memory);
	return check_exit();
}
