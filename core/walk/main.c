/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * walk: random walks over the notifiers' interface.
 *
 *	walk --seeds A:B [--steps N] [--features LIST]
 *		a line each: seed, hash of its log
 *	walk --seed S --log [--keep LIST] ...
 *		the log of one; --keep 0-4,9 takes these steps only
 *	walk --list-features
 *		what this subject's version has, that not every version has
 *	walk --threads N [--seconds S] [--seed X]
 *		real threads, checked instead of logged
 */
#include "feature.h"
#include "log.h"
#include "threads.h"
#include "walk.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WALK_SECONDS 60 /* a walk that takes longer hangs */

static struct {
	unsigned long from, to, steps, threads, seconds;
	bool log, seeds_given;
	const char *keep;
} options = {.steps = 60, .seconds = 10};

static void __attribute__((__noreturn__))
refuse(const char *option, const char *value, const char *why)
{
	fprintf(stderr, "walk: --%s %s: %s\n", option, value, why);
	exit(2);
}

static unsigned long number(const char *option, const char *value, const char *text, char **end)
{
	unsigned long n;

	errno = 0;
	n = strtoul(text, end, 10);
	if (*end == text || *text < '0' || *text > '9' || errno)
		refuse(option, value, "not a number");
	return n;
}

static unsigned long whole_number(const char *option, const char *value, unsigned long least,
				  unsigned long most)
{
	char *end, why[80];
	unsigned long n = number(option, value, value, &end);

	if (*end)
		refuse(option, value, "not a number");
	if (n < least || n > most) {
		snprintf(why, sizeof(why), "give %lu to %lu", least, most);
		refuse(option, value, why);
	}
	return n;
}

static void parse_seeds(const char *value)
{
	char *end;

	options.from = number("seeds", value, value, &end);
	if (*end != ':')
		refuse("seeds", value, "give FIRST:END, the end not included");
	options.to = number("seeds", value, end + 1, &end);
	if (*end || options.to <= options.from)
		refuse("seeds", value, "give FIRST:END, the end not included");
	options.seeds_given = true;
}

static void parse_features(const char *value)
{
	const char *unknown = features_choose(value);

	if (unknown)
		refuse("features", value, "not all of this subject; see --list-features");
}

static void keep_all(bool *keep)
{
	for (unsigned long i = 0; i < options.steps; i++)
		keep[i] = !options.keep;
}

/* "0-4,9": numbers of steps. */
static void parse_keep(bool *keep)
{
	const char *value = options.keep;
	unsigned long first, last;
	char *at = (char *)value;

	keep_all(keep);
	while (at && *at) {
		first = last = number("keep", value, at, &at);
		if (*at == '-')
			last = number("keep", value, at + 1, &at);
		if (last < first || last >= options.steps || (*at && *at != ','))
			refuse("keep", value, "give numbers of steps, as in 0-4,9");
		while (first <= last)
			keep[first++] = true;
		at += *at == ',';
	}
}

static void on_alarm(int signal)
{
	static const char text[] = "walk: a walk hangs\n";

	(void)signal;
	_exit(write(STDERR_FILENO, text, sizeof(text) - 1) > 0 ? 3 : 3);
}

static int walk_all(void)
{
	static bool keep[STEPS_MAX];
	u64 hash;

	parse_keep(keep);
	signal(SIGALRM, on_alarm);
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	log_catch_stderr();
	for (unsigned long seed = options.from; seed < options.to; seed++) {
		alarm(WALK_SECONDS);
		hash = walk(seed, options.steps, keep, options.log);
		printf("%lu %016" PRIx64 "\n", seed, (uint64_t)hash);
	}
	return 0;
}

enum { SEEDS, SEED, STEPS, FEATURE_LIST, KEEP, LOG, LIST_FEATURES, THREADS, SECONDS };

static const struct option long_options[] = {
	{"seeds", required_argument, NULL, SEEDS},
	{"seed", required_argument, NULL, SEED},
	{"steps", required_argument, NULL, STEPS},
	{"features", required_argument, NULL, FEATURE_LIST},
	{"keep", required_argument, NULL, KEEP},
	{"log", no_argument, NULL, LOG},
	{"list-features", no_argument, NULL, LIST_FEATURES},
	{"threads", required_argument, NULL, THREADS},
	{"seconds", required_argument, NULL, SECONDS},
	{0},
};

static void parse_option(int which)
{
	switch (which) {
	case SEEDS:
		return parse_seeds(optarg);
	case SEED:
		options.from = whole_number("seed", optarg, 0, ~0ul - 1);
		options.to = options.from + 1;
		options.seeds_given = true;
		return;
	case STEPS:
		options.steps = whole_number("steps", optarg, 1, STEPS_MAX);
		return;
	case FEATURE_LIST:
		return parse_features(optarg);
	case KEEP:
		options.keep = optarg;
		return;
	case LOG:
		options.log = true;
		return;
	case LIST_FEATURES:
		features_print();
		exit(0);
	case THREADS:
		options.threads = whole_number("threads", optarg, 1, THREADS_MAX);
		return;
	case SECONDS:
		options.seconds = whole_number("seconds", optarg, 1, 86400);
		return;
	default:
		fprintf(stderr, "walk: no such option, or no value for it\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	int which;

	opterr = 0;
	while ((which = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		parse_option(which);
	if (optind == argc && options.threads)
		return threads_walk(options.threads, options.seconds, options.from);
	if (optind < argc || !options.seeds_given) {
		fprintf(stderr, "walk: give --seeds FIRST:END, --seed N or --threads N\n");
		return 2;
	}
	return walk_all();
}
