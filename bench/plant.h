/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slow-downs planted in this program itself, so that `mnbench selftest` can tell which of them a
 * comparison finds. Only in builds with -DMNBENCH_PLANT=ON: in any other nothing is left of this.
 */
#ifndef MNBENCH_PLANT_H
#define MNBENCH_PLANT_H

#include <stddef.h>
#include <stdint.h>

struct op_thread;

#ifdef MNBENCH_PLANT

/*
 * Takes `--plant NAME-REGEX:PERCENT` out of argv: benchmarks of one thread whose name the extended
 * regular expression matches do so many per cent more operations than they count; with
 * `NAME-REGEX:Ni` N instructions an operation more. 0, or -EINVAL with one line in `why`. Before
 * options_parse().
 */
int plant_parse(int *argc, char **argv, char *why, size_t len);

/* The benchmark that is run next. Not while its time is taken. */
void plant_choose(const char *name);

/* What comes on top of N operations; while the time is taken. */
void plant_run(struct op_thread *t, uint64_t n);

#else

static inline int plant_parse(int *argc, char **argv, char *why, size_t len)
{
	(void)argc, (void)argv, (void)why, (void)len;
	return 0;
}

static inline void plant_choose(const char *name)
{
	(void)name;
}

static inline void plant_run(struct op_thread *t, uint64_t n)
{
	(void)t, (void)n;
}

#endif

#endif
