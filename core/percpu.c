/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Per-CPU memory, and the numbers of the CPUs.
 *
 * Memory comes in chunks of NR_CPUS units that are reserved at once and
 * filled by the page fault. A place in a chunk is the same offset in each
 * unit, so one per-thread offset serves every per-CPU variable. The first unit
 * is nobody's: an offset of 0 would be that of a thread without a number.
 */
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/percpu.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GRAIN  ((size_t)ARCH_CACHE_LINE)
#define GRAINS (PCPU_UNIT_SIZE / GRAIN)

struct chunk {
	struct chunk *next;
	char *base;
	u64 used; /* bit I: grain I of each unit */
};

_Static_assert((NR_CPUS + 1) * PCPU_UNIT_SIZE <= PCPU_CHUNK_SIZE, "a unit for each, and nobody's");
_Static_assert(GRAINS <= 64, "a chunk's map is one word");

static pthread_mutex_t pcpu_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct chunk *chunks;

static u64 cpu_taken[NR_CPUS / 64];
static unsigned int nr_ids;
static pthread_key_t exit_key;
static pthread_once_t exit_key_once = PTHREAD_ONCE_INIT;

__thread unsigned long __pcpu_offset;

/* ---- numbers ---- */

static void cpu_release(void *cpu_plus_one)
{
	unsigned long cpu = (unsigned long)cpu_plus_one - 1;

	pthread_mutex_lock(&pcpu_mutex);
	cpu_taken[cpu / 64] &= ~(1ull << cpu % 64);
	pthread_mutex_unlock(&pcpu_mutex);
	__pcpu_offset = 0;
}

static void exit_key_create(void)
{
	BUG_ON(pthread_key_create(&exit_key, cpu_release));
}

/* The lowest free number, so that nr_ids stays what the busiest moment needed. */
static unsigned int cpu_take(void)
{
	unsigned int word, cpu;

	for (word = 0; word < NR_CPUS / 64 && !~cpu_taken[word]; word++)
		;
	if (word == NR_CPUS / 64)
		return NR_CPUS;
	cpu = word * 64 + (unsigned int)__builtin_ctzll(~cpu_taken[word]);
	cpu_taken[word] |= 1ull << cpu % 64;
	if (cpu >= nr_ids)
		WRITE_ONCE(nr_ids, cpu + 1);
	return cpu;
}

/*
 * Gives the calling thread its number, and returns its offset.
 *
 * The barrier pairs with the one before a reader of nr_cpu_ids loops over
 * the CPUs: whoever finds nothing in this CPU's data because it stopped short
 * of it could not have seen anything there yet.
 */
unsigned long pcpu_assign(void)
{
	unsigned int cpu;

	pthread_once(&exit_key_once, exit_key_create);
	pthread_mutex_lock(&pcpu_mutex);
	cpu = cpu_take();
	pthread_mutex_unlock(&pcpu_mutex);
	BUG_ON(cpu == NR_CPUS); /* more than NR_CPUS threads at once */
	smp_mb();
	BUG_ON(pthread_setspecific(exit_key, (void *)(cpu + 1ul)));
	__pcpu_offset = (cpu + 1ul) * PCPU_UNIT_SIZE;
	return __pcpu_offset;
}

unsigned int pcpu_nr_ids(void)
{
	return READ_ONCE(nr_ids);
}

/* ---- memory ---- */

static u64 grain_mask(size_t size)
{
	size_t n = (size + GRAIN - 1) / GRAIN;

	return n >= 64 ? ~0ull : (1ull << n) - 1;
}

/* First fit; returns the offset in a unit, or PCPU_UNIT_SIZE. */
static size_t chunk_find(const struct chunk *chunk, size_t size)
{
	size_t n = (size + GRAIN - 1) / GRAIN;

	for (size_t at = 0; at + n <= GRAINS; at++)
		if (!(chunk->used & grain_mask(size) << at))
			return at * GRAIN;
	return PCPU_UNIT_SIZE;
}

/* Address space for a chunk at its alignment, or NULL: twice as much, less what lies outside. */
static char *chunk_map(void)
{
	char *all = mmap(NULL, 2 * PCPU_CHUNK_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before;
	char *base;

	if (all == MAP_FAILED)
		return NULL;
	before = -(unsigned long)all % PCPU_CHUNK_SIZE;
	base = all + before;
	if (before)
		munmap(all, before);
	munmap(base + PCPU_CHUNK_SIZE, PCPU_CHUNK_SIZE - before);
	/* One touched page a unit: huge pages would make it 2 MiB for 512 of them. */
	madvise(base, PCPU_CHUNK_SIZE, MADV_NOHUGEPAGE);
	return base;
}

static struct chunk *chunk_new(void)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk));

	if (!chunk)
		return NULL;
	chunk->base = chunk_map();
	if (!chunk->base) {
		free(chunk);
		return NULL;
	}
	chunk->next = chunks;
	chunks = chunk;
	return chunk;
}

static void *chunk_take(struct chunk *chunk, size_t size)
{
	size_t off = chunk_find(chunk, size);

	if (off == PCPU_UNIT_SIZE)
		return NULL;
	chunk->used |= grain_mask(size) << off / GRAIN;
	return chunk->base + off;
}

void *alloc_percpu_size(size_t size)
{
	struct chunk *chunk;
	void *ptr = NULL;

	BUG_ON(!size || size > PCPU_UNIT_SIZE);
	pthread_mutex_lock(&pcpu_mutex);
	for (chunk = chunks; chunk && !ptr; chunk = chunk->next)
		ptr = chunk_take(chunk, size);
	if (!ptr) {
		chunk = chunk_new();
		if (chunk)
			ptr = chunk_take(chunk, size);
	}
	pthread_mutex_unlock(&pcpu_mutex);
	return ptr;
}

static struct chunk *chunk_of(const char *ptr)
{
	struct chunk *chunk = chunks;

	while (chunk && (ptr < chunk->base || ptr >= chunk->base + PCPU_UNIT_SIZE))
		chunk = chunk->next;
	return chunk;
}

void free_percpu_size(void *ptr, size_t size)
{
	struct chunk *chunk;
	size_t off;

	if (!ptr)
		return;
	pthread_mutex_lock(&pcpu_mutex);
	chunk = chunk_of(ptr);
	BUG_ON(!chunk);
	off = (size_t)((char *)ptr - chunk->base);
	for (unsigned int cpu = 0; cpu < nr_ids; cpu++)
		memset(per_cpu_ptr((char *)ptr, cpu), 0, size);
	chunk->used &= ~(grain_mask(size) << off / GRAIN);
	pthread_mutex_unlock(&pcpu_mutex);
}
