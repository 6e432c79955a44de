/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help_text[] =
	"mnbench: times the synchronisation core of Linux's mmu notifiers, ported to userspace\n"
	"\n"
	"usage: mnbench [--FLAG[=VALUE] ...] [--benchmark_FLAG=VALUE ...]\n"
	"\n"
	"what is timed:\n"
	"  --families LIST        of seq, srcu, wake, itree, probe (all)\n"
	"  --profile NAME         quick: the cases that answer the main questions, briefly;\n"
	"                         full: every case (full)\n"
	"  --threads LIST         numbers of threads (quick: 1, 2 and all PUs; full: powers of\n"
	"                         two, all PUs and twice as many)\n"
	"  --pin LIST             placement: none, compact, scatter, smt, llc, xllc, xnode,\n"
	"                         kind:N, or PUs such as 0,2,5-7 (quick: compact; full: all)\n"
	"  --benchmark_filter=REGEX\n"
	"                         those whose name matches; -REGEX: the others\n"
	"  --window MS            length of a repetition of several threads (quick: 20; full: "
	"100)\n"
	"  --overlap-floor F      rows whose threads ran together for less than this share of\n"
	"                         the window are marked low-overlap (0.9)\n"
	"how often, and in which order (see results/README.md):\n"
	"  --repetitions N        of every benchmark, at least (10)\n"
	"  --max-repetitions N    and at most (3 times as many)\n"
	"  --target PERCENT       it needs no more once the 95 % interval of its median is within\n"
	"                         so much of the median (2; 0: each gets --repetitions)\n"
	"  --budget SECONDS       after these none gets more than --repetitions (quick: 75;\n"
	"                         full: 900; 0: no limit)\n"
	"  --twins N              so many are measured twice, to see the run's own noise (16)\n"
	"  --seed N               of the random order (made up, and told)\n"
	"  --resume               go on with the interrupted run in --csv FILE\n"
	"  --baton                take turns with another program, over standard input and output\n"
	"  --benchmark_min_time=SECONDS\n"
	"                         length of a repetition of one thread (quick: 0.01; full: 0.05)\n"
	"what is written:\n"
	"  --csv FILE             results, appended row by row\n"
	"  --machine FILE         the machine and the build, JSON\n"
	"  --topology FILE        the machine's topology, hwloc's XML\n"
	"  --run-id ID            the rows' run_id (host and time)\n"
	"  --execution HOW        native, qemu-user, qemu-system or kernel-icount (found out)\n"
	"instead of timing:\n"
	"  --benchmark_list_tests print the names\n"
	"  --count FILE           count instructions into FILE, as scripts/mnbench count has it:\n"
	"                         under qemu-user with a plugin that answers in FILE.answer\n"
	"  --plan                 print where each thread of one --pin and one --threads would\n"
	"                         go, by tabs: thread, PU, core, L3, package, NUMA node\n"
	"  --draw                 draw it into a picture of the machine\n"
	"    --from FILE          on the machine of this hwloc XML file\n"
	"    --synthetic DESC     on a machine described as hwloc does: \"node:2 core:8 pu:2\"\n"
	"  --try-plan             run threads so, and print where the kernel says that they were:\n"
	"                         policy, threads, thread, PU planned, PU, node planned, node of\n"
	"                         its memory, node of the PU; exit 1 if one was elsewhere\n"
	"  --version, --help\n"
	"\n"
	"names: family/op/subject/variant:V[/parameter:N]/threads:N/pin:POLICY\n"
	"Exit status: 0; 2 bad input; 1 a failure while running.\n";

void options_print_help(void)
{
	fputs(help_text, stdout);
	fflush(stdout);
}

bool options_has(const char *names, const char *name)
{
	size_t len = strlen(name), n;

	if (!names)
		return true;
	for (; *names; names += n + (names[n] == ',')) {
		n = strcspn(names, ",");
		if (n == len && !strncmp(names, name, n))
			return true;
	}
	return false;
}

static int bad(char *why, size_t len, const char *flag, const char *value, const char *wanted)
{
	snprintf(why, len, "--%s=%s: %s; see --help", flag, value, wanted);
	return -EINVAL;
}

/* Each element of a comma separated list is one of KNOWN, itself such a list. */
static int check_list(const char *flag, const char *list, const char *known, char *why, size_t len)
{
	char one[64];
	size_t n;

	for (const char *p = list;; p += n + 1) {
		n = strcspn(p, ",");
		snprintf(one, sizeof(one), "%.*s", (int)n, p);
		if (!n || n >= sizeof(one) || !options_has(known, one)) {
			snprintf(why, len, "--%s=%s: '%s' is not one of %s", flag, list, one,
				 known);
			return -EINVAL;
		}
		if (!p[n])
			return 0;
	}
}

