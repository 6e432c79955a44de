/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, but for Google Benchmark's own flags. */
#ifndef MNBENCH_OPTIONS_H
#define MNBENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_THREAD_COUNTS 32
#define MAX_THREADS	  65536
#define MAX_REPETITIONS	  1000
#define MAX_SEED	  9007199254740991u /* a whole number in every reader of JSON */

struct options {
	const char *csv, *machine, *topology;	 /* files to write; NULL: none */
	const char *run_id, *execution;		 /* NULL: made up, found out */
	const char *families;			 /* comma separated; NULL: all */
	const char *pins;			 /* comma separated; NULL: the profile's */
	unsigned int threads[MAX_THREAD_COUNTS]; /* none: the profile's */
	size_t thread_counts;
	bool quick;
	unsigned int window_ms;
	double overlap_floor;
	uint64_t seed; /* up to MAX_SEED */
	bool has_seed;
	unsigned int repetitions, max_repetitions;
	double target; /* a share of the median; 0: none */
	double budget; /* seconds; 0: none */
	unsigned int twins;
	bool resume, baton;
	const char *count;	   /* file of instruction counts: count, do not time */
	bool plan, draw, try_plan; /* instead of timing: see plans.h */
	const char *from_xml, *synthetic;
	bool help, version;
};

/*
 * Takes our flags out of argv and leaves the rest for gb_initialize(). 0, or
 * -EINVAL with one line in `why` that names the flag and the way out.
 */
int options_parse(struct options *options, int *argc, char **argv, char *why, size_t len);

/* An error if anything is left in argv that nobody took. */
int options_check_rest(int argc, char **argv, char *why, size_t len);

/* Whether the comma separated list NAMES is NULL or has NAME. */
bool options_has(const char *names, const char *name);

void options_print_help(void);

#endif
