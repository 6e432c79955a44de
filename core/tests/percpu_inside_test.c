/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Per-CPU memory and numbers from inside: the core's own source is part of
 * this file, so its maps can be looked at, and filled up.
 */
#include "../percpu.c"

#include <linux/kernel.h>
#include <signal.h>

#include "check.h"

static char text[4096];

/* ---- numbers: before this thread has one ---- */

static void lowest_free_number(void)
{
	CHECK_EQ(cpu_take(), 0);
	CHECK_EQ(cpu_take(), 1);
	CHECK_EQ(nr_ids, 2);
	cpu_release((void *)1ul);
	CHECK_EQ(cpu_taken[0], 2);
	CHECK_EQ(cpu_take(), 0);
	CHECK_EQ(nr_ids, 2);

	cpu_taken[0] = ~0ull;
	CHECK_EQ(cpu_take(), 64);
	CHECK_EQ(nr_ids, 65);
	cpu_taken[1] = ~(1ull << 5);
	CHECK_EQ(cpu_take(), 69);
	CHECK_EQ(cpu_taken[1], ~0ull);
	CHECK_EQ(nr_ids, 70);
	cpu_release((void *)70ul);
	CHECK_EQ(cpu_taken[1], ~(1ull << 5));
	CHECK_EQ(cpu_taken[0], ~0ull);
	CHECK_EQ(nr_ids, 70);
}

static void take_one_more(void)
{
	pcpu_assign();
}

static void no_number_left(void)
{
	memset(cpu_taken, 0xff, sizeof(cpu_taken));
	CHECK_EQ(cpu_take(), NR_CPUS);
	CHECK_EQ(nr_ids, 70);
	CHECK(killed_by(in_child(take_one_more, text, sizeof(text)), SIGABRT));
	CHECK_EQ(occurrences(text, "BUG: cpu == NR_CPUS"), 1);

	/* The very last one is a number like others. */
	cpu_taken[NR_CPUS / 64 - 1] &= ~(1ull << 63);
	CHECK_EQ(pcpu_assign(), NR_CPUS * (unsigned long)PCPU_UNIT_SIZE);
	CHECK_EQ(smp_processor_id(), NR_CPUS - 1);
	CHECK_EQ(pcpu_nr_ids(), NR_CPUS);
	CHECK_EQ(cpu_take(), NR_CPUS);
	cpu_release((void *)(unsigned long)NR_CPUS);
	CHECK_EQ(__pcpu_offset, 0);
	CHECK_EQ(cpu_take(), NR_CPUS - 1);

	memset(cpu_taken, 0, sizeof(cpu_taken));
	nr_ids = 0;
	CHECK_EQ(smp_processor_id(), 0);
}

/* ---- places in a chunk ---- */

/* A unit has 64 grains, or 32 where lines are longer. */
#define ALL (~0ull >> (64 - GRAINS))

static void grains(void)
{
	CHECK_EQ(grain_mask(1), 1);
	CHECK_EQ(grain_mask(GRAIN), 1);
	CHECK_EQ(grain_mask(GRAIN + 1), 3);
	CHECK_EQ(grain_mask(5 * GRAIN), 0x1f);
	CHECK_EQ(grain_mask((GRAINS - 1) * GRAIN), ALL >> 1);
	CHECK_EQ(grain_mask((GRAINS - 1) * GRAIN + 1), ALL);
	CHECK_EQ(grain_mask(PCPU_UNIT_SIZE), ALL);
}

static void first_fit(void)
{
	struct chunk chunk = {.base = (char *)PCPU_CHUNK_SIZE, .used = 0x25}; /* ..100101 */
	size_t rest = GRAINS - 6;

	CHECK_EQ(chunk_find(&chunk, 1), GRAIN);
	CHECK_EQ(chunk_find(&chunk, GRAIN + 1), 3 * GRAIN);
	CHECK_EQ(chunk_find(&chunk, 2 * GRAIN + 1), 6 * GRAIN);
	CHECK_EQ(chunk_find(&chunk, rest * GRAIN), 6 * GRAIN); /* just up to the end */
	CHECK_EQ(chunk_find(&chunk, rest * GRAIN + 1), PCPU_UNIT_SIZE);

	CHECK(chunk_take(&chunk, 2 * GRAIN) == chunk.base + 3 * GRAIN);
	CHECK_EQ(chunk.used, 0x3d);
	CHECK(chunk_take(&chunk, 1) == chunk.base + GRAIN);
	CHECK_EQ(chunk.used, 0x3f);
	CHECK(!chunk_take(&chunk, (rest + 1) * GRAIN));
	CHECK_EQ(chunk.used, 0x3f);
	CHECK(chunk_take(&chunk, (rest - 1) * GRAIN));
	CHECK(chunk_take(&chunk, GRAIN) == chunk.base + PCPU_UNIT_SIZE - GRAIN);
	CHECK_EQ(chunk.used, ALL);
	CHECK(!chunk_take(&chunk, 1));
}