static int check_name(const char *flag, const char *name, const char *known, char *why, size_t len)
{
	if (strchr(name, ',')) {
		snprintf(why, len, "--%s=%s: wants one of %s", flag, name, known);
		return -EINVAL;
	}
	return check_list(flag, name, known, why, len);
}

/* It becomes a cell of every row. */
static int check_printable(const char *flag, const char *text, char *why, size_t len)
{
	for (const char *p = text; *p; p++)
		if (iscntrl((unsigned char)*p))
			return bad(why, len, flag, "...", "wants no control characters");
	return 0;
}

static int parse_threads(struct options *o, const char *list, char *why, size_t len)
{
	char *end;

	o->thread_counts = 0; /* of several such flags the last one wins */
	for (const char *p = list;; p = end + 1) {
		unsigned long n = isdigit((unsigned char)*p) ? strtoul(p, &end, 10) : 0;

		if (!n || n > MAX_THREADS || (*end && *end != ','))
			return bad(why, len, "threads", list, "wants numbers from 1 to 65536");
		if (o->thread_counts == MAX_THREAD_COUNTS)
			return bad(why, len, "threads", list, "has too many numbers");
		o->threads[o->thread_counts++] = (unsigned int)n;
		if (!*end)
			return 0;
	}
}

static bool read_whole(const char *text, unsigned long long *n)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	*n = strtoull(text, &end, 10); /* too large: the largest */
	return !*end;
}

/* 1: no such flag. */
static int parse_whole(struct options *o, const char *name, const char *value, char *why,
		       size_t len)
{
	const struct {
		const char *name;
		unsigned int *place;
		unsigned int least, most;
	} numbers[] = {
		{"window", &o->window_ms, 1, 60000},
		{"repetitions", &o->repetitions, 1, MAX_REPETITIONS},
		{"max-repetitions", &o->max_repetitions, 1, MAX_REPETITIONS},
		{"twins", &o->twins, 0, 100000},
	};
	unsigned long long n;
	char wanted[64];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(numbers[i].name, name))
			continue;
		snprintf(wanted, sizeof(wanted), "wants a number from %u to %u", numbers[i].least,
			 numbers[i].most);
		if (!read_whole(value, &n) || n < numbers[i].least || n > numbers[i].most)
			return bad(why, len, name, value, wanted);
		*numbers[i].place = (unsigned int)n;
		return 0;
	}
	return 1;
}

/* 1: no such flag. */
static int parse_real(struct options *o, const char *name, const char *value, char *why, size_t len)
{
	const struct {
		const char *name;
		double *place, most, unit;
	} numbers[] = {
		{"overlap-floor", &o->overlap_floor, 1, 1},
		{"target", &o->target, 100, 0.01},
		{"budget", &o->budget, 1e6, 1},
	};
	char *end, wanted[64];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		double n = strtod(value, &end);

		if (strcmp(numbers[i].name, name))
			continue;
		snprintf(wanted, sizeof(wanted), "wants a number from 0 to %g", numbers[i].most);
		if (end == value || *end || !(n >= 0 && n <= numbers[i].most))
			return bad(why, len, name, value, wanted);
		*numbers[i].place = n * numbers[i].unit;
		return 0;
	}
	return 1;
}

static int parse_seed(struct options *o, const char *value, char *why, size_t len)
{
	unsigned long long n;

	if (!read_whole(value, &n) || n > MAX_SEED)
		return bad(why, len, "seed", value, "wants a number from 0 to 9007199254740991");
	o->seed = n;
	o->has_seed = true;
	return 0;
}

/* Flags whose value is kept as it is. */
static const char **text_of(struct options *o, const char *name)
{
	const struct {
		const char *name;
		const char **place;
	} texts[] = {
		{"csv", &o->csv},
		{"machine", &o->machine},
		{"topology", &o->topology},
		{"run-id", &o->run_id},
		{"pin", &o->pins},
		{"from", &o->from_xml},
		{"synthetic", &o->synthetic},
		{"families", &o->families},
		{"execution", &o->execution},
		{"count", &o->count},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!strcmp(texts[i].name, name))
			return texts[i].place;
	return NULL;
}

static int set_profile(struct options *o, const char *value, char *why, size_t len)
{
	int ret = check_name("profile", value, "quick,full", why, len);

	o->quick = !ret && !strcmp(value, "quick");
	return ret;
}

/* 1: not one of our flags. */
static int set_flag(struct options *o, const char *name, const char *value, char *why, size_t len)
{
	const char **text = text_of(o, name);
	int ret;

	if (text) {
		*text = value;
		if (!*value)
			return bad(why, len, name, value, "wants a value");
		if (!strcmp(name, "families"))
			return check_list(name, value, "seq,srcu,wake,itree,probe", why, len);
		if (!strcmp(name, "execution"))
			return check_name(name, value, "native,qemu-user,qemu-system,kernel-icount",
					  why, len);
		return check_printable(name, value, why, len);
	}
	if (!strcmp(name, "profile"))
		return set_profile(o, value, why, len);
	if (!strcmp(name, "threads"))
		return parse_threads(o, value, why, len);
	if (!strcmp(name, "seed"))
		return parse_seed(o, value, why, len);
	ret = parse_whole(o, name, value, why, len);
	return ret == 1 ? parse_real(o, name, value, why, len) : ret;
}

/* NULL: not one of them. */
static bool *switch_of(struct options *o, const char *name)
{
	const struct {
		const char *name;
		bool *place;
	} switches[] = {
		{"help", &o->help},	    {"version", &o->version}, {"resume", &o->resume},
		{"baton", &o->baton},	    {"plan", &o->plan},	      {"draw", &o->draw},
		{"try-plan", &o->try_plan},
	};

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (!strcmp(switches[i].name, name))
			return switches[i].place;
	return NULL;
}

/* Google Benchmark's flags that have no meaning here, and what has it instead. */
static int check_library_flag(const char *name, char *why, size_t len)
{
	static const char *const kept[] = {"benchmark_filter", "benchmark_min_time",
					   "benchmark_list_tests"};
	static const char *const replaced[][2] = {
		{"benchmark_repetitions", "use --repetitions"},
		{"benchmark_enable_random_interleaving", "the order is random, see --seed"},
		{"benchmark_out", "use --csv"},
	};
	const char *instead = "no such flag here; see --help";

	if (strncmp(name, "benchmark_", strlen("benchmark_")))
		return 1;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (!strcmp(kept[i], name))
			return 1;
	for (size_t i = 0; i < sizeof(replaced) / sizeof(replaced[0]); i++)
		if (!strcmp(replaced[i][0], name))
			instead = replaced[i][1];
	snprintf(why, len, "--%s: %s", name, instead);
	return -EINVAL;
}

/* One argument, with the next one as its value where it has none of its own; 1: not ours. */
static int parse_one(struct options *o, char *arg, char *next, bool *took_next, char *why,
		     size_t len)
{
	char name[64], *equals = strchr(arg, '=');
	size_t n = equals ? (size_t)(equals - arg) : strlen(arg);
	int ret;

	*took_next = false;
	if (n <= 2 || strncmp(arg, "--", 2) || n - 2 >= sizeof(name))
		return 1;
	snprintf(name, sizeof(name), "%.*s", (int)(n - 2), arg + 2);
	if (switch_of(o, name)) {
		*switch_of(o, name) = true;
		return equals ? bad(why, len, name, equals + 1, "takes no value") : 0;
	}
	ret = check_library_flag(name, why, len);
	if (ret < 0)
		return ret;
	if (equals)
		return set_flag(o, name, equals + 1, why, len);
	if (next && next[0] != '-') {
		ret = set_flag(o, name, next, why, len);
		*took_next = ret != 1;
		return ret;
	}
	return set_flag(o, name, "", why, len);
}

/* What depends on several flags. */
static int complete(struct options *o, char *why, size_t len)
{
	if (!o->window_ms)
		o->window_ms = o->quick ? 20 : 100;
	if (o->budget < 0)
		o->budget = o->quick ? 75 : 900;
	if (!o->max_repetitions)
		o->max_repetitions =
			o->repetitions * 3 < MAX_REPETITIONS ? o->repetitions * 3 : MAX_REPETITIONS;
	if (o->max_repetitions < o->repetitions) {
		snprintf(why, len, "--max-repetitions=%u: below --repetitions=%u",
			 o->max_repetitions, o->repetitions);
		return -EINVAL;
	}
	if (o->count && (o->resume || o->baton)) {
		snprintf(why, len, "--count=%s: goes with neither --resume nor --baton", o->count);
		return -EINVAL;
	}
	if (o->resume && !o->csv) {
		snprintf(why, len, "--resume: wants the interrupted run's --csv FILE");
		return -EINVAL;
	}
	return 0;
}

int options_parse(struct options *options, int *argc, char **argv, char *why, size_t len)
{
	int kept = 1;

	*options = (struct options){
		.overlap_floor = 0.9, .repetitions = 10, .target = 0.02, .budget = -1, .twins = 16};
	for (int i = 1; i < *argc; i++) {
		bool took_next;
		int ret = parse_one(options, argv[i], i + 1 < *argc ? argv[i + 1] : NULL,
				    &took_next, why, len);

		if (ret < 0)
			return ret;
		if (ret)
			argv[kept++] = argv[i];
		i += took_next;
	}
	argv[kept] = NULL;
	*argc = kept;
	return complete(options, why, len);
}

int options_check_rest(int argc, char **argv, char *why, size_t len)
{
	if (argc < 2)
		return 0;
	snprintf(why, len, "%s: no such flag; see --help", argv[1]);
	return -EINVAL;
}