/* ---- chunks ---- */

/* Pages of address space in use. */
static unsigned long mapped(void)
{
	unsigned long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "r");

	if (statm) {
		if (fscanf(statm, "%lu", &pages) != 1)
			pages = 0;
		fclose(statm);
	}
	return pages;
}

static void aligned_address_space(void)
{
	unsigned long pages[3];
	char *base[2];

	mapped(); /* the C library's buffers are there */
	for (int i = 0; i < 2; i++) {
		pages[i] = mapped();
		base[i] = chunk_map();
		CHECK(base[i]);
		CHECK_EQ((unsigned long)base[i] % PCPU_CHUNK_SIZE, 0);
		base[i][0] = base[i][PCPU_CHUNK_SIZE - 1] = 1;
	}
	pages[2] = mapped();
	if (!CHECK_SANITIZED && pages[2]) {
		unsigned long size = PCPU_CHUNK_SIZE / (unsigned long)sysconf(_SC_PAGESIZE);

		/* Not twice that; an emulator maps a little for itself meanwhile. */
		CHECK(pages[1] - pages[0] < size + size / 2);
		CHECK(pages[2] - pages[1] < size + size / 2);
	}
	munmap(base[0], PCPU_CHUNK_SIZE);
	munmap(base[1], PCPU_CHUNK_SIZE);
}

static void two_chunks(void)
{
	void *one, *other, *small;

	CHECK(!chunk_of((char *)0x1000)); /* there is none yet */
	one = alloc_percpu_size(PCPU_UNIT_SIZE);
	other = alloc_percpu_size(PCPU_UNIT_SIZE - GRAIN);
	CHECK(chunks && chunks->next && !chunks->next->next);
	CHECK(chunks->base == (char *)other && chunks->next->base == (char *)one);
	small = alloc_percpu_size(1); /* behind OTHER, where there is room */
	CHECK((char *)small == (char *)other + PCPU_UNIT_SIZE - GRAIN);

	CHECK(chunk_of(one) == chunks->next);
	CHECK(chunk_of((char *)one + PCPU_UNIT_SIZE - 1) == chunks->next);
	CHECK(!chunk_of((char *)one + PCPU_UNIT_SIZE));
	CHECK(!chunk_of((char *)one - 1));
	CHECK(chunk_of(small) == chunks);

	free_percpu_size(other, PCPU_UNIT_SIZE - GRAIN);
	CHECK_EQ(chunks->used, ALL & ~(ALL >> 1));
	CHECK_EQ(chunks->next->used, ALL);
	free_percpu_size(small, 1);
	CHECK_EQ(chunks->used, 0);
	free_percpu_size(one, PCPU_UNIT_SIZE);
	CHECK_EQ(chunks->next->used, 0);
}

/* Freeing clears the copies that were in use, and no byte beside them. */
static void cleared_when_freed(void)
{
	char *a = alloc_percpu_size(GRAIN), *b = alloc_percpu_size(GRAIN);

	CHECK(b == a + GRAIN);
	nr_ids = 3;
	for (unsigned int cpu = 0; cpu < nr_ids; cpu++)
		memset(per_cpu_ptr(a, cpu), 1, 2 * GRAIN);
	free_percpu_size(a, GRAIN);
	for (unsigned int cpu = 0; cpu < nr_ids; cpu++)
		for (size_t i = 0; i < 2 * GRAIN; i++)
			CHECK_EQ(per_cpu_ptr(a, cpu)[i], i >= GRAIN);
	nr_ids = 1;
	free_percpu_size(b, GRAIN);
}

int main(void)
{
	RUN(lowest_free_number);
	RUN(no_number_left);
	RUN(grains);
	RUN(first_fit);
	RUN(aligned_address_space);
	RUN(two_chunks);
	RUN(cleared_when_freed);
	return check_exit();
}
